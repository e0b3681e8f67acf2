import { completeCommand } from './command.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { commandHelp, pluginHelp } from './help.ts';
import { parseCommandLine, type CommandLine } from './parse-command-line.ts';
import { colourModes, styleOf, type Surroundings } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Runs one command, and returns its exit code. Errors are written to standard error, with the next step. */
export async function runCli(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  try {
    if (words[0] === completeCommand)
      return await (await import('./complete-words.ts')).runComplete(words.slice(1), surroundings);
    return await runParsed(parseCommandLine(words), surroundings);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    surroundings.writeError(`error: ${message}\n`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

async function runParsed(line: CommandLine, surroundings: Surroundings): Promise<ExitCode> {
  if (line.kind === 'help') {
    surroundings.write(line.command === undefined ? pluginHelp() : commandHelp(line.command));
    return exitCodes.good;
  }
  const { command, args, flags } = line;
  const mode = colourModes.find((each) => each === flags.text('color')) ?? 'auto';
  return command.run({ args, flags, surroundings, style: styleOf(surroundings, mode) });
}
