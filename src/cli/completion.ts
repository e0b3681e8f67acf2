import { completeCommand, type Invocation } from './command.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';

/** Program that kubectl calls to complete the words of this plugin. It must be in the PATH under this name. */
export const completionScript = `#!/bin/sh
# kubectl_complete-external_backend: completes the words of kubectl external-backend.
exec kubectl-external_backend ${completeCommand} "$@"
`;

/** `completion`. */
export function runCompletion({ surroundings }: Invocation): Promise<ExitCode> {
  surroundings.write(completionScript);
  return Promise.resolve(exitCodes.good);
}
