import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { api } from '../test/controlplane/api.ts';
import type { Api } from '../test/controlplane/api.ts';
import type { PlaneDetails } from '../test/controlplane/details.ts';
import { applyRbac, startOperator } from '../test/controlplane/operator.ts';
import type { RunningOperator } from '../test/controlplane/operator.ts';
import { startPlane } from '../test/controlplane/plane.ts';
import { address, listenForAll, port } from './targets.ts';

/** A control plane and targets that accept connections. */
export interface World {
  readonly plane: PlaneDetails;
  readonly admin: Api;
  startOperator(...args: readonly string[]): Promise<RunningOperator>;
  stop(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const plane = await startPlane({ audit: false });
  const stopListening = await listenForAll();
  await applyRbac(plane.details);
  const operators: RunningOperator[] = [];
  return {
    plane: plane.details,
    admin: api(plane.details, 'admin', 120_000),
    startOperator: async (...args) => {
      const program = join(import.meta.dirname, '../dist/main.js');
      const operator = await startOperator(plane.details, {
        program,
        args: ['--max-probe-rate-per-namespace=1000000', ...args],
      });
      operators.push(operator);
      return operator;
    },
    stop: async () => {
      for (const operator of operators) await operator.kill();
      stopListening();
      await plane.stop();
    },
  };
}

/** Returns the n-th backend of a benchmark, with three targets of its own. */
export const backend = (n: number, namespace: string, probe: object = {}) => ({
  kind: 'ExternalBackend' as const,
  metadata: { name: `b${n}`, namespace },
  spec: {
    targets: [0, 1, 2].map((i) => ({ host: address(3 * n + i) })),
    ports: [{ port }],
    probe,
  },
});

export async function createNamespace(admin: Api, name: string): Promise<void> {
  await admin.create({ kind: 'Namespace', metadata: { name } });
}

/** Runs `count` tasks, `width` at a time. */
export async function inParallel(
  count: number,
  width: number,
  task: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** Returns the CPU seconds of a process so far, user and system. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Returns the resident memory in MB, now and at its maximum. */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1024;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

/** Waits until `ready` returns true. Returns the milliseconds. */
export async function until(
  ready: () => Promise<boolean> | boolean,
  deadlineMs: number,
  everyMs = 50,
): Promise<number> {
  const started = performance.now();
  while (!(await ready())) {
    if (performance.now() - started > deadlineMs)
      throw new Error(`not within ${deadlineMs} ms: ${ready.toString()}`);
    await pause(everyMs);
  }
  return performance.now() - started;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns the sum of the samples of a metric whose labels contain the text. */
export function sample(metrics: string, name: string, labels = ''): number {
  const lines = metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
