/**
 * The engine's probing alone: scheduler, health table, metrics and real probes of 30,000 checks. Prints JSON.
 *   node bench/probe-engine.ts PERIOD_SECONDS
 */
import process from 'node:process';

import type { Check } from '../src/core/check.ts';
import { HealthTable } from '../src/engine/health-table.ts';
import { ProbeScheduler } from '../src/engine/scheduler.ts';
import { createProbes } from '../src/probe/probes.ts';
import { Metrics } from '../src/serve/metrics.ts';
import { systemClock as clock, systemRandom as random } from '../src/system-clock.ts';
import { percentile } from './report.ts';
import { address, port } from './targets.ts';

const seconds = 10;
const periodMs = Number(process.argv[2]) * 1_000;
const metrics = new Metrics({ version: '', nodeVersion: '', perBackend: false, maxBackends: 0 });
const health = new HealthTable({
  clock,
  onChanged: (_owner, check, _before, { state }) => {
    if (state === 'unhealthy') console.error(`${check.id} was not reached: the figure is void`);
  },
});
let probes = 0;
let late: number[] = [];
const { probe } = createProbes();
const scheduler = new ProbeScheduler({
  clock,
  random,
  probe,
  limits: { maxConcurrent: 4096, maxPerHost: 2 },
  onRun: (check, verdict, durationMs) => {
    probes += 1;
    metrics.probed(check.handler.kind, verdict, durationMs);
  },
  onVerdict: (owner, check, verdict) => void health.record(owner, check, verdict),
  onLateness: (ms) => {
    metrics.late(ms);
    late.push(ms);
  },
});
const timing = {
  initialDelayMs: 0,
  periodMs,
  timeoutMs: 1_000,
  successThreshold: 1,
  failureThreshold: 3,
};
const checkOf = (n: number): Check => ({
  id: `${address(n)}|${port}|all`,
  ip: address(n),
  family: 'IPv4',
  port,
  host: address(n),
  handler: { kind: 'tcpSocket' },
  timing,
});
for (let n = 0; n < 30_000; n += 3)
  scheduler.set(`backend-${n}`, [checkOf(n), checkOf(n + 1), checkOf(n + 2)], { fresh: false });
scheduler.start();
setTimeout(() => {
  const before = { probes, cpu: process.cpuUsage() };
  late = [];
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before.cpu);
    const count = probes - before.probes;
    const latenessP99 = percentile(late, 0.99);
    const memoryMb = process.memoryUsage().rss / 2 ** 20;
    console.log(
      JSON.stringify({ probes: count, cpuMicrosPerProbe: (user + system) / count, latenessP99, memoryMb }),
    );
    process.exit(0);
  }, seconds * 1_000);
}, periodMs + 2_000);
