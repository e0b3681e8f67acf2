import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { exportsOf, folderOf, proseOf, proseOfSource, withoutCode } from './support/text/prose.ts';
import { bannedWordsIn, bannedWordsOf, boundsOf, sharedExportsIn } from './support/text/words.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bounds = boundsOf(root);

const tooMany = (what: string, texts: readonly string[], most: number, instead: string): Error =>
  new Error(
    `${what}: ${texts.length}, and test/words.json allows ${most}. ${instead}; do not raise the number. ` +
      `All of them:\n${texts.join('\n')}`,
  );

describe('the words of comments, messages and pages', () => {
  const found = bannedWordsIn(root);
  const folders = new Set([...found.map(({ folder }) => folder), ...Object.keys(bounds.bannedWords)]);

  it.each([...folders].toSorted())('%s has no more banned words than before', (folder) => {
    const texts = found.filter((use) => use.folder === folder).map(({ text }) => text);
    const most = bounds.bannedWords[folder] ?? 0;
    if (texts.length > most)
      throw tooMany(
        `banned words in ${folder}`,
        texts,
        most,
        'Write your new text without them (CONTRIBUTING.md, "Language")',
      );
  });
});

describe('the names that files of src export', () => {
  it('are no more often shared by two files than before', () => {
    const texts = sharedExportsIn(root);
    if (texts.length > bounds.sharedExports)
      throw tooMany(
        'names that more than one file exports',
        texts,
        bounds.sharedExports,
        'Give your export a name of its own (docs/glossary.md)',
      );
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
    ['src/core/publish/plan.ts', 'src/core'],
    ['src/core/health/state.ts', 'src/core'],
    ['src/main.ts', 'src'],
    ['docs/adr/0001.md', 'docs'],
    ['README.md', '.'],
  ])('has %s under %s', (path, folder) => {
    expect(folderOf(path)).toBe(folder);
  });
});
