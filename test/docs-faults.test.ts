import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const docs = join(import.meta.dirname, '../docs');
const page = readFileSync(join(docs, 'faults.md'), 'utf8');

interface Reference {
  /** Path of the test, relative to the page. */
  readonly path: string;
  readonly title: string;
}

/** Tests in the last column of the tables. */
const references: readonly Reference[] = page.split('\n').flatMap((line) => {
  const cell = /^\|.*\| (\[.*\]\(\.\.\/test\/.*) \|$/.exec(line)?.[1] ?? '';
  return cell.split('<br>').flatMap((text) => {
    const [, path, title] = /^\[[^\]]+\]\(([^)]+)\): (.+)$/.exec(text) ?? [];
    return path === undefined || title === undefined ? [] : { path, title };
  });
});

/** Rows of the tables, without their headings. */
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| fault |'));

const sourceOf = (path: string): string => readFileSync(join(docs, path), 'utf8');

/** Titles of the tests of a file, and the first texts of the rows of `it.each`. */
const titlesOf = (source: string): readonly string[] =>
  [...source.matchAll(/(?:\bit\(\s*|^\s+\[\s*)'([^']{4,})'/gm)].flatMap(([, title]) => title ?? []);

describe('docs/faults.md', () => {
  it('has a test in each row', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((row) => !/\]\(\.\.\/test\/[^)]+\): .+ \|$/.test(row))).toEqual([]);
  });

  it('names tests that exist, by their whole titles', () => {
    const isMissing = ({ path, title }: Reference): boolean => !sourceOf(path).includes(`'${title}'`);
    expect(references.filter(isMissing)).toEqual([]);
  });

  it('names every test of test/integration/faults-*', () => {
    const files = readdirSync(join(import.meta.dirname, 'integration')).filter((name) =>
      name.startsWith('faults-'),
    );
    const named = new Set(references.map(({ title }) => title));
    const titles = files.flatMap((name) => titlesOf(sourceOf(`../test/integration/${name}`)));
    expect(titles.length).toBeGreaterThan(15);
    expect(titles.filter((title) => !title.includes('%s') && !named.has(title))).toEqual([]);
  });
});
