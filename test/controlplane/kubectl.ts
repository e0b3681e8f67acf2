import { join } from 'node:path';

import type { PlaneDetails } from './details.ts';
import { mustRun, run } from './run.ts';
import type { RunOptions, RunResult } from './run.ts';
import type { UserName } from './users.ts';

export interface KubectlOptions extends RunOptions {
  readonly user?: UserName;
}

/**
 * Directory in which kubectl remembers the kinds of the API server. By default all control planes of one address share one for
 * hours, and a short name that one of them had twice is refused at the next.
 */
export const kubectlCache = (plane: PlaneDetails): string => join(plane.dir, 'kubectl-cache');

/** What a user types, with the server's own version; fails when kubectl does. Returns standard output. */
export async function kubectl(
  plane: PlaneDetails,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<string> {
  return mustRun(kubectlCommand(plane, args, options.user), options);
}

/** The same, where failing is what is looked at. */
export async function tryKubectl(
  plane: PlaneDetails,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<RunResult> {
  return run(kubectlCommand(plane, args, options.user), options);
}

function kubectlCommand(plane: PlaneDetails, args: readonly string[], user: UserName = 'admin'): string[] {
  const flags = [`--kubeconfig=${plane.kubeconfigs[user]}`, `--cache-dir=${kubectlCache(plane)}`];
  return [plane.binary, 'kubectl', ...flags, ...args];
}
