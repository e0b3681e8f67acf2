import type { TargetOptions } from '../controlplane/targets.ts';

/** Returns a manifest of a backend. `spec` is YAML, each line indented. */
export const backend = (spec: string, name = 'db'): string => `
apiVersion: externalbackend.io/v1alpha1
kind: ExternalBackend
metadata: {name: ${name}}
spec:${spec}
`;

/** Returns a manifest as `backend` does, with the default probe each second, whose every result decides. */
export function minimalBackend(spec: string, name?: string): string {
  const indent = /^\n*( +)/.exec(spec)?.[1] ?? '  ';
  return backend(`${spec.trimEnd()}\n${indent}probe: {periodSeconds: 1, failureThreshold: 1}`, name);
}

/** Returns servers of that port, each with the reply that `TargetOptions` describes: its address. */
export const serversAt = (port: number, ...addresses: readonly string[]): readonly TargetOptions[] =>
  addresses.map((address) => ({ address, port }));
