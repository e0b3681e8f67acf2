import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo, type Server } from 'node:net';

import type { AskedCheck } from '../../src/core/isolation/second-opinion.ts';
import { Witness } from '../../src/engine/isolation/witness.ts';
import { WorkerPool } from '../../src/engine/workers/worker-pool.ts';
import { systemClock as clock, systemThreadCpu } from '../../src/system-clock.ts';
import { createSpawnThread } from '../../src/worker/spawn-thread.ts';
import { namespace } from '../support/builders/builders.ts';
import { until } from '../support/eventually.ts';
import { FakeCluster } from '../support/fakes/fake-cluster.ts';
import { storeBackend } from '../support/fakes/store-backend.ts';
import { beginTls } from '../support/hostile/begin-tls.ts';
import { createCostlyChain } from '../support/hostile/costly-chain.ts';

/** A probe of the server costs its client this CPU at least, in milliseconds. */
const LEAST_COST_MS = 30;
const ROUNDS = 10;
const WITHIN_MS = 60_000;

const withinQuestion = (checks: readonly AskedCheck[]) => ({
  ...{ id: '1', withinMs: WITHIN_MS, isAboutLeader: false, checks },
});
const timing = { timeoutSeconds: 60, periodSeconds: 60 };
const computing = { probe: { tls: {}, ...timing }, tls: { insecureSkipVerify: true } };
const stalling = { probe: { grpc: { service: 'stall' }, ...timing } };

describe('a witness', () => {
  let cluster: FakeCluster;
  let pool: WorkerPool;
  let witness: Witness;
  let server: Server;
  let restarts: string[];

  beforeEach(async () => {
    restarts = [];
    cluster = new FakeCluster();
    const { cert, key } = createCostlyChain(30);
    server = createServer((socket) => beginTls(socket, 'none', { cert, key }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    pool = new WorkerPool({
      ...{ clock, workers: 1, stallMs: 1_000 },
      spawn: createSpawnThread(new URL('./stalling-prober.ts', import.meta.url), 64),
      limits: { maxConcurrent: 64, maxPerHost: 64, maxPerHostAndNamespace: 64 },
      foreign: () => Promise.reject(new Error('not used')),
      ...{ onChanged: () => undefined, onNotable: () => undefined, onQuarantined: () => undefined },
      ...{ onCost: () => undefined, onFault: () => undefined },
      onRestart: (cause) => restarts.push(cause),
    });
    pool.start();
    witness = new Witness({
      ...{ clock, cache: cluster, autoSelectHandler: false, policy: () => undefined, probe: pool.probeOnce },
      secrets: { state: () => undefined, follow: () => undefined },
    });
  });

  afterEach(async () => {
    await pool.stop();
    await new Promise((resolve) => server.close(resolve));
  });

  function asked(name: string): AskedCheck {
    const { port } = server.address() as AddressInfo;
    storeBackend(cluster, { ports: [{ port }], ...(name === 'stalls' ? stalling : computing) }, { name });
    const [ip, backend] = ['127.0.0.1', `${namespace}/${name}`];
    return { backend, id: `${ip}|${port}|all`, ip, port, host: ip };
  }

  it('spends no CPU of the main thread on a server that makes the probe compute', async () => {
    const question = withinQuestion([asked('costly')]);
    expect(await witness.answer(question)).toBe('r');
    const before = systemThreadCpu();
    for (let round = 0; round < ROUNDS; round++) expect(await witness.answer(question)).toBe('r');
    expect(systemThreadCpu() - before).toBeLessThan(ROUNDS * LEAST_COST_MS);
  }, 120_000);

  it('has no opinion on a server that stalls the probe, and answers the next question', async () => {
    const costly = withinQuestion([asked('costly')]);
    expect(await witness.answer(costly)).toBe('r');
    expect(await witness.answer(withinQuestion([asked('stalls')]))).toBe('-');
    await until('the thread is replaced', () => pool.stats().workers === 1, 20_000);
    expect([await witness.answer(costly), restarts]).toEqual(['r', ['Stalled']]);
  }, 120_000);
});
