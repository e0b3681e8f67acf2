import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { controlPlane } from '../controlplane/details.ts';
import { readyAddresses } from '../controlplane/endpoints.ts';
import { addAddress, dropPackets } from '../controlplane/network.ts';
import { openNetwork } from '../controlplane/own-network.ts';
import type { OwnNetwork } from '../controlplane/own-network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { brief, conditionOf, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

/** Ten backends of three hosts. One host of each is in the zone, and one is a server of its own. */
const names = Array.from({ length: 10 }, (_, n) => `db-${n}`);
const hostsOf = (n: number): readonly string[] => [0, 1, 2].map((k) => `10.23.${k}.${n + 1}`);
const zone = names.map((_, n) => hostsOf(n)[0] ?? '');
const [refuses = '', holed = ''] = [hostsOf(0)[1], hostsOf(1)[1]];
const targets = ['10.23.0.0/16'];

let network: OwnNetwork;
let world: World;
let servers: readonly Target[];
let undo: (() => Promise<void>) | undefined;

beforeAll(async () => {
  const all = names.flatMap((_, n) => hostsOf(n));
  await addAddress(...all);
  servers = await Promise.all(all.map((address) => startTarget({ address, port: 5432 })));
  network = await openNetwork(1);
  world = await openWorld(controlPlane(), { prefix: 'isolated', network });
  for (const [n, name] of names.entries()) await world.publish(name, probed(hostsOf(n)));
  for (const [n, name] of names.entries()) await world.serves(name, hostsOf(n), 15_000);
}, 90_000);

afterEach(async () => {
  await undo?.();
  undo = undefined;
  await single().listen();
  for (const [n, name] of names.entries()) await world.serves(name, hostsOf(n), 15_000);
  await eventually(
    () => names.map((name) => conditionOf(world.backends.objects.get(name), 'Degraded')?.reason),
    (reasons) => reasons.every((reason) => reason === 'AllHealthy'),
  );
}, 40_000);

afterAll(async () => {
  await world.close();
  await network.close();
  await Promise.all(servers.map((server) => server.close()));
});

/** Returns the server that refuses in one of the tests. */
function single(): Target {
  const found = servers.find(({ address }) => address === refuses);
  if (found === undefined) throw new Error('not started');
  return found;
}

/** Returns the addresses that are ready behind no Service. */
const missing = (): readonly string[] =>
  names.flatMap((name, n) => {
    const ready = readyAddresses(world.slices.objects.values(), name);
    return hostsOf(n).filter((ip) => !ready.includes(ip));
  });

const degraded = (name: string) => conditionOf(world.backends.objects.get(name), 'Degraded');
const isIsolated = async () => /^external_backend_isolated 1$/m.test(await world.operator().metrics());

describe('an operator in a network of its own, with 30 targets at period 1 and threshold 1,', () => {
  it('that is cut off from all targets for 60 s removes no address, reports it, and writes statuses and Events alone', async () => {
    const [before, sliceEvents] = [(await world.writes()).length, world.slices.history.length];
    undo = await network.cut(targets);
    await world.backends.until(
      () => names.every((name) => degraded(name)?.reason === 'OperatorIsolated'),
      10_000,
      'all backends report the isolation',
    );
    expect(await isIsolated()).toBe(true);
    await sleep(60_000); // The cut itself.
    await undo();
    undo = undefined;
    await world.backends.until(
      () => names.every((name) => degraded(name)?.reason === 'AllHealthy'),
      10_000,
      'all backends report the end',
    );
    expect(await isIsolated()).toBe(false);
    expect(world.slices.history.slice(sliceEvents)).toEqual([]);
    const writes = (await world.writes(before)).map(brief);
    expect(writes).toEqual(Array.from({ length: 20 }, () => 'patch externalbackends/status'));
    const told = [...world.events.objects.values()].filter(({ reason }) => reason === 'OperatorIsolated');
    expect(told.map(({ regarding }) => regarding?.name).toSorted()).toEqual(names);
    const lines = world.operator().lines();
    expect(lines.find(({ msg }) => String(msg).startsWith('isolated:'))).toMatchObject({ hosts: 30 });
  }, 120_000);

  it('removes a server that refuses while all others are cut off', async () => {
    undo = await network.cut(names.flatMap((_, n) => hostsOf(n)).filter((ip) => ip !== refuses));
    await eventually(isIsolated, (is) => is);
    await single().refuse();
    await world.slices.until(() => missing().length > 0, 5_000);
    expect(missing()).toEqual([refuses]);
  }, 40_000);

  it('removes a black hole within its period, timeout and a second', async () => {
    const at = performance.now();
    undo = await dropPackets(holed);
    await world.slices.until(() => missing().length > 0, 5_000);
    expect(missing()).toEqual([holed]);
    const tookMs = Math.round(performance.now() - at);
    console.info(`a black hole left after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(1_050 + 1_000 + 1_000);
    expect(await isIsolated()).toBe(false);
  }, 40_000);

  it('removes the ten hosts of a zone that dies', async () => {
    undo = await dropPackets(zone);
    await world.slices.until(() => missing().length === zone.length, 10_000);
    expect(missing()).toEqual(zone);
    expect(await isIsolated()).toBe(false);
  }, 40_000);

  it('that is killed and started during a cut removes no address either', async () => {
    const from = world.slices.history.length;
    undo = await network.cut(targets);
    await eventually(isIsolated, (is) => is);
    await world.operator().kill();
    await world.start();
    await eventually(isIsolated, (is) => is, { deadlineMs: 15_000 });
    await sleep(5_000); // Several periods of the cut.
    expect(world.slices.history.slice(from)).toEqual([]);
  }, 60_000);
});
