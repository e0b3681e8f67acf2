import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { exportsOf, folderOf, proseOf } from './prose.ts';
import type { Prose } from './prose.ts';

/** The most that there may be, of test/words.json. It may only become less. */
export interface WordBounds {
  /** Banned words by folder. A folder that is not listed may have none. */
  readonly bannedWords: Readonly<Record<string, number>>;
  /** Names that more than one file of src exports. */
  readonly sharedExports: number;
}

/** docs/glossary.md and CONTRIBUTING.md have the words to use instead. */
const banned = [
  ...['heir', 'patience', 'roster', 'scene', 'owed', 'anew', 'whoever', 'somebody', 'nobody', 'beside'],
  ...['told', 'tells', 'said', 'says', 'stands', 'standing'],
];

/** A word alone: `says`, not the `scene` of `scene.ts`, nor a part of a name. */
const word = new RegExp(`(?<![\\w/-])(?:${banned.join('|')})(?![\\w-]|\\.ts\\b)`, 'gi');

export interface BannedWord {
  readonly folder: string;
  /** Where it is, and the line. */
  readonly text: string;
}

export const bannedWordsOf = (prose: readonly Prose[]): readonly BannedWord[] =>
  prose.flatMap(({ path, line, text }) =>
    [...text.matchAll(word)].map(([found]) => ({
      folder: folderOf(path),
      text: `${path}:${line}: "${found}" in: ${text.trim().slice(0, 100)}`,
    })),
  );

export const bannedWordsIn = (root: string): readonly BannedWord[] => bannedWordsOf(proseOf(root));

/** Names that more than one file of src exports, each with its files. */
export function sharedExportsIn(root: string): readonly string[] {
  const src = join(root, 'src');
  const exported = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .flatMap((path) => {
      const names = new Set(exportsOf(path, readFileSync(join(src, path), 'utf8')));
      return [...names].map((name) => ({ name, path }));
    });
  return [...Map.groupBy(exported, ({ name }) => name)]
    .filter(([, all]) => all.length > 1)
    .map(([name, all]) => `${name}: ${all.map(({ path }) => path).join(', ')}`);
}

export const boundsFile = 'test/words.json';

export const boundsOf = (root: string): WordBounds =>
  JSON.parse(readFileSync(join(root, boundsFile), 'utf8')) as WordBounds;

/** The bounds, lowered to what there is now. A bound that is exceeded stays. */
export function loweredBounds(root: string): WordBounds {
  const before = boundsOf(root);
  const folders = bannedWordsIn(root).map(({ folder }) => folder);
  const bannedWords = Object.entries(before.bannedWords).map(
    ([folder, most]) => [folder, Math.min(most, folders.filter((each) => each === folder).length)] as const,
  );
  return {
    bannedWords: Object.fromEntries(bannedWords.filter(([, most]) => most > 0)),
    sharedExports: Math.min(before.sharedExports, sharedExportsIn(root).length),
  };
}
