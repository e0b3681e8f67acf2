import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Renovate {
  readonly customManagers: readonly {
    readonly description: string;
    readonly managerFilePatterns: readonly string[];
    readonly matchStrings: readonly string[];
  }[];
}

describe('.github/renovate.json', () => {
  const { customManagers } = JSON.parse(read('.github/renovate.json')) as Renovate;
  const files = ['.ci', '.github/workflows'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((file) => `${folder}/${file}`),
  );
  const rows = customManagers.map((manager) => [manager.description, manager] as const);

  it.each(rows)('finds exactly one version of %s', (_, { managerFilePatterns, matchStrings }) => {
    const patterns = managerFilePatterns.map((pattern) => new RegExp(pattern.replace(/^\/|\/$/g, '')));
    const matched = files.filter((file) => patterns.some((pattern) => pattern.test(file)));
    const versions = matched.flatMap((file) =>
      matchStrings.flatMap((text) =>
        [...read(file).matchAll(new RegExp(text, 'g'))].map(({ groups }) => groups?.['currentValue']),
      ),
    );
    expect(versions).toEqual([expect.stringMatching(/^v?\d+\.\d+\.\d+$/)]);
  });
});

describe('.github', () => {
  interface Form {
    readonly name: string;
    readonly description: string;
    readonly body: readonly { readonly type: string; readonly id?: string; readonly attributes: object }[];
  }
  const forms = readdirSync(join(root, '.github/ISSUE_TEMPLATE')).filter((file) => file.endsWith('.yaml'));

  it.each(forms)('%s is an issue form whose questions have an id and a label', (file) => {
    const { name, description, body } = parse(read(`.github/ISSUE_TEMPLATE/${file}`)) as Form;
    expect([name, description]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
    for (const { type, id, attributes } of body) {
      const expected = type === 'markdown' ? { value: expect.any(String) } : { label: expect.any(String) };
      expect({ id: id ?? '', ...attributes }).toMatchObject(
        type === 'markdown' ? expected : { ...expected, id },
      );
    }
  });

  it('has an owner for paths that exist', () => {
    const patterns = read('.github/CODEOWNERS')
      .split('\n')
      .filter((line) => /^[/*]/.test(line))
      .map((line) => line.split(/\s+/)[0] ?? '');
    const missing = patterns.filter((pattern) => !pattern.includes('*') && !existsSync(join(root, pattern)));
    expect([patterns.length > 1, missing]).toEqual([true, []]);
  });
});

describe('the targets of the Makefile', () => {
  const targets = new Set([...read('Makefile').matchAll(/^([a-z0-9-]+):.*## /gm)].map(([, name]) => name));
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'docs/tutorial.md',
    'docs/extend.md',
    '.github/pull_request_template.md',
  ];

  it('are the ones that the pages name', () => {
    const named = pages
      .filter((page) => existsSync(join(root, page)))
      .flatMap((page) =>
        [...read(page).matchAll(/(?:^ {4}|`)make ([a-z][a-z0-9-]*)/gm)].map(([, name]) => name),
      );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !targets.has(name))).toEqual([]);
  });
});

describe('.ci/release-version.sh', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const check = (tag: string): string => {
    try {
      execFileSync(join(root, '.ci/release-version.sh'), [tag], { encoding: 'utf8', stdio: 'pipe' });
      return 'accepted';
    } catch (error) {
      return (error as { stderr: string }).stderr.trim();
    }
  };

  it('refuses a tag that is not the version of package.json', () => {
    expect(check('v99.0.0')).toBe(`the tag v99.0.0 is not v${version}, the version of package.json`);
    expect(check(version)).toContain('is not');
  });

  it('accepts that version where CHANGELOG.md has its section, and refuses it otherwise', () => {
    const hasSection = read('CHANGELOG.md').includes(`## [${version}]`);
    expect(check(`v${version}`)).toBe(hasSection ? 'accepted' : `CHANGELOG.md has no section [${version}]`);
  });
});
