import { fileURLToPath } from 'node:url';

import { mustRun } from '../../controlplane/run.ts';

// What GitOps tools compute from resources, by their own libraries (test/gitops).

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

/** Health of Argo CD. */
export interface ArgoHealth {
  readonly status: 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended' | 'Missing' | 'Unknown';
  readonly message: string;
}

/** A script of Argo CD, and the resource that it gets as `obj`. */
export interface ArgoScript {
  readonly script: string;
  readonly object: unknown;
  /** Parameters of an action. */
  readonly params?: Readonly<Record<string, string>>;
  /** Seconds since 1970 that `os.time()` returns. */
  readonly now?: number;
}

/** An entry of `healthCheckExprs` of Flux. */
export interface HealthCheckExpressions {
  readonly inProgress?: string;
  readonly failed?: string;
  readonly current: string;
}

type Command = 'kstatus' | 'threeway' | 'argohealth' | 'argoactions' | 'argoaction' | 'flux';

async function ask<T>(command: Command, entries: readonly unknown[]): Promise<readonly T[]> {
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

/** Returns the status of each resource by kstatus. */
export const kstatuses = (objects: readonly unknown[]): Promise<readonly KStatus[]> =>
  ask<KStatus>('kstatus', objects);

/** Returns the health of each resource, as Argo CD runs health.lua. */
export const argoHealths = (script: string, objects: readonly unknown[]): Promise<readonly ArgoHealth[]> =>
  ask<ArgoHealth>(
    'argohealth',
    objects.map((object) => ({ script, object })),
  );

/** Returns the actions that discovery.lua offers for each resource, by name. */
export const argoActions = (
  script: string,
  objects: readonly unknown[],
): Promise<readonly Readonly<Record<string, { readonly disabled?: boolean }>>[]> =>
  ask(
    'argoactions',
    objects.map((object) => ({ script, object })),
  );

/** Returns the resource that each action.lua returns, or its error. */
export const argoAction = (
  scripts: readonly ArgoScript[],
): Promise<readonly { readonly object?: unknown; readonly error?: string }[]> => ask('argoaction', scripts);

/** Returns the status of each resource by `healthCheckExprs`; `Unknown` if an expression fails: Flux waits. */
export const fluxStatuses = (
  expressions: HealthCheckExpressions,
  objects: readonly unknown[],
): Promise<readonly KStatus[]> =>
  ask<KStatus>(
    'flux',
    objects.map((object) => ({ ...expressions, object })),
  );

/** Returns the merge patches of kubectl and Argo CD for live objects; `{}` if there is no difference. */
export const threeWayPatches = (merges: readonly Merge[]): Promise<readonly unknown[]> =>
  ask<unknown>('threeway', merges);
