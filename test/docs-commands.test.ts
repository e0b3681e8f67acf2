import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Commands that the tests of the pages and of the demo (test/e2e) do not run, because they run tests, build images or take minutes.
const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Matches of a pattern in all pages, each with its page. */
const found = (pattern: RegExp) =>
  pages.flatMap((page) =>
    [...read(page).matchAll(pattern)].map(([, ...groups]) => ({
      page,
      groups: groups.map((text: string | undefined) => text ?? ''),
    })),
  );

describe('the commands in the pages', () => {
  it('of make are targets of the Makefile', () => {
    const targets = [...read('Makefile').matchAll(/^([a-z-]+):/gm)].map(([, target]) => target);
    const used = found(/(?:`|^ {4}|' )make ([a-z-]+)/gm);
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter(({ groups: [target] }) => !targets.includes(target))).toEqual([]);
  });

  it('that run some tests have a pattern that matches a test', () => {
    const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.test.ts'))
      .map((path) => `test/${path}`);
    const used = found(/TESTS=(?:'([^']+)'|(\S+))/g);
    expect(used.length).toBeGreaterThan(5);
    const matchesNone = ({ groups }: { readonly groups: readonly string[] }) =>
      !files.some((file) => new RegExp(groups.join('')).test(file));
    expect(used.filter(matchesNone)).toEqual([]);
  });

  it('of kubectl name files and folders that exist', () => {
    const used = found(/kubectl [^`\n]*-[fk] (config\/[^\s`]+|docs\/[^\s`]+)/g);
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter(({ groups: [path = ''] }) => !existsSync(join(root, path)))).toEqual([]);
  });
});
