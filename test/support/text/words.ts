import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

import { exportsOf, proseOf } from './prose.ts';
import type { Prose } from './prose.ts';

/** docs/glossary.md and CONTRIBUTING.md have the words to use instead. */
const banned = [
  ...['heir', 'patience', 'roster', 'scene', 'owed', 'anew', 'whoever', 'somebody', 'nobody', 'beside'],
  ...['told', 'tells', 'said', 'says', 'stands', 'standing'],
];

/** Names that no declaration of src has. They are words of other names, such as `NotFound`. */
const bannedNames: ReadonlySet<string> = new Set(['found', 'ask', 'mine', 'stand', 'trust']);

/** Words that no name of a declaration of src contains: `lane` also forbids `laneOf`, `#lanes` and `MAX_LANES`. */
const bannedParts: ReadonlySet<string> = new Set([
  ...banned,
  ...[
    'life',
    'lives',
    'flip',
    'flips',
    'view',
    'views',
    'lane',
    'lanes',
    'seed',
    'seeds',
    'seeded',
    'hear',
    'heard',
  ],
  ...[
    'judge',
    'judges',
    'judged',
    'materials',
    'dialogue',
    'hurry',
    'mail',
    'ruling',
    'manner',
    'learn',
    'tell',
  ],
  ...['tidy', 'calm', 'vouch', 'inquiry', 'farewell', 'agenda', 'misses', 'greet'],
]);

/** Words of a name in camel case or capitals. */
const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[ _#$]+/);

/** A word alone: `says`, not the `scene` of `scene.ts`, nor a part of a name. */
const word = new RegExp(`(?<![\\w/-])(?:${banned.join('|')})(?![\\w-]|\\.ts\\b)`, 'gi');

/** The uses of banned words, each with its place and its line. */
export const bannedWordsOf = (prose: readonly Prose[]): readonly string[] =>
  prose.flatMap(({ path, line, text }) =>
    [...text.matchAll(word)].map(([found]) => `${path}:${line}: "${found}" in: ${text.trim().slice(0, 100)}`),
  );

export const bannedWordsIn = (root: string): readonly string[] => bannedWordsOf(proseOf(root));

const isBanned = (name: string): boolean =>
  bannedNames.has(name.replace('#', '')) || wordsOf(name).some((each) => bannedParts.has(each));

/** The declarations of a file that have a banned name, each with its line. */
export function bannedNamesOf(path: string, text: string): readonly string[] {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const { name } = node as Partial<ts.NamedDeclaration>;
    const isName = name !== undefined && (ts.isIdentifier(name) || ts.isPrivateIdentifier(name));
    if (isName && !ts.isPropertyAccessExpression(node) && isBanned(name.text))
      found.push(`${path}:${tree.getLineAndCharacterOfPosition(name.getStart()).line + 1}: ${name.text}`);
    node.forEachChild(visit);
  };
  visit(tree);
  return found;
}

export const bannedNamesIn = (root: string): readonly string[] =>
  sourcesOf(root).flatMap(([path, text]) => bannedNamesOf(path, text));

/** Names that more than one file of src exports, each with its files. */
export function sharedExportsIn(root: string): readonly string[] {
  const exported = sourcesOf(root).flatMap(([path, text]) =>
    [...new Set(exportsOf(path, text))].map((name) => ({ name, path })),
  );
  return [...Map.groupBy(exported, ({ name }) => name)]
    .filter(([, all]) => all.length > 1)
    .map(([name, all]) => `${name}: ${all.map(({ path }) => path).join(', ')}`);
}

/** The files of src, below it, each with its text. */
const sourcesOf = (root: string): readonly (readonly [string, string])[] =>
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map((path) => [path, readFileSync(join(root, 'src', path), 'utf8')] as const);
