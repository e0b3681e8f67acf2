import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { nodeFlags } from '../test/controlplane/node-flags.ts';
import { mustRun } from '../test/controlplane/run.ts';
import { createAuthority } from '../test/probe/support/certificates.ts';
import { createCostlyChain } from '../test/support/hostile/costly-chain.ts';
import type { TlsOptions } from '../src/core/probing/check.ts';
import type { Bench } from './report.ts';
import { address, listenForAll } from './targets.ts';

interface Measured {
  readonly cpuMicrosPerProbe: number;
  readonly latenessP99: number;
  readonly memoryMb: number;
}

interface TlsServer {
  /** How it is probed. */
  readonly tls: TlsOptions;
  /** Its certificates and its key. */
  readonly pem: string;
}

const rounds = 3;
const servers = 8;
const port = 5433;
const seconds = 5;

/** Measures the cost of probe threads, and the gain of a second one. */
export const workers: Bench = {
  name: 'workers',
  title: `Probe threads: compared with the main thread, and two compared with one; the median of ${rounds} pairs`,
  run: async () => {
    const stopListening = await listenForAll();
    try {
      const tcp = (count: number) => node<Measured>('probe-engine.ts', '10', String(count));
      const pairs: (readonly [Measured, Measured])[] = [];
      for (let round = 0; round < rounds; round++) pairs.push([await tcp(0), await tcp(1)]);
      const [ratio = NaN] = middle(
        pairs.map(([none, one]) => one.cpuMicrosPerProbe / none.cpuMicrosPerProbe),
      );
      const [more = NaN] = middle(pairs.map(([none, one]) => one.memoryMb - none.memoryMb));
      const [late = NaN] = middle(pairs.map(([, one]) => one.latenessP99));
      const tls = await withAuthority(tlsRatios);
      const costly = await tlsRatios(costlyServer());
      return [
        {
          what: `CPU of a TCP probe at 3,000/s (${address(0)} …) in a thread`,
          value: ratio,
          unit: 'x',
          goal: { most: 1.15 },
        },
        { what: 'the same: lateness p99, at most', value: late, unit: 'ms', goal: { most: 50 } },
        { what: 'the same: memory more than without a thread, of 30,000 targets', value: more, unit: 'MB' },
        {
          what: 'memory of a thread without checks',
          value: await emptyThreadMb(),
          unit: 'MB',
          goal: { most: 25 },
        },
        {
          what: 'CPU of a TLS probe, two threads against one: two free cores give 2 / this times the rate',
          value: tls.cpu,
          unit: 'x',
          goal: { most: 1.25 },
        },
        {
          what: 'TLS probes a second, two threads against one, with the servers on the same two cores',
          value: tls.rate,
          unit: 'x',
        },
        {
          what: 'the same, where the certificates cost the prober and not the servers: below four authorities of sect571r1',
          value: costly.rate,
          unit: 'x',
          goal: { least: 1.6 },
        },
      ];
    } finally {
      stopListening();
    }
  },
};

/** Passes a chain of one certificate: P-256, below a root of P-256. */
async function withAuthority<T>(use: (server: TlsServer) => Promise<T>): Promise<T> {
  const authority = createAuthority();
  try {
    const { cert, key } = authority.issue('DNS:*.db.example');
    return await use({ tls: { ca: authority.ca }, pem: `${cert}\n${key}` });
  } finally {
    authority.remove();
  }
}

/**
 * The server signs once with P-256, and the prober verifies four signatures of sect571r1 (2.2 ms each). This moves the cost
 * of a handshake to the process that probes, so that a server on the same cores does not limit the rate.
 */
function costlyServer(): TlsServer {
  const { cert, key } = createCostlyChain(4);
  return { tls: { insecureSkipVerify: true }, pem: `${cert}\n${key}` };
}

async function tlsRatios({
  tls: options,
  pem,
}: TlsServer): Promise<{ readonly rate: number; readonly cpu: number }> {
  const file = '/var/tmp/workers-bench.pem';
  writeFileSync(file, pem, { mode: 0o600 });
  const program = (await mustRun([join(import.meta.dirname, '../.ci/go-program.sh'), 'tlsserver'])).trim();
  const server = spawn(program, [`0.0.0.0:${port}`, file], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    const tls = (count: number) =>
      node<{ readonly perSecond: number; readonly failed: number; readonly cpuMicros: number }>(
        'workers-tls.ts',
        JSON.stringify({ port, servers, workers: count, seconds, tls: options }),
      );
    const rates: number[] = [];
    const costs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const [one, two] = [await tls(1), await tls(2)];
      process.stderr.write(
        `TLS probes/s: ${one.perSecond} (${one.failed} failed) with one thread, ${two.perSecond} (${two.failed}) with two\n`,
      );
      rates.push(two.perSecond / one.perSecond);
      costs.push(two.cpuMicros / one.cpuMicros);
    }
    return { rate: middle(rates)[0] ?? NaN, cpu: middle(costs)[0] ?? NaN };
  } finally {
    server.kill('SIGKILL');
  }
}

/** Returns the resident memory that a thread adds to a process that has loaded the same modules. */
const emptyThreadMb = async (): Promise<number> =>
  (await node<{ readonly mb: number }>('workers-empty.ts')).mb;

async function node<T>(script: string, ...args: readonly string[]): Promise<T> {
  const command = [process.execPath, ...nodeFlags(), join(import.meta.dirname, script), ...args];
  return JSON.parse(await mustRun(command, { timeoutMs: 120_000 })) as T;
}

function middle(values: readonly number[]): readonly number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.slice(values.length >> 1);
}
