import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Check, Handler, Timing } from '../../src/core/probing/check.ts';
import { WorkerPool } from '../../src/engine/workers/worker-pool.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { createSpawnThread } from '../../src/worker/spawn-thread.ts';
import { beginTls } from '../support/hostile/begin-tls.ts';
import { createCostlyChain } from '../support/hostile/costly-chain.ts';
import { until } from '../support/eventually.ts';
import { aCheck } from '../support/fakes/scripted-probe.ts';
import { up } from '../support/builders/verdicts.ts';

const options = { namespace: 'shop', fresh: () => true };
const quick: Partial<Timing> = { periodMs: 1_000, timeoutMs: 1_000 };

describe('probe threads', () => {
  let server: Server;
  let accepted: number;
  let pool: WorkerPool;
  let restarts: string[];
  let faults: string[];
  let costs: string[];

  beforeEach(async () => {
    accepted = 0;
    [restarts, faults, costs] = [[], [], []];
    server = createServer((socket) => {
      accepted += 1;
      socket.on('error', () => undefined).resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  function start(program: string): void {
    pool = new WorkerPool({
      clock,
      spawn: createSpawnThread(new URL(program, import.meta.url), 64),
      workers: 2,
      stallMs: 1_000,
      limits: { maxConcurrent: 64, maxPerHost: 64, maxPerHostAndNamespace: 64 },
      foreign: ({ ip }) => Promise.resolve({ ...up, message: `asked ${ip}` }),
      onChanged: () => undefined,
      onNotable: () => undefined,
      onQuarantined: () => undefined,
      onCost: (_, { id }, cost) => costs.push(`${id} ${cost > 20}`),
      onFault: (error) => faults.push(String(error)),
      onRestart: (cause) => restarts.push(cause),
    });
    pool.start();
  }

  afterEach(async () => {
    await pool.stop();
    await new Promise((resolve) => server.close(resolve));
    expect(faults).toEqual([]);
  });

  const port = (): number => (server.address() as AddressInfo).port;
  const check = (id: string, over: Partial<Check> = {}): Check =>
    aCheck({ id, ip: '127.0.0.1', port: port(), timing: quick, ...over });
  const state = (id: string) => pool.healthOf('db')(id)?.state;
  const harmful = (service: string): Handler => ({ kind: 'grpc', service });

  it('run the real probes, and ask the main thread for those that they cannot run', async () => {
    start('./stalling-prober.ts');
    const dead = check('dead', { port: 1 });
    const asked = check('asked', { ip: '127.0.0.2', handler: harmful('foreign') });
    pool.set('db', [check('tcp'), dead, asked], options);
    await until(
      'all have a verdict',
      () => ['tcp', 'dead', 'asked'].every((id) => state(id) !== undefined),
      20_000,
    );
    expect([state('tcp'), state('dead'), state('asked')]).toEqual(['healthy', 'unhealthy', 'healthy']);
    const counted = pool.tallies.flatMap((tally) =>
      tally.rows().map(({ kind, reason }) => `${kind} ${reason}`),
    );
    expect(counted.toSorted()).toEqual(['grpc Connected', 'tcpSocket Connected', 'tcpSocket Refused']);
  });

  it('report a check whose server makes them compute, and no other', async () => {
    const { cert, key } = createCostlyChain(30);
    const hostile = createServer((socket) => beginTls(socket, 'none', { cert, key }));
    await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
    start('./stalling-prober.ts');
    const handler: Handler = { kind: 'tls', tls: { insecureSkipVerify: true } };
    const costly = check('costly', { port: (hostile.address() as AddressInfo).port, handler });
    pool.set('db', [check('tcp'), costly], options);
    await until('its cost is reported', () => costs.length > 0, 20_000);
    expect(new Set(costs)).toEqual(new Set(['costly true']));
    hostile.close();
  });

  it.each([
    ['stall', 'Stalled'],
    ['memory', 'OutOfMemory'],
    ['throw', 'Failed'],
    ['exit', 'Failed'],
  ])(
    'that %s are replaced, health remains, and the second time the cause is quarantined',
    async (service, cause) => {
      start('./stalling-prober.ts');
      pool.set('db', [check('tcp')], options);
      await until('it is healthy', () => state('tcp') === 'healthy', 20_000);
      pool.set('db', [check('tcp'), check('bad', { handler: harmful(service) })], options);
      await until('it is quarantined', () => pool.quarantined('db').length > 0, 25_000);
      expect(pool.quarantined('db')).toEqual(['bad']);
      expect(restarts.slice(0, 2)).toEqual([cause, cause]);
      const before = accepted;
      await until('the other one is probed again', () => accepted > before, 5_000);
      expect(state('tcp')).toBe('healthy');
    },
    60_000,
  );
});
