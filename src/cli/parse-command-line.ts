import { parseArgs } from 'node:util';
import type { Command, FlagValues } from './command.ts';
import { commands } from './commands.ts';
import { globalFlags, type Flag } from './flags.ts';
import { programName } from './help.ts';
import { UsageError } from './usage-error.ts';

export type CommandLine =
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly args: readonly string[];
      readonly flags: FlagValues;
    };

/** Parses the words after the name of the plugin. Throws a UsageError if they cannot be understood. */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const [first = '', ...rest] = words;
  if (first === '' || first === 'help' || first === '--help' || first === '-h')
    return { kind: 'help', command: commands.find(({ name }) => name === rest[0]) };
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) throw new UsageError(unknownCommand(first));
  const { values, positionals } = parseWords(command, rest);
  if (values['help'] === true) return { kind: 'help', command };
  const [least, most] = command.count;
  if (positionals.length < least || positionals.length > most)
    throw new UsageError(
      `${command.name} takes ${command.args === '' ? 'no argument' : command.args}, not ${positionals.length} arguments. ${see(command)}`,
    );
  return { kind: 'run', command, args: positionals, flags: flagValues(values) };
}

const unknownCommand = (word: string): string =>
  word.startsWith('-')
    ? `flags come after the command: ${programName} COMMAND ${word}. See ${programName} --help`
    : `unknown command ${JSON.stringify(word)}: it is one of ${commands.map(({ name }) => name).join(', ')}. See ${programName} --help`;

const see = ({ name }: Command): string => `See ${programName} ${name} --help`;

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

function parseWords(
  command: Command,
  words: readonly string[],
): { readonly values: Values; readonly positionals: readonly string[] } {
  const known: Readonly<Record<string, Flag>> = { ...globalFlags, ...command.flags };
  try {
    const parsed = parseArgs({ args: [...words], options: optionsOf(known), allowPositionals: true });
    const values = withoutEquals(parsed.values, known);
    checkChoices(values, known);
    return { values, positionals: parsed.positionals };
  } catch (error) {
    if (!isParseError(error)) throw error;
    const [message = ''] = error.message.split('. ');
    throw new UsageError(`${message}. ${see(command)}`);
  }
}

const isParseError = (error: unknown): error is Error =>
  String((error as { readonly code?: unknown } | null)?.code).startsWith('ERR_PARSE_ARGS_');

const optionsOf = (flags: Readonly<Record<string, Flag>>) =>
  Object.fromEntries(
    Object.entries(flags).map(([name, { short, value, multiple }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short !== undefined && { short }),
        ...(multiple !== undefined && { multiple }),
      },
    ]),
  );

/** kubectl accepts `-n=shop`, of which parseArgs makes the value `=shop`. */
const withoutEquals = (values: Values, flags: Readonly<Record<string, Flag>>): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' && flags[name]?.short !== undefined ? value.replace(/^=/, '') : value,
    ]),
  );

function checkChoices(values: Values, flags: Readonly<Record<string, Flag>>): void {
  for (const [name, { choices }] of Object.entries(flags)) {
    const value = values[name];
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value))
      throw new UsageError(`--${name} is one of ${choices.join(', ')}, not ${JSON.stringify(value)}`);
  }
}

const flagValues = (values: Values): FlagValues => ({
  text: (name) => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  },
  list: (name) => {
    const value = values[name];
    return Array.isArray(value) ? value.map(String) : [];
  },
  isSet: (name) => values[name] === true,
});
