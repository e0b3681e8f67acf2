import { join } from 'node:path';
import process from 'node:process';

import { nodeFlags } from '../test/controlplane/node-flags.ts';
import { mustRun } from '../test/controlplane/run.ts';
import { createPostgresCluster } from '../test/support/servers/postgres-cluster.ts';
import type { Bench, Figure } from './report.ts';
import { treeCpuSeconds, withPid } from './server-cpu.ts';

const seconds = 15;
const rounds = 3;

interface Measured {
  readonly failed: number;
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly latenessP99: number;
  readonly memoryMb: number;
  readonly serverMicros: number;
}

/** Measures an installation in which all databases are probed in their own protocol. */
export const postgres: Bench = {
  name: 'postgres',
  title: `3,000 PostgreSQL targets every 10 s from one process, of ${rounds} runs the one in which the fewest probes failed, then the cheapest; one server behind 3,000 addresses`,
  run: async () => {
    const { server, pid } = await withPid(createRunning);
    try {
      const measure = async (kind: 'postgres' | 'tcpSocket'): Promise<Measured> => {
        const script = join(import.meta.dirname, 'postgres-engine.ts');
        const command = [
          process.execPath,
          ...nodeFlags(),
          script,
          String(server.port),
          kind,
          String(seconds),
        ];
        const before = treeCpuSeconds(pid);
        const printed = await mustRun(command, { timeoutMs: 120_000 });
        const measured = JSON.parse(printed) as Omit<Measured, 'serverMicros'> & { readonly all: number };
        return { ...measured, serverMicros: ((treeCpuSeconds(pid) - before) / measured.all) * 1e6 };
      };
      const runs: Measured[] = [];
      for (let round = 0; round < rounds; round++) runs.push(await measure('postgres'));
      return figures(runs, await measure('tcpSocket'));
    } finally {
      await server.remove();
    }
  },
};

/** Every address of 127.0.0.0/8 is local, and a server that listens on all addresses has it. */
async function createRunning() {
  const server = await createPostgresCluster();
  await server.admit('host all all 127.0.0.0/8 scram-sha-256');
  await server.start({ listen_addresses: '0.0.0.0', max_connections: '500' });
  return server;
}

function figures(runs: readonly Measured[], tcp: Measured): readonly Figure[] {
  // A probe that times out costs less than one that gets an answer.
  const [best] = runs.toSorted((a, b) => a.failed - b.failed || a.cpuMicros - b.cpuMicros);
  if (best === undefined) return [];
  const { perSecond, cpuMicros, serverMicros, latenessP99, memoryMb, failed } = best;
  const percent = (micros: number): number => (micros * perSecond) / 1e4;
  const bare = 'tcpSocket, same engine and targets';
  return [
    {
      what: `CPU of the prober, ${Math.round(perSecond)} probes/s`,
      value: percent(cpuMicros),
      unit: '% of a core',
      goal: { most: 15 },
    },
    {
      what: 'the same, a probe',
      value: cpuMicros,
      unit: 'µs',
      baseline: { what: bare, value: tcp.cpuMicros },
    },
    { what: 'CPU of the server', value: percent(serverMicros), unit: '% of a core' },
    {
      what: 'the same, a probe',
      value: serverMicros,
      unit: 'µs',
      baseline: { what: bare, value: tcp.serverMicros },
    },
    { what: 'lateness p99', value: latenessP99, unit: 'ms', goal: { most: 50 } },
    {
      what: 'memory, without the Kubernetes part',
      value: memoryMb,
      unit: 'MB',
    },
    { what: 'probes that failed', value: failed, unit: '', goal: { most: 0 } },
  ];
}
