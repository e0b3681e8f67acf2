import type { Command, FlagValues } from './command.ts';
import { commands } from './commands.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { globalFlags, type Flag } from './flags.ts';
import { parseCommandLine } from './parse-command-line.ts';
import type { Surroundings } from './terminal.ts';

/** Directive of Cobra at the end of the output: no names of files. */
const noFiles = ':4';

interface Candidate {
  readonly word: string;
  readonly description?: string;
}

/**
 * Prints the candidates for the last word, which may be empty, as kubectl reads them: `word<TAB>description`, and a directive.
 * Names of backends are read from the cluster. If it does not answer, there are none.
 */
export async function runComplete(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const last = words.at(-1) ?? '';
  const candidates = await candidatesFor(words.slice(0, -1), last, surroundings);
  const lines = candidates
    .filter(({ word }) => word.startsWith(last))
    .map(({ word, description }) => (description === undefined ? word : `${word}\t${description}`));
  surroundings.write([...lines, noFiles, ''].join('\n'));
  return exitCodes.good;
}

async function candidatesFor(
  before: readonly string[],
  last: string,
  surroundings: Surroundings,
): Promise<readonly Candidate[]> {
  const command = commands.find(({ name }) => name === before[0]);
  if (command === undefined)
    return before.length > 0
      ? []
      : commands.map(({ name, summary }) => ({ word: name, description: summary }));
  const flags: Readonly<Record<string, Flag>> = { ...command.flags, ...globalFlags };
  const open = flagOf(before.at(-1) ?? '', flags);
  if (open?.choices !== undefined) return open.choices.map((word) => ({ word }));
  if (open?.value !== undefined) return [];
  if (last.startsWith('-'))
    return Object.entries(flags).map(([name, { description }]) => ({ word: `--${name}`, description }));
  return namesFor(command, before, surroundings);
}

/** Returns the flag whose value comes next; undefined: the word is no flag. */
const flagOf = (word: string, flags: Readonly<Record<string, Flag>>): Flag | undefined =>
  Object.entries(flags).find(([name, { short }]) => word === `--${name}` || word === `-${short ?? ''}`)?.[1];

async function namesFor(
  command: Command,
  before: readonly string[],
  surroundings: Surroundings,
): Promise<readonly Candidate[]> {
  try {
    const line = parseCommandLine(before);
    if (line.kind !== 'run' || line.args.length > 0 || !command.args.includes('NAME')) return [];
    return (await namesIn(line.flags, surroundings)).map((word) => ({ word }));
  } catch {
    // A completion has no place for an error.
    return [];
  }
}

async function namesIn(flags: FlagValues, { env }: Surroundings): Promise<readonly string[]> {
  const { openCluster } = await import('./cluster.ts');
  const cluster = openCluster(flags, env, { deadlineMs: 2_000 });
  try {
    return (await cluster.backends({})).map(({ metadata }) => metadata.name);
  } finally {
    await cluster.close();
  }
}
