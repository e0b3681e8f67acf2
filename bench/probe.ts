import { join } from 'node:path';
import process from 'node:process';

import { mustRun } from '../test/controlplane/run.ts';
import type { Bench } from './report.ts';
import { address, listenForAll, port } from './targets.ts';

interface Measured {
  readonly probes: number;
  readonly cpuMicrosPerProbe: number;
}

/** The price of a probe, all of the engine's bookkeeping included. */
export const probe: Bench = {
  name: 'probe',
  title: 'CPU of a TCP probe through the whole engine, against a bare C epoll loop of connect and close',
  run: async () => {
    const stopListening = await listenForAll();
    try {
      const binary = '/var/tmp/probe-baseline';
      await mustRun(['cc', '-O2', '-o', binary, join(import.meta.dirname, 'probe-baseline.c')]);
      const c = async (...more: string[]) =>
        JSON.parse(await mustRun([binary, '3000', address(0), String(port), '50', '5', ...more])) as Measured;
      const engine = async () =>
        JSON.parse(
          await mustRun([process.execPath, join(import.meta.dirname, 'probe-engine.ts')], {
            timeoutMs: 120_000,
          }),
        ) as Measured;
      const bare = [await c()];
      const ours = await engine();
      bare.push(await c());
      const baseline = Math.min(...bare.map(({ cpuMicrosPerProbe }) => cpuMicrosPerProbe));
      return [
        {
          what: `CPU of a probe (${ours.probes} probes at 3,000/s)`,
          value: ours.cpuMicrosPerProbe,
          unit: 'µs',
          baseline: { what: 'bare C epoll', value: baseline },
          goal: { most: 2 },
        },
      ];
    } finally {
      stopListening();
    }
  },
};
