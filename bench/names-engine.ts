/**
 * Measures the resolver alone, with its real client, on A and AAAA records of many names. Prints JSON.
 *   node --expose-gc bench/names-engine.ts SERVER_PORT NAMES SECONDS
 */
import process from 'node:process';

import type { Question } from '../src/core/resolution/name-state.ts';
import { createDnsClient } from '../src/dns/query/client.ts';
import { DnsResolver } from '../src/dns/refresh/resolver.ts';
import { systemClock as clock, systemRandom as random } from '../src/system-clock.ts';
import { percentile } from './report.ts';

const [port = 0, names = 0, seconds = 0] = process.argv.slice(2).map(Number);
const bounds = { namespace: 'bench', minMs: 5_000, maxMs: 300_000 };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const memoryMb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};

let failed = 0;
let answers = 0;
let durations: number[] = [];
const dropped = (message: string): void => console.error(`${message}: the figure is void`);
const client = createDnsClient({
  clock,
  resolvConfPath: '/dev/null',
  servers: [{ address: '127.0.0.1', port }],
});
const resolver = new DnsResolver({
  clock,
  random,
  logger: { debug: dropped, info: dropped, warn: dropped, error: dropped },
  query: (question, options) => client.resolve(question, options),
  onNews: () => undefined,
  observer: {
    dnsQueried: (result, durationMs) => {
      if (result === 'Records') answers += 1;
      else failed += 1;
      durations.push(durationMs);
    },
  },
});

// One name first, so that the baseline includes modules that are loaded and compiled at first use.
resolver.follow('first', [{ name: 'first.bench.example', type: 'A' }], bounds);
await pause(500);
const idleMb = memoryMb();
const idleHeapMb = process.memoryUsage().heapUsed / 2 ** 20;

const questionsOf = (n: number): readonly Question[] =>
  (['A', 'AAAA'] as const).map((type) => ({ name: `db-${n}.eu-central-1.bench.example`, type }));
const all = Array.from({ length: names }, (_, n) => n);
const begun = performance.now();
for (const n of all) resolver.follow(`backend-${n}`, questionsOf(n), bounds);
// To read the state of each name would cost more than to resolve it. Some names have been asked for twice by then.
while (answers < 2 * names) await pause(100);
const firstMs = performance.now() - begun;

// Waits until the first answers have expired and the names are spread over their times to live.
await pause(Math.min(seconds, 60) * 1_000);
durations = [];
const cpu = process.cpuUsage();
await pause(seconds * 1_000);
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    failed,
    firstMs,
    perSecond: durations.length / seconds,
    cpuPercent: (user + system) / 1e4 / seconds,
    cpuMicrosPerQuestion: (user + system) / durations.length,
    durationP99: percentile(durations, 0.99),
    oldestAnswerSeconds: (resolver.stats().oldestAnswerMs ?? Number.NaN) / 1_000,
    memoryMb: memoryMb() - idleMb,
    heapMb: process.memoryUsage().heapUsed / 2 ** 20 - idleHeapMb,
  }),
);
process.exit(0);
