/**
 * Measures probing alone, of 30,000 TCP targets. Prints JSON.
 *   node bench/probe-engine.ts PERIOD_SECONDS [WORKERS]
 */
import process from 'node:process';

import { runEngine } from './engine-run.ts';
import { address, port } from './targets.ts';

const { probes, cpuMicros, latenessP99, memoryMb } = await runEngine({
  targets: 30_000,
  address,
  port,
  handler: { kind: 'tcpSocket' },
  periodMs: Number(process.argv[2]) * 1_000,
  timeoutMs: 1_000,
  seconds: 10,
  workers: Number(process.argv[3] ?? 1),
  onUnhealthy: ({ id }) => console.error(`${id} was not reached: the figure is invalid`),
});
console.log(JSON.stringify({ probes, cpuMicrosPerProbe: cpuMicros, latenessP99, memoryMb }));
process.exit(0);
