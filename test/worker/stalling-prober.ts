import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProbeFn } from '../../src/engine/ports.ts';
import { createProbes } from '../../src/probe/probes.ts';
import { runProber } from '../../src/worker/run-prober.ts';

/**
 * Program of a thread that probes, in which a handler of gRPC does harm by the name of its service: `stall` never returns,
 * `memory` fills the heap, `throw` throws where nobody catches, `exit` ends the thread, each a moment after the run begins; `foreign` asks the thread that leads. All else is as ever.
 */
const harms: Readonly<Record<string, () => void>> = {
  stall: () => {
    for (;;);
  },
  memory: () => {
    const kept: object[] = [];
    for (;;) kept.push(new Array(1_000_000).fill(kept));
  },
  exit: () => process.exit(3),
  throw: () => {
    throw new Error('nobody catches this');
  },
};

runProber((foreign, cpuNow) => {
  const probes = createProbes({ cpuNow });
  const probe: ProbeFn = async (check, signal) => {
    const { handler } = check;
    if (handler.kind === 'grpc' && handler.service === 'foreign') return foreign(check, signal);
    const harm = handler.kind === 'grpc' ? harms[handler.service] : undefined;
    if (harm === undefined) return probes.probe(check, signal);
    setTimeout(harm, 20);
    await pause(500);
    return { kind: 'up', reason: 'Connected', message: '' };
  };
  return { ...probes, probe };
});
