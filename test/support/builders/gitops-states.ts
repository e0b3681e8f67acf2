import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import type { ArgoHealth, HealthCheckExpressions, KStatus } from '../cluster/gitops.ts';

/** Directory of the files for Argo CD, in the layout of its repository. */
export const argoDirectory = fileURLToPath(
  new URL('../../../config/gitops/argocd/externalbackend.io/ExternalBackend', import.meta.url),
);

/**
 * Verdicts of GitOps tools on the states of a backend. `flux` is that of config/gitops/flux/backends-available.yaml;
 * without expressions Flux uses kstatus, as Helm does. A test makes each state on a real API server, and compares it with
 * the resource in testdata.
 */
export const gitOpsStates = {
  new: { kstatus: 'InProgress', argo: 'Progressing', flux: 'InProgress' },
  edited: { kstatus: 'InProgress', argo: 'Progressing', flux: 'InProgress' },
  progressing: { kstatus: 'InProgress', argo: 'Progressing', flux: 'InProgress' },
  healthy: { kstatus: 'Current', argo: 'Healthy', flux: 'Current' },
  'one-down': { kstatus: 'Current', argo: 'Healthy', flux: 'Current' },
  'all-down': { kstatus: 'Current', argo: 'Degraded', flux: 'InProgress' },
  'none-ready-kept': { kstatus: 'Current', argo: 'Degraded', flux: 'InProgress' },
  conflict: { kstatus: 'Failed', argo: 'Degraded', flux: 'Failed' },
  invalid: { kstatus: 'Failed', argo: 'Degraded', flux: 'Failed' },
  suspended: { kstatus: 'Current', argo: 'Suspended', flux: 'Current' },
  deleting: { kstatus: 'Terminating', argo: 'Progressing', flux: 'InProgress' },
  adopting: { kstatus: 'Current', argo: 'Progressing', flux: 'InProgress' },
  isolated: { kstatus: 'Current', argo: 'Healthy', flux: 'Current' },
  maintenance: { kstatus: 'Current', argo: 'Healthy', flux: 'Current' },
  observing: { kstatus: 'Current', argo: 'Healthy', flux: 'Current' },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly kstatus: KStatus['status'];
      readonly argo: ArgoHealth['status'];
      readonly flux: KStatus['status'];
    }
  >
>;

export type GitOpsState = keyof typeof gitOpsStates;

export const gitOpsStateNames = Object.keys(gitOpsStates) as readonly GitOpsState[];

export const stateFile = (state: GitOpsState): string => `${argoDirectory}/testdata/${state}.yaml`;

/** Returns the resource in a state, as `kubectl get -o yaml` printed it. */
export const backendInState = (state: GitOpsState): Readonly<Record<string, unknown>> =>
  parse(readFileSync(stateFile(state), 'utf8')) as Readonly<Record<string, unknown>>;

/** Verdicts of Argo CD and of Flux with expressions that agree with one of kstatus. */
export const agreeingVerdicts: Readonly<
  Partial<Record<KStatus['status'], readonly (readonly [ArgoHealth['status'], KStatus['status']])[]>>
> = {
  InProgress: [['Progressing', 'InProgress']],
  Terminating: [['Progressing', 'InProgress']],
  Failed: [['Degraded', 'Failed']],
  Current: [
    ['Healthy', 'Current'],
    ['Suspended', 'Current'],
    // The database is down, or a takeover waits for it: these two report it too.
    ['Degraded', 'InProgress'],
    ['Progressing', 'InProgress'],
  ],
};

const config = fileURLToPath(new URL('../../../config/gitops/', import.meta.url));

export const healthScript = (): string => readFileSync(`${argoDirectory}/health.lua`, 'utf8');

/** Returns the expressions of config/gitops/flux/backends-available.yaml. */
export function fluxExpressions(): HealthCheckExpressions {
  const { spec } = parse(readFileSync(`${config}flux/backends-available.yaml`, 'utf8')) as {
    readonly spec: { readonly healthCheckExprs?: readonly HealthCheckExpressions[] };
  };
  const [expressions] = spec.healthCheckExprs ?? [];
  if (expressions === undefined) throw new Error('no healthCheckExprs');
  return expressions;
}
