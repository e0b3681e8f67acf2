import { fileURLToPath } from 'node:url';

import { mustRun } from '../../controlplane/run.ts';

// Status and difference of resources as computed by the libraries of GitOps tools (test/gitops).

export interface Merge {
  /** The last applied configuration. */
  readonly original: unknown;
  /** The manifest. */
  readonly modified: unknown;
  /** The live object. */
  readonly current: unknown;
}

export interface KStatus {
  readonly status: 'InProgress' | 'Failed' | 'Current' | 'Terminating' | 'NotFound' | 'Unknown';
  readonly message: string;
}

async function ask<T>(command: 'kstatus' | 'threeway', entries: readonly unknown[]): Promise<readonly T[]> {
  const build = fileURLToPath(new URL('../../../.ci/go-program.sh', import.meta.url));
  const binary = (await mustRun([build, 'gitops'], { timeoutMs: 600_000 })).trim();
  return JSON.parse(await mustRun([binary, command], { stdin: JSON.stringify(entries) })) as readonly T[];
}

/** Returns the status by kstatus. Flux and Helm wait for `Current`; `Failed` ends the wait at once. */
export async function kstatus(object: unknown): Promise<KStatus> {
  const [result] = await ask<KStatus>('kstatus', [object]);
  if (result === undefined) throw new Error('kstatus has no result');
  return result;
}

/** Returns the merge patches of kubectl and Argo CD for live objects; `{}` if there is no difference. */
export const threeWayPatches = (merges: readonly Merge[]): Promise<readonly unknown[]> =>
  ask<unknown>('threeway', merges);
