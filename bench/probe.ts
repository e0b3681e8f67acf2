import { join } from 'node:path';
import process from 'node:process';

import { nodeFlags } from '../test/controlplane/node-flags.ts';
import { mustRun } from '../test/controlplane/run.ts';
import type { Bench } from './report.ts';
import { address, listenForAll, port } from './targets.ts';

interface Measured {
  readonly probes: number;
  readonly cpuMicrosPerProbe: number;
  /** Milliseconds, and MB. Of the engine alone. */
  readonly latenessP99?: number;
  readonly memoryMb?: number;
}

/** Measures the CPU cost of a probe, including all work of the engine. */
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
      const node = async (script: string, ...args: string[]) => {
        const command = [process.execPath, ...nodeFlags(), join(import.meta.dirname, script), ...args];
        return JSON.parse(await mustRun(command, { timeoutMs: 120_000 })) as Measured;
      };
      const engine = (periodSeconds: number) => node('probe-engine.ts', String(periodSeconds));
      const bare = [await c()];
      const bareNode = await node('probe-bare.ts');
      const busy = await engine(1);
      bare.push(await c());
      const steady = await engine(10);
      const paced = await c('bare', '3000');
      bare.push(await c());
      const value = Math.min(...bare.map(({ cpuMicrosPerProbe }) => cpuMicrosPerProbe));
      const baseline = { what: 'bare C epoll, as fast as it can', value };
      const rate = ({ probes }: Measured): string => `${Math.round(probes / 10).toLocaleString('en')}/s`;
      const figure = (what: string, measured: Measured) => ({
        what: `${what}: ${rate(measured)}`,
        value: measured.cpuMicrosPerProbe,
        unit: 'µs',
        baseline,
      });
      return [
        { ...figure('CPU of a probe, as fast as the engine can', busy), goal: { most: 2 } },
        {
          ...figure('the same', busy),
          baseline: { what: 'bare Node: connect, end, close', value: bareNode.cpuMicrosPerProbe },
        },
        {
          ...figure('CPU of a probe, 30,000 targets every 10 s', steady),
          baseline: { what: 'bare C epoll, 3,000/s', value: paced.cpuMicrosPerProbe },
          goal: { most: 2 },
        },
        { what: 'the same: lateness p99', value: steady.latenessP99 ?? NaN, unit: 'ms', goal: { most: 50 } },
        { what: 'the same: memory, without the Kubernetes part', value: steady.memoryMb ?? NaN, unit: 'MB' },
        {
          what: 'the same: CPU',
          value: (steady.cpuMicrosPerProbe * steady.probes) / 10 / 1e4,
          unit: '% of a core',
          goal: { most: 25 },
        },
      ];
    } finally {
      stopListening();
    }
  },
};
