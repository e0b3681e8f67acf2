import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { readyAddresses } from '../controlplane/endpoints.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { dropPackets, listenEverywhere } from '../controlplane/network.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { probed } from '../support/builders/backends.ts';
import {
  cutMs,
  degradedOf,
  HostGrid,
  isIsolated,
  namesOfEvents,
  removedSince,
  reportsIsolation,
} from '../support/cluster/host-grid.ts';
import { ReplicaPair } from '../support/cluster/replica-pair.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

const grid = new HostGrid('10.24');
const [single, refuses] = [grid.host(3, 0), grid.host(5, 1)];
const operatorNamespace = 'external-backend-operator';
/** Time that a machine with other tests may take in addition. */
const LOAD_MS = 1_500;
/** Period, timeout, timeout of the other replica, and a second. */
const LEAVES_MS = 1_050 + 1_000 + 1_000 + 1_000 + LOAD_MS;

let plane: Plane;
let world: World;
let pair: ReplicaPair;
const undo: (() => Promise<void>)[] = [];
/** Number of the events of slices, and of the writes, before the test. */
let from: { readonly slices: number; readonly writes: number };

beforeAll(async () => {
  plane = await startPlane({ address: '10.99.4.1' });
  await grid.start();
  world = await openWorld(plane.details, { prefix: 'opinion', operator: false });
  pair = await ReplicaPair.start(world, [11, 12], { args: ['--probe-workers=3'] });
  await grid.publish(world);
  await mark();
}, 120_000);

afterEach(async () => {
  await restore();
  await grid.recovered(world);
  await mark();
}, 90_000);

afterAll(async () => {
  await pair.close();
  await grid.close();
  for (const recorder of [world.slices, world.backends, world.events]) recorder.stop();
  await plane.stop();
});

async function mark(): Promise<void> {
  from = { slices: world.slices.history.length, writes: (await world.writes()).length };
}

async function restore(): Promise<void> {
  for (const each of undo.splice(0)) await each();
}

const removed = (): readonly string[] => grid.removedSince(world, from.slices);
/** Returns the kinds of writes of the test, each once. */
const kindsOfWrites = async (): Promise<readonly string[]> =>
  [...new Set((await world.writes(from.writes)).map(brief))].toSorted();
const reason = (name: string) => degradedOf(world, name)?.reason;

/** Waits until a host that the leader alone does not reach is reported. */
async function reportsUnreachable(host: string, name: string): Promise<void> {
  const isReported = () => reason(name) === 'UnreachableFromHere';
  await world.backends.until(isReported, 15_000, `${host} is reported`);
  expect(degradedOf(world, name)?.message).toContain(`${host}:5432`);
}

/** Takes the rights for the Leases of the replicas away. Returns how to give them back. */
async function takeRightsOfLeases(): Promise<() => Promise<void>> {
  const role = ['role', operatorNamespace, '-n', operatorNamespace];
  const { rules } = JSON.parse(await kubectl(plane.details, ['get', ...role, '-o', 'json'])) as {
    readonly rules: readonly { readonly verbs: readonly string[] }[];
  };
  const set = async (value: typeof rules): Promise<void> => {
    const patch = JSON.stringify([{ op: 'replace', path: '/rules', value }]);
    await kubectl(plane.details, ['patch', ...role, '--type=json', '-p', patch]);
  };
  await set(rules.filter(({ verbs }) => !verbs.includes('patch')));
  return () => set(rules);
}

describe('of two replicas, each in a network of its own and with three probe threads,', () => {
  it('each has a Lease of its own, and at rest renews it every 5 s and writes nothing else', async () => {
    const labelSelector = 'externalbackend.io/replica-of=external-backend-operator';
    const leases = await world.admin.list('Lease', operatorNamespace, { labelSelector });
    expect(leases.map(({ metadata }) => metadata.name).toSorted()).toEqual([
      'external-backend-operator-first',
      'external-backend-operator-second',
    ]);
    expect(leases.flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}))).toEqual([]);
  });

  it(
    'the other leads within seconds when the leader is cut off from all targets: no address leaves, and it sees',
    async () => {
      const { leader, witness } = await pair.roles();
      const at = performance.now();
      undo.push(await leader.network.cut([grid.network]));
      await pair.leads(witness, 20_000);
      const tookMs = Math.round(performance.now() - at);
      console.info(`the other replica leads ${tookMs} ms after the cut`);
      expect(tookMs).toBeLessThan(5_000 + LOAD_MS);
      await eventually(
        async () => (await witness.operator.metrics()).includes('external_backend_checks 30'),
        (is) => is,
      );
      await sleep(cutMs);
      expect([removed(), await kindsOfWrites()]).toEqual([[], []]);
      await grid.server(refuses).refuse();
      await grid.loses(world, [refuses], 10_000);
      undo.push(await dropPackets(single));
      await grid.loses(world, [refuses, single], 10_000);
      expect(removed()).toEqual([single, refuses].toSorted());
    },
    90_000 + cutMs,
  );

  it('no address leaves when both are cut off, which is reported, except one that refuses', async () => {
    const { leader } = await pair.roles();
    undo.push(await pair.cut(grid.all.filter((ip) => ip !== refuses)));
    await grid.reports(world, 'OperatorIsolated', 30_000);
    await reportsIsolation(leader.operator, true);
    await world.events.until(
      () => namesOfEvents(world, 'OperatorIsolated').length === grid.names.length,
      10_000,
      'an Event of each backend',
    );
    expect(leader.operator.lines().filter(({ msg }) => String(msg).startsWith('isolated:'))).not.toEqual([]);
    expect([removed(), await kindsOfWrites()]).toEqual([[], ['patch externalbackends/status']]);
    await grid.server(refuses).refuse();
    await grid.loses(world, [refuses], 10_000);
    await grid.server(refuses).listen();
    await restore();
    await grid.recovered(world);
    await reportsIsolation(leader.operator, false);
    expect(removed()).toEqual([refuses]);
    expect(await kindsOfWrites()).toEqual([
      'patch externalbackends/status',
      'update endpoints',
      'update endpointslices',
    ]);
  }, 120_000);

  it('a host that the leader alone does not reach remains and is reported, and leaves when the other loses it too', async () => {
    const { leader, witness } = await pair.roles();
    undo.push(await leader.network.cut([single]));
    await reportsUnreachable(single, 'db-3');
    await world.events.until(
      () => namesOfEvents(world, 'UnreachableFromHere').includes('db-3'),
      10_000,
      'the Event',
    );
    expect([removed(), await kindsOfWrites()]).toEqual([[], ['patch externalbackends/status']]);
    undo.push(await witness.network.cut([single]));
    await grid.loses(world, [single], LEAVES_MS);
    expect(removed()).toEqual([single]);
  }, 60_000);

  it('the same remains while the two do not reach each other, because they meet at the API server alone', async () => {
    const { leader, witness } = await pair.roles();
    undo.push(await leader.network.cut([witness.network.address]));
    undo.push(await witness.network.cut([leader.network.address]));
    undo.push(await leader.network.cut([single]));
    await reportsUnreachable(single, 'db-3');
    await sleep(3_000); // Three questions more.
    expect([removed(), (await pair.roles()).leader.identity]).toEqual([[], leader.identity]);
  }, 60_000);

  it('a black hole leaves within its period, twice its timeout and a second', async () => {
    const at = performance.now();
    undo.push(await dropPackets(single));
    await grid.loses(world, [single], 10_000);
    const tookMs = Math.round(performance.now() - at);
    console.info(`a black hole left after ${tookMs} ms, with a second opinion`);
    expect(tookMs).toBeLessThan(LEAVES_MS);
    expect(removed()).toEqual([single]);
  }, 60_000);

  it('the ten hosts of a zone that dies leave, and no other', async () => {
    undo.push(await dropPackets(grid.zone));
    await grid.loses(world, grid.zone, 20_000);
    expect(removed()).toEqual(grid.zone);
    expect(await isIsolated((await pair.roles()).leader.operator)).toBe(false);
  }, 60_000);

  it('a black hole leaves in its time although the other replica has stopped without a word', async () => {
    const { witness } = await pair.roles();
    witness.operator.signal('SIGSTOP');
    undo.push(async () => {
      witness.operator.signal('SIGCONT');
      await Promise.resolve();
    });
    const at = performance.now();
    undo.push(await dropPackets(single));
    await grid.loses(world, [single], 10_000);
    expect(performance.now() - at).toBeLessThan(LEAVES_MS + 500);
    expect(removed()).toEqual([single]);
  }, 60_000);

  it('a black hole leaves in its time, and a cut removes nothing, where they may not write their Leases', async () => {
    const { leader } = await pair.roles();
    const allow = await takeRightsOfLeases();
    undo.push(allow);
    const at = performance.now();
    const heal = await dropPackets(single);
    undo.push(heal);
    await grid.loses(world, [single], 10_000);
    expect(performance.now() - at).toBeLessThan(LEAVES_MS);
    undo.splice(undo.indexOf(heal), 1);
    await heal();
    await grid.recovered(world);
    undo.push(await leader.network.cut([grid.network]));
    await grid.reports(world, 'OperatorIsolated', 30_000);
    expect(removed()).toEqual([single]);
  }, 90_000);
});

describe('of 300 hosts of 100 backends,', () => {
  const many = Array.from({ length: 100 }, (_, n) => `many-${n}`);
  const hostsOf = (n: number) => [0, 1, 2].map((k) => `10.25.${k}.${n}`);
  const isReady = (name: string, ip: string) =>
    readyAddresses(world.slices.objects.values(), name).includes(ip);
  let listener: Server;

  beforeAll(async () => {
    listener = await listenEverywhere('10.25.0.0/16', 5433);
    const more = { ports: [{ port: 5433 }] };
    await Promise.all(many.map((name, n) => world.apply(name, probed(hostsOf(n), more))));
    for (const [n, name] of many.entries()) await world.serves(name, hostsOf(n), 60_000);
  }, 120_000);

  afterAll(async () => {
    await Promise.all(many.map((name) => world.admin.delete('ExternalBackend', name, world.ns)));
    listener.close();
  });

  it('the thirty that become silent at once leave within 5 s, and no other', async () => {
    const silent = many.slice(0, 30).map((name, n) => [name, `10.25.${n % 3}.${n}`] as const);
    const [at, from] = [performance.now(), world.slices.history.length];
    undo.push(await dropPackets(silent.map(([, ip]) => ip)));
    await world.slices.until(
      () => silent.every(([name, ip]) => !isReady(name, ip)),
      30_000,
      'the silent hosts are not ready',
    );
    const tookMs = Math.round(performance.now() - at);
    console.info(`the last of 30 of 300 hosts left after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(5_000 + 2 * LOAD_MS);
    const removed = removedSince(world, new Map(many.map((name, n) => [name, hostsOf(n)])), from);
    expect(removed).toEqual(silent.map(([, ip]) => ip).toSorted());
  }, 60_000);
});
