import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';

import { nodeFlags } from '../test/controlplane/node-flags.ts';
import { mustRun } from '../test/controlplane/run.ts';
import { nameChanges } from './name-change.ts';
import type { Bench } from './report.ts';

const names = Number(process.env['NAMES_COUNT'] ?? 10_000);
const seconds = Number(process.env['NAMES_SECONDS'] ?? 60);

interface Measured {
  readonly failed: number;
  readonly firstMs: number;
  readonly perSecond: number;
  readonly cpuPercent: number;
  readonly cpuMicrosPerQuestion: number;
  readonly durationP99: number;
  readonly oldestAnswerSeconds: number;
  readonly memoryMb: number;
  readonly heapMb: number;
}

/** Measures the cost of names, which must be a part of the cost of probes. */
export const namesBench: Bench = {
  name: 'names',
  title: `${names.toLocaleString('en')} names (A and AAAA) with times to live of 5 to 60 s, in one process`,
  run: async () => {
    const server = await startServer();
    try {
      const node = async <T>(script: string, ...args: number[]): Promise<T> => {
        const command = [process.execPath, '--expose-gc', ...nodeFlags(), join(import.meta.dirname, script)];
        const options = { timeoutMs: (2 * seconds + 120) * 1_000 };
        return JSON.parse(await mustRun([...command, ...[server.port, ...args].map(String)], options)) as T;
      };
      const measured = await node<Measured>('names-engine.ts', names, seconds);
      const bare = await node<Pick<Measured, 'cpuMicrosPerQuestion'>>(
        'names-bare.ts',
        measured.perSecond,
        10,
      );
      return [...figures(measured, bare.cpuMicrosPerQuestion), ...(await nameChanges())];
    } finally {
      server.stop();
    }
  },
};

/** Runs in a process of its own, so that its CPU is not counted as the operator's. */
async function startServer(): Promise<{ readonly port: number; readonly stop: () => void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'name-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(line.toString()), stop: () => void child.kill('SIGKILL') };
}

const figures = (measured: Measured, bareMicros: number) => [
  {
    what: `CPU of the resolver, ${Math.round(measured.perSecond)} questions/s`,
    value: measured.cpuPercent,
    unit: '% of a core',
    goal: { most: 10 },
  },
  {
    what: 'the same, a question',
    value: measured.cpuMicrosPerQuestion,
    unit: 'µs',
    baseline: { what: 'bare Node: a datagram there and back, same pace', value: bareMicros },
  },
  {
    what: 'memory, above the idle process',
    value: measured.memoryMb,
    unit: 'MB',
    goal: { most: 100 },
  },
  { what: 'the same, what lives in the heap', value: measured.heapMb, unit: 'MB' },
  { what: 'all names answered for the first time', value: measured.firstMs / 1_000, unit: 's' },
  { what: 'a question, p99', value: measured.durationP99, unit: 'ms' },
  {
    what: 'oldest answer in use',
    value: measured.oldestAnswerSeconds,
    unit: 's',
    goal: { most: 60.1 },
  },
  { what: 'questions that failed', value: measured.failed, unit: '', goal: { most: 0 } },
];
