import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { controlPlane } from '../controlplane/details.ts';
import { allowLease, applyRbac } from '../controlplane/operator.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { mustRun } from '../controlplane/run.ts';
import { createAuthority } from '../probe/support/certificates.ts';
import type { Certificate } from '../probe/support/certificates.ts';
import { hosts } from '../support/builders/backends.ts';
import { beginTls } from '../support/hostile/begin-tls.ts';
import { createCostlyChain } from '../support/hostile/costly-chain.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

const port = 5439;
const healthy = Array.from({ length: 300 }, (_, n) => `10.21.${7 + Math.floor(n / 150)}.${(n % 150) + 1}`);
const names = ['many-0', 'many-1', 'many-2'];
const shareOf = (name: string): readonly string[] =>
  healthy.filter((_, n) => n % names.length === names.indexOf(name));

let world: World;
let server: Server;
/** IP -> when it was connected to, by the clock of the wall. */
const connectedAt = new Map<string, number[]>(healthy.map((ip) => [ip, []]));

beforeAll(async () => {
  await mustRun(['ip', 'route', 'replace', 'local', '10.21.0.0/16', 'dev', 'lo']);
  server = createServer((socket) => {
    connectedAt.get(socket.localAddress ?? '')?.push(Date.now());
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => server.listen({ port, host: '0.0.0.0', backlog: 1_024 }, resolve));
  await applyRbac(controlPlane());
  await allowLease(controlPlane(), 'probers');
  world = await openWorld(controlPlane(), {
    prefix: 'probers',
    args: ['--leader-elect=true', '--lease-name=probers', '--identity=probers'],
    // A thread may use half of it.
    nodeFlags: ['--max-old-space-size=256'],
    program: join(import.meta.dirname, '../support/cluster/harmful-operator.ts'),
  });
  for (const name of names)
    await world.publish(name, {
      targets: hosts(...shareOf(name)),
      ports: [{ port }],
      probe: { tcpSocket: {}, periodSeconds: 5 },
    });
  for (const name of names) await world.serves(name, shareOf(name), 30_000);
}, 90_000);

afterAll(async () => {
  await world.close();
  server.close();
});

const lines = (text: string) =>
  world
    .operator()
    .lines()
    .filter(({ msg }) => msg === text);
const ends = () => lines('a probe thread ended and is replaced');
const endedAt = (line: Readonly<Record<string, unknown>> | undefined): number =>
  new Date(line?.['time'] as string).getTime();

/** When each healthy target was connected to for the first time after this. */
const probedAgainAt = (after: number): Promise<readonly number[]> =>
  eventually(
    () => healthy.flatMap((ip) => connectedAt.get(ip)?.find((at) => at > after) ?? []),
    ({ length }) => length === healthy.length,
    { deadlineMs: 15_000 },
  );

describe('a thread that probes, of an operator that leads 300 healthy targets', () => {
  it.each([
    ['that is killed', 'exit', ['Failed']],
    ['that hangs in an endless loop', 'stall', ['Stalled']],
    ['that is out of memory', 'memory', ['OutOfMemory', 'Stalled']],
  ])(
    '%s is replaced: no endpoint leaves, the Lease is kept, and the cause is quarantined',
    async (_, service, causes) => {
      const before = ends().length;
      const name = `bad-${service}`;
      await world.apply(name, {
        targets: hosts('10.21.9.1'),
        ports: [{ port }],
        probe: { grpc: { service }, periodSeconds: 1 },
      });
      await world.backends.until(
        (now) => conditionOf(now.get(name), 'Degraded')?.reason === 'ProbeQuarantined',
        60_000,
        'the cause is quarantined',
      );
      const found = ends().slice(before);
      expect(found.length).toBeGreaterThanOrEqual(2);
      expect(found.filter(({ cause }) => !causes.includes(String(cause)))).toEqual([]);
      const last = endedAt(found.findLast(({ prober }) => prober === '0'));
      const late = Math.max(...(await probedAgainAt(last))) - last;
      console.info(`after the end of a thread (${service}) all 300 were probed again within ${late} ms`);
      for (const each of names) expect(everMissing(world.slices.history, each, shareOf(each))).toEqual([]);
      expect(lines('stopped leading')).toEqual([]);
      expect(conditionOf(world.backends.objects.get(name), 'Degraded')?.message).toContain('10.21.9.1');
      await world.admin.delete('ExternalBackend', name, world.ns);
    },
    90_000,
  );

  it('that stood still with the whole process is not replaced', async () => {
    const shared = () => ends().filter(({ prober }) => prober === '0');
    const before = shared().length;
    world.operator().signal('SIGSTOP');
    await sleep(5_000); // The standstill itself.
    const goneOnAt = Date.now();
    world.operator().signal('SIGCONT');
    await probedAgainAt(goneOnAt);
    expect(shared()).toHaveLength(before);
    for (const each of names) expect(everMissing(world.slices.history, each, shareOf(each))).toEqual([]);
  }, 60_000);
});

it('a server whose certificates cost much CPU is probed less often and reported, until it changes them', async () => {
  const authority = createAuthority();
  let certificate: Certificate = createCostlyChain(40);
  const probedAt: number[] = [];
  const hostile = createServer((socket) => {
    probedAt.push(Date.now());
    socket.on('error', () => undefined);
    beginTls(socket, 'none', certificate);
  });
  await new Promise<void>((resolve) => hostile.listen({ port: 7443, host: '10.21.9.2' }, resolve));
  const degraded = () => conditionOf(world.backends.objects.get('costly'), 'Degraded');
  await world.apply('costly', {
    targets: hosts('10.21.9.2'),
    ports: [{ port: 7443 }],
    probe: { tls: {}, periodSeconds: 1 },
    tls: { insecureSkipVerify: true },
  });
  await world.backends.until(() => degraded()?.reason === 'ProbesCostly', 30_000, 'the cost is reported');
  expect(degraded()?.message).toMatch(/10\.21\.9\.2:7443 takes up to \d+ ms of CPU/);
  expect(await world.operator().metrics()).toContain('external_backend_checks_costly 1');
  const from = Date.now();
  await eventually(
    () => Promise.resolve(probedAt.filter((at) => at > from)),
    ({ length }) => length >= 3,
    { deadlineMs: 60_000 },
  );
  const [first = 0, , third = 0] = probedAt.filter((at) => at > from);
  expect(third - first).toBeGreaterThan(4_000);
  certificate = authority.issue('IP:10.21.9.2');
  authority.remove();
  await world.backends.until(() => degraded()?.reason === 'AllHealthy', 60_000, 'the period is as before');
  await world.admin.delete('ExternalBackend', 'costly', world.ns);
  hostile.close();
}, 180_000);
