import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { exportsOf, proseOf, proseOfSource, withoutCode } from './support/text/prose.ts';
import {
  bannedNamesIn,
  bannedNamesOf,
  bannedWordsIn,
  bannedWordsOf,
  sharedExportsIn,
} from './support/text/words.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
describe('the words of this project', () => {
  it('are those of docs/glossary.md in comments, messages and pages', () => {
    expect(bannedWordsIn(root)).toEqual([]);
  });

  it('are those of docs/glossary.md in the declarations of src', () => {
    expect(bannedNamesIn(root)).toEqual([]);
  });

  it('are exported by one file each', () => {
    expect(sharedExportsIn(root)).toEqual([]);
  });
});

describe('the files that src names in comments', () => {
  it('exist', () => {
    const files = ['src', 'test', 'bench'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (path) => `/${folder}/${path}`,
      ),
    );
    const missing = proseOf(root)
      .filter(({ path }) => path.startsWith('src/'))
      .flatMap(({ path, line, text }) =>
        [...text.matchAll(/[\w-]+(?:\/[\w-]+)*\.ts\b/g)]
          .filter(([name]) => !files.some((file) => file.endsWith(`/${name}`)))
          .map(([name]) => `${path}:${line}: ${name}`),
      );
    expect(missing).toEqual([]);
  });
});

describe('the count itself', () => {
  const count = (text: string) => bannedWordsOf(proseOfSource('src/core/x.ts', text)).length;

  it.each([
    ['// It says so.', 1],
    ['/** It says\n * what it was told. */\nconst a = 1;', 2],
    ["const a = 'it stands';", 1],
    ['const a = `it ${b} stands ${c} beside ${d}`;', 2],
    ['const a = /x/; // said', 1],
    ["import { scene } from './scene.ts';", 0],
    ['const scene = 1; // in scene.ts', 0],
    ['const a = { said: scene.told };', 0],
    ["const a = 'probe-roster, besides';", 0],
  ])('of %j is %i', (text, expected) => {
    expect(count(text)).toBe(expected);
  });

  it('leaves out the code of a page', () => {
    expect(withoutCode('Write `because`, not `says`; `a\nb`.')).toBe('Write ``, not ``; `a\nb`.');
  });

  it('takes a name by the file that declares it', () => {
    const text = `import { g } from './g.ts'; export const a = 1, b = 2; export { c, g }; export { d } from './d.ts';
      export type E = 1; const f = 1;`;
    expect(exportsOf('x.ts', text)).toEqual(['a', 'b', 'c', 'E']);
  });

  it.each([
    ['const scene = 1;', 1],
    ['class A { #lives = 1; told(said: B) {} }', 3],
    ['const { scene: inputs } = a; f(a.told);', 0],
    ['const a = { told: 1 };', 1],
    ['const sceneOf = 1;', 1],
    ['const MAX_LANES = 1; const planes = 1;', 1],
    ['const found = 1; const a = { NotFound: 1 };', 1],
  ])('of the names in %j is %i', (text, expected) => {
    expect(bannedNamesOf('x.ts', text)).toHaveLength(expected);
  });
});
