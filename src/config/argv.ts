import type { Option } from './options.ts';

export type Argv =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly message: string };

/**
 * Parses `--flag value`, `--flag=value`, `--switch`, `--no-switch` and `--switch=false`. Returns the values
 * by key, as written. The values of a repeated list are joined with commas. Any other argument is an error,
 * because a typing error must not start a process with default values.
 */
export function parseArgv(argv: readonly string[], options: readonly Option[]): Argv {
  const byFlag = new Map(options.map((option) => [option.flag, option]));
  const values = new Map<string, string>();
  let rest = argv;
  while (rest[0] !== undefined) {
    const read = readOne(rest[0], rest[1], byFlag);
    if ('message' in read) return fail(read.message);
    const { option, value } = read;
    const before = values.get(option.key);
    if (before !== undefined && !option.list) return fail(`--${option.flag} is set twice: keep one`);
    values.set(option.key, before === undefined ? value : `${before},${value}`);
    rest = rest.slice(read.words);
  }
  return { ok: true, values };
}

const fail = (message: string): Argv => ({ ok: false, message });

type Read =
  { readonly option: Option; readonly value: string; readonly words: number } | { readonly message: string };

function readOne(word: string, next: string | undefined, byFlag: ReadonlyMap<string, Option>): Read {
  const [, name, inline] = /^--([^=]+)(?:=([^]*))?$/.exec(word) ?? [];
  if (name === undefined) return unexpected(word);
  const option = byFlag.get(name);
  if (option === undefined) {
    const negated = inline === undefined && name.startsWith('no-') ? byFlag.get(name.slice(3)) : undefined;
    return negated?.boolean === true
      ? { option: negated, value: 'false', words: 1 }
      : unknown(name, [...byFlag.keys()]);
  }
  if (inline !== undefined) return { option, value: inline, words: 1 };
  if (option.boolean) return { option, value: 'true', words: 1 };
  if (next === undefined || next.startsWith('--')) return missing(option);
  return { option, value: next, words: 2 };
}

const unexpected = (word: string): Read => ({
  message: `unexpected argument "${word}": flags are written --name=value; --help lists them`,
});

const missing = (option: Option): Read => ({
  message: `--${option.flag} needs a value (${option.kind}): write --${option.flag}=…`,
});

function unknown(name: string, flags: readonly string[]): Read {
  const near = flags
    .map((flag) => ({ flag, distance: distance(name.replace(/^no-/, ''), flag) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const hint = near !== undefined && near.distance <= 3 ? `did you mean --${near.flag}?` : '--help lists all flags';
  return { message: `unknown flag --${name}: ${hint}` };
}

/** Returns the Levenshtein distance: the number of letters to insert, delete or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split('').entries()) {
      const changed = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
