import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { dropPackets } from '../controlplane/network.ts';
import { everMissing, readyHistory } from '../controlplane/endpoints.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let plane: Plane;
let world: World;
let replicas: readonly RunningOperator[];
let targets: readonly Target[];
const ips = ['10.20.42.1', '10.20.42.2', '10.20.42.3'];
const kept = ['10.20.42.1', '10.20.42.3'];
const lease = { durationMs: 5_000, retryMs: 500 };
const flags = (identity: string) => [
  '--leader-elect=true',
  `--identity=${identity}`,
  ...['--lease-duration=5s', '--renew-deadline=3s', '--retry-period=500ms'],
];

beforeAll(async () => {
  plane = await startPlane({ address: '10.99.1.1' });
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(plane.details, { prefix: 'outage', operator: false });
  const start = (identity: string) => startOperator(plane.details, { args: flags(identity) });
  replicas = [await start('first'), await start('second')];
  await world.publish('db', probed(ips));
  await world.serves('db', ips);
}, 60_000);

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.kill()));
  await Promise.all(targets.map((target) => target.close()));
  for (const recorder of [world.slices, world.backends, world.events]) recorder.stop();
  await plane.stop();
});

/** Name of the leader, which is followed by a random part for its process. */
async function holder(): Promise<string | undefined> {
  const lease = await world.admin.get('Lease', 'external-backend-operator', 'external-backend-operator');
  const [, name, process] = /^(.*)_([0-9a-f-]{36})$/.exec(lease.spec.holderIdentity ?? '') ?? [];
  return process === undefined ? undefined : name;
}

async function isLed(by: (identity: string | undefined) => boolean, deadlineMs: number): Promise<string> {
  return (await eventually(() => holder().catch(() => undefined), by, { deadlineMs })) ?? '';
}

describe('an API server that is away for a minute', () => {
  it('costs no endpoint and no restart; what died meanwhile leaves within seconds', async () => {
    const from = world.slices.history.length;
    await plane.stopApiServer();
    await targets[1]?.refuse();
    await sleep(60_000); // The outage itself: nobody can be asked when it was long enough.
    await plane.startApiServer();
    await world.serves('db', kept, 15_000);
    expect(everMissing(world.slices.history, 'db', kept)).toEqual([]);
    expect(world.slices.history.slice(from).filter(({ type }) => type === 'DELETED')).toEqual([]);
    expect(replicas.map((replica) => replica.running())).toEqual([true, true]);
    await isLed((identity) => identity === 'first' || identity === 'second', 15_000);
  }, 120_000);

  it('and everything works on: a target that returns, a new backend', async () => {
    await targets[1]?.listen();
    await world.serves('db', ips, 15_000);
    await world.publish('new', probed(['10.20.42.1']));
    await world.serves('new', ['10.20.42.1']);
  }, 40_000);
});

describe('an API server that answers nothing', () => {
  it('for as long as the lease lasts ends the term, and costs no endpoint either', async () => {
    plane.freezeApiServer();
    await sleep(2 * lease.durationMs); // The outage itself: nobody can be asked when it was long enough.
    plane.thawApiServer();
    await targets[2]?.refuse();
    await world.serves('db', ['10.20.42.1', '10.20.42.2'], 20_000);
    await targets[2]?.listen();
    await world.serves('db', ips, 20_000);
    expect(everMissing(world.slices.history, 'db', ['10.20.42.1'])).toEqual([]);
    expect(replicas.map((replica) => replica.running())).toEqual([true, true]);
  }, 90_000);
});

describe('a leader that is cut off from the API server and all targets for longer than its lease', () => {
  it('takes no address away when both are back', async () => {
    await world.publish('cut', probed(ips));
    await world.serves('cut', ips);
    const seen = readyHistory(world.slices.history, 'cut').length;
    plane.freezeApiServer();
    const restore = await dropPackets(ips);
    await sleep(3 * lease.durationMs); // The outage itself, long enough for every failureThreshold.
    await restore();
    plane.thawApiServer();
    const probes = targets[0]?.accepted() ?? 0;
    await eventually(
      () => targets[0]?.accepted() ?? 0,
      (now) => now >= probes + 5,
      { deadlineMs: 30_000 },
    );
    const since = readyHistory(world.slices.history, 'cut').slice(seen);
    expect(since.filter(({ ready }) => !ips.every((ip) => ready.includes(ip)))).toEqual([]);
  }, 90_000);
});

describe('of two replicas', () => {
  it('the other takes over when the leader is killed, with no address missing and nothing written but what changes', async () => {
    const leader = await isLed((identity) => identity !== undefined && identity !== '', 10_000);
    const other = leader === 'first' ? 'second' : 'first';
    const before = (await world.writes()).length;
    const from = world.slices.history.length;
    const killedMs = performance.now();
    await replicas[leader === 'first' ? 0 : 1]?.kill();
    await isLed((identity) => identity === other, 15_000);
    expect(performance.now() - killedMs).toBeLessThan(lease.durationMs + 2 * lease.retryMs + 1_500);

    await targets[0]?.refuse();
    await world.serves('db', ['10.20.42.2', '10.20.42.3']);
    await targets[0]?.listen();
    await world.serves('db', ips);
    const mine = (await world.writes(before)).filter(({ name }) => name.startsWith('db')).map(brief);
    expect(mine.filter((text) => text === 'update endpointslices')).toHaveLength(2);
    const since = readyHistory(world.slices.history, 'db').slice(from);
    expect(
      since.filter(({ ready }) => !ready.includes('10.20.42.2') || !ready.includes('10.20.42.3')),
    ).toEqual([]);
  }, 60_000);

  it('a leader that is asked to end releases the lease, and the other leads at once', async () => {
    const leader = await isLed((identity) => identity !== undefined && identity !== '', 10_000);
    const successor = await startOperator(plane.details, { args: flags('third') });
    replicas = [...replicas, successor];
    const stopped = performance.now();
    await replicas[leader === 'first' ? 0 : 1]?.stop();
    await isLed((identity) => identity === 'third', 10_000);
    expect(performance.now() - stopped).toBeLessThan(lease.durationMs);
    await targets[1]?.refuse();
    await world.serves('db', ['10.20.42.1', '10.20.42.3']);
  }, 60_000);
});
