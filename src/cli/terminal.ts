/** The process in which a command runs. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly isTerminal: boolean;
  /** Width of the terminal; undefined: no terminal. */
  readonly columns: number | undefined;
}

/** Appearance of the output. */
export interface Style {
  readonly colour: boolean;
  /** False: ASCII only. */
  readonly unicode: boolean;
  /** Maximum width of a line of a table; undefined: no limit. */
  readonly width: number | undefined;
}

export const colourModes = ['auto', 'always', 'never'] as const;
export type ColourMode = (typeof colourModes)[number];

/**
 * Returns the style for a process.
 *
 * | --color | NO_COLOR | terminal | TERM=dumb | colours |
 * |---------|----------|----------|-----------|---------|
 * | always  | any      | any      | any       | yes     |
 * | never   | any      | any      | any       | no      |
 * | auto    | not empty| any      | any       | no      |
 * | auto    | empty    | yes      | no        | yes     |
 * | auto    | empty    | yes      | yes       | no      |
 * | auto    | empty    | no       | any       | no      |
 */
export function styleOf({ env, isTerminal, columns }: Surroundings, mode: ColourMode): Style {
  const wanted = isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return {
    colour: mode === 'always' || (mode === 'auto' && wanted),
    unicode: /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''),
    width: isTerminal ? columns : undefined,
  };
}

/** Meaning of a cell, which determines its mark and its colour. */
export type Tone = 'good' | 'warning' | 'bad' | 'plain';

const codes: Readonly<Record<Tone, number>> = { good: 32, warning: 33, bad: 31, plain: 0 };
const marks: Readonly<Record<Tone, readonly [string, string]>> = {
  good: ['✔', '+'],
  warning: ['!', '!'],
  bad: ['✗', 'x'],
  plain: ['-', '-'],
};

export const coloured = (text: string, tone: Tone, { colour }: Style): string =>
  colour && tone !== 'plain' ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text;

export const markOf = (tone: Tone, { unicode }: Style): string => marks[tone][unicode ? 0 : 1];
