import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

import type { Check, Handler } from '../src/core/check.ts';
import { HealthTable } from '../src/engine/health-table.ts';
import { RunTally } from '../src/engine/run-tally.ts';
import { ProbeScheduler } from '../src/engine/scheduler.ts';
import { createProbes } from '../src/probe/probes.ts';
import { systemClock as clock, systemRandom as random } from '../src/system-clock.ts';
import { percentile } from './report.ts';

export interface EngineRunOptions {
  readonly targets: number;
  /** Of the n-th target, from 0. */
  readonly address: (n: number) => string;
  readonly port: number;
  readonly handler: Handler;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** How long it is measured, once every target was probed for the first time. */
  readonly seconds: number;
  readonly onUnhealthy?: (check: Check) => void;
}

export interface EngineRun {
  /** Probes since the start. */
  readonly all: number;
  /** Probes in the seconds measured, and those of them that were not up. */
  readonly probes: number;
  readonly failed: number;
  /** Of this process, by probe. */
  readonly cpuMicros: number;
  /** Milliseconds. */
  readonly latenessP99: number;
  readonly memoryMb: number;
}

/**
 * The engine's probing alone: scheduler, health table, metrics and real probes; three targets to a backend.
 * It goes on when it was measured: for a process that ends then.
 */
export async function runEngine(options: EngineRunOptions): Promise<EngineRun> {
  const { targets, address, port, handler, periodMs, timeoutMs, seconds } = options;
  const counts: Counts = { probes: 0, failed: 0, late: [] };
  const scheduler = createScheduler(counts, options);
  const timing = { initialDelayMs: 0, periodMs, timeoutMs, successThreshold: 1, failureThreshold: 3 };
  const checkOf = (n: number): Check => {
    const ip = address(n);
    return { id: `${ip}|${port}|all`, ip, family: 'IPv4', port, host: ip, handler, timing };
  };
  for (let n = 0; n < targets; n += 3)
    scheduler.set(`backend-${n}`, [checkOf(n), checkOf(n + 1), checkOf(n + 2)], {
      namespace: 'bench',
      fresh: false,
    });
  scheduler.start();
  await pause(periodMs + 2_000);
  const before = { ...counts, cpu: process.cpuUsage() };
  counts.late = [];
  await pause(seconds * 1_000);
  const { user, system } = process.cpuUsage(before.cpu);
  const probes = counts.probes - before.probes;
  return {
    all: counts.probes,
    probes,
    failed: counts.failed - before.failed,
    cpuMicros: (user + system) / probes,
    latenessP99: percentile(counts.late, 0.99),
    memoryMb: process.memoryUsage().rss / 2 ** 20,
  };
}

interface Counts {
  probes: number;
  failed: number;
  late: number[];
}

function createScheduler(counts: Counts, { onUnhealthy }: EngineRunOptions): ProbeScheduler {
  const tally = new RunTally();
  const health = new HealthTable({
    clock,
    onChanged: (_owner, check, _before, { state }) => {
      if (state === 'unhealthy') onUnhealthy?.(check);
    },
  });
  const { probe } = createProbes();
  return new ProbeScheduler({
    clock,
    random,
    probe,
    limits: { maxConcurrent: 4096, maxPerHost: 8, maxPerHostAndNamespace: 2 },
    onRun: (check, verdict, durationMs) => {
      counts.probes += 1;
      if (verdict.kind !== 'up') counts.failed += 1;
      tally.ran(check.handler.kind, verdict, durationMs);
    },
    onVerdict: (owner, check, verdict) => void health.record(owner, check, verdict),
    onLateness: (ms) => {
      tally.late(ms);
      counts.late.push(ms);
    },
  });
}
