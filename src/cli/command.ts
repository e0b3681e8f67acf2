import type { Flag } from './flags.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Style, Surroundings } from './terminal.ts';

/** Words of a command line, after the command. */
export interface Invocation {
  readonly args: readonly string[];
  readonly flags: FlagValues;
  readonly style: Style;
  readonly surroundings: Surroundings;
}

/** Values of the flags by name. */
export interface FlagValues {
  /** Returns the value of a flag; undefined: not set. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  isSet(name: string): boolean;
}

export interface Command {
  readonly name: string;
  /** Arguments, for the help. */
  readonly args: string;
  /** Number of arguments: least and most. */
  readonly count: readonly [number, number];
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly string[];
  /** Loads the code of the command and runs it, so that a command loads only what it needs. */
  readonly run: (invocation: Invocation) => Promise<ExitCode>;
}

/** Command by which the completion script asks for words. */
export const completeCommand = '__complete';
