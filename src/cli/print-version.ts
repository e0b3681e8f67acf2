import { version } from '../version.ts';
import type { Invocation } from './command.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';

/** `version`. */
export function runVersion({ surroundings }: Invocation): Promise<ExitCode> {
  surroundings.write(`${version}\n`);
  return Promise.resolve(exitCodes.good);
}
