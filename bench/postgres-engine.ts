/**
 * The engine's probing alone, of 3,000 PostgreSQL targets of 127.0.0.0/8 every 10 s. Prints JSON.
 *   node bench/postgres-engine.ts PORT KIND SECONDS, where KIND is postgres or tcpSocket
 */
import process from 'node:process';

import type { Check, Handler } from '../src/core/check.ts';
import { HealthTable } from '../src/engine/health-table.ts';
import { ProbeScheduler } from '../src/engine/scheduler.ts';
import { createProbes } from '../src/probe/probes.ts';
import { Metrics } from '../src/serve/metrics.ts';
import { systemClock as clock, systemRandom as random } from '../src/system-clock.ts';
import { percentile } from './report.ts';

const [port = 0, seconds = 0] = [process.argv[2], process.argv[4]].map(Number);
const handler: Handler =
  process.argv[3] === 'tcpSocket'
    ? { kind: 'tcpSocket' }
    : { kind: 'postgres', sslMode: 'prefer', saturatedIs: 'inconclusive' };
const periodMs = 10_000;
const targets = 3_000;
const metrics = new Metrics({ version: '', nodeVersion: '', perBackend: false, maxBackends: 0 });
const health = new HealthTable({ clock, onChanged: () => undefined });
let probes = 0;
let failed = 0;
let late: number[] = [];
const { probe } = createProbes();
const scheduler = new ProbeScheduler({
  clock,
  random,
  probe,
  limits: { maxConcurrent: 4096, maxPerHost: 2 },
  onRun: (check, verdict, durationMs) => {
    probes += 1;
    if (verdict.kind !== 'up') failed += 1;
    metrics.probed(check.handler.kind, verdict, durationMs);
  },
  onVerdict: (owner, check, verdict) => void health.record(owner, check, verdict),
  onLateness: (ms) => {
    metrics.late(ms);
    late.push(ms);
  },
});
// The timeout is generous, for here the server's own work is done by the same cores.
const timing = { initialDelayMs: 0, periodMs, timeoutMs: 5_000, successThreshold: 1, failureThreshold: 3 };
const checkOf = (n: number): Check => {
  const ip = `127.1.${n >> 8}.${n & 255}`;
  return { id: `${ip}|${port}|all`, ip, family: 'IPv4', port, host: ip, handler, timing };
};
for (let n = 0; n < targets; n += 3)
  scheduler.set(`backend-${n}`, [checkOf(n), checkOf(n + 1), checkOf(n + 2)], { fresh: false });
scheduler.start();
setTimeout(() => {
  const before = { probes, failed, cpu: process.cpuUsage() };
  late = [];
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before.cpu);
    console.log(
      JSON.stringify({
        all: probes,
        failed: failed - before.failed,
        perSecond: (probes - before.probes) / seconds,
        cpuMicros: (user + system) / (probes - before.probes),
        latenessP99: percentile(late, 0.99),
        memoryMb: process.memoryUsage().rss / 2 ** 20,
      }),
    );
    process.exit(0);
  }, seconds * 1_000);
}, periodMs + 1_000);
