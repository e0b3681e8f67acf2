import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

import type { Check, Handler } from '../src/core/probing/check.ts';
import type { Health } from '../src/core/health/state.ts';
import { LocalProber } from '../src/engine/probing/local-prober.ts';
import type { Prober } from '../src/engine/probing/prober.ts';
import { latenessBounds, RunTally } from '../src/engine/probing/run-tally.ts';
import { WorkerPool } from '../src/engine/workers/worker-pool.ts';
import { createProbes } from '../src/probe/probes.ts';
import { systemClock as clock, systemRandom as random } from '../src/system-clock.ts';
import { createSpawnThread } from '../src/worker/spawn-thread.ts';

export interface EngineRunOptions {
  readonly targets: number;
  /** Returns the address of the n-th target, from 0. */
  readonly address: (n: number) => string;
  readonly port: number;
  readonly handler: Handler;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** Duration of the measurement, which begins when every target has been probed once. */
  readonly seconds: number;
  readonly onUnhealthy?: (check: Check) => void;
  /** Name of the server of the n-th target; default: its address. */
  readonly host?: (n: number) => string;
  /** Prober threads (default 1). 0: the thread that measures also probes. */
  readonly workers?: number;
}

export interface EngineRun {
  /** Probes since the start. */
  readonly all: number;
  /** Probes in the measured time, and the number of those that were not up. */
  readonly probes: number;
  readonly failed: number;
  /** CPU time of this process per probe. */
  readonly cpuMicros: number;
  /** Milliseconds. */
  readonly latenessP99: number;
  readonly memoryMb: number;
}

/**
 * Measures probing alone: scheduler, health, metrics and real probes, with three targets per backend. Probing continues
 * afterwards, because the process is expected to end then.
 */
export async function runEngine(options: EngineRunOptions): Promise<EngineRun> {
  const { targets, address, port, handler, periodMs, timeoutMs, seconds } = options;
  const { prober, tallies } = createBenchProber(options);
  const timing = { initialDelayMs: 0, periodMs, timeoutMs, successThreshold: 1, failureThreshold: 3 };
  const checkOf = (n: number): Check => {
    const ip = address(n);
    const host = options.host?.(n) ?? ip;
    return { id: `${host}|${ip}|${port}|all`, ip, family: 'IPv4', port, host, handler, timing };
  };
  for (let n = 0; n < targets; n += 3)
    prober.set(`backend-${n}`, [checkOf(n), checkOf(n + 1), checkOf(n + 2)], {
      namespace: 'bench',
      fresh: () => false,
    });
  prober.start();
  await pause(Math.min(periodMs, 10_000) + 2_000);
  const before = { ...count(tallies()), cpu: process.cpuUsage() };
  await pause(seconds * 1_000);
  const { user, system } = process.cpuUsage(before.cpu);
  const after = count(tallies());
  const probes = after.probes - before.probes;
  return {
    all: after.probes,
    probes,
    failed: after.failed - before.failed,
    cpuMicros: (user + system) / probes,
    latenessP99: p99(before.late, after.late),
    memoryMb: process.memoryUsage().rss / 2 ** 20,
  };
}

interface Count {
  readonly probes: number;
  readonly failed: number;
  readonly late: readonly number[];
}

function count(tallies: readonly RunTally[]): Count {
  const total = new RunTally();
  for (const tally of tallies) total.add(tally);
  const results = total.rows().map((row) => row.results);
  const failed = results.reduce((sum, { down, inconclusive }) => sum + down + inconclusive, 0);
  return {
    failed,
    probes: results.reduce((sum, { up }) => sum + up, failed),
    late: total.lateness().counts,
  };
}

/** Returns the upper bound of its bucket, in milliseconds. */
function p99(before: readonly number[], after: readonly number[]): number {
  const counts = after.map((value, index) => value - (before[index] ?? 0));
  const all = counts.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  const bucket = counts.findIndex((value) => (sum += value) >= 0.99 * all);
  return (latenessBounds[bucket] ?? Infinity) * 1_000;
}

function createBenchProber({ onUnhealthy, workers = 1 }: EngineRunOptions) {
  const limits = { maxConcurrent: 4096, maxPerHost: 8, maxPerHostAndNamespace: 2 };
  const nothing = (): void => undefined;
  const listeners = {
    onChanged: (_owner: string, check: Check, _before: Health, { state }: Health) => {
      if (state === 'unhealthy') onUnhealthy?.(check);
    },
    ...{ onNotable: nothing, onQuarantined: nothing, onCost: nothing, onFault: console.error },
  };
  const { probe } = createProbes();
  if (workers === 0) {
    const tally = new RunTally();
    const prober: Prober = new LocalProber({ ...listeners, clock, random, probe, limits, tally });
    return { prober, tallies: () => [tally] };
  }
  const spawn = createSpawnThread(new URL('../dist/prober.js', import.meta.url));
  const pool = new WorkerPool({
    ...listeners,
    ...{ clock, spawn, workers, limits, stallMs: 2_000, foreign: probe, onRestart: console.error },
  });
  const prober: Prober = pool;
  return { prober, tallies: () => pool.tallies };
}
