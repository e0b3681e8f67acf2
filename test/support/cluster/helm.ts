import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

import { mustRun, run } from '../../controlplane/run.ts';
import type { RunOptions, RunResult } from '../../controlplane/run.ts';

const root = join(import.meta.dirname, '../../..');

/** Folder of the chart. */
export const chart = join(root, 'charts/external-backend-operator');

export const helmMajors = [3, 4] as const;
export type HelmMajor = (typeof helmMajors)[number];

/** A real Helm with caches of its own. */
export interface Helm {
  readonly major: HelmMajor;
  /** Runs a command that must succeed, and returns its output. */
  run(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Runs a command that may fail. */
  try(args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Builds this Helm if necessary (some minutes, once). With a kubeconfig its commands go to that cluster. */
export async function helmOf(major: HelmMajor, kubeconfig = '/dev/null'): Promise<Helm> {
  const build = join(root, '.ci/helm.sh');
  const binary = (await mustRun([build, String(major)], { timeoutMs: 1_200_000 })).trim();
  const home = mkdtempSync(join(tmpdir(), 'helm-'));
  const env = {
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  };
  return {
    major,
    run: (args, options) => mustRun([binary, ...args], { ...options, env: { ...env, ...options?.env } }),
    try: (args, options) => run([binary, ...args], { ...options, env: { ...env, ...options?.env } }),
  };
}

/** An object as a renderer prints it. */
export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Returns the objects of rendered YAML. */
export const objectsOf = (text: string): readonly RenderedObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as RenderedObject | null)
    .filter((object) => object !== null);
