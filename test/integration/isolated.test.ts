import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { controlPlane } from '../controlplane/details.ts';
import { dropPackets } from '../controlplane/network.ts';
import { openNetwork } from '../controlplane/own-network.ts';
import type { OwnNetwork } from '../controlplane/own-network.ts';
import {
  cutMs,
  HostGrid,
  isIsolated,
  namesOfEvents,
  reportsIsolation,
} from '../support/cluster/host-grid.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

const grid = new HostGrid('10.23');
const [refuses, holed] = [grid.host(0, 1), grid.host(1, 1)];

let network: OwnNetwork;
let world: World;
let undo: (() => Promise<void>) | undefined;
/** Number of the events of slices before the test. */
let from: number;

beforeAll(async () => {
  await grid.start();
  network = await openNetwork(1);
  world = await openWorld(controlPlane(), { prefix: 'isolated', network });
  await grid.publish(world);
  from = world.slices.history.length;
}, 90_000);

afterEach(async () => {
  await undo?.();
  undo = undefined;
  await grid.recovered(world);
  from = world.slices.history.length;
}, 90_000);

afterAll(async () => {
  await world.close();
  await network.close();
  await grid.close();
});

describe('an operator in a network of its own, with 30 targets at period 1 and threshold 1,', () => {
  it(
    'that is cut off from all targets removes no address, reports it, and writes statuses and Events alone',
    async () => {
      const before = (await world.writes()).length;
      undo = await network.cut([grid.network]);
      await grid.reports(world, 'OperatorIsolated');
      expect(await isIsolated(world.operator())).toBe(true);
      await sleep(cutMs);
      await undo();
      undo = undefined;
      await grid.reports(world, 'AllHealthy');
      expect(await isIsolated(world.operator())).toBe(false);
      expect(grid.removedSince(world, from)).toEqual([]);
      const writes = (await world.writes(before)).map(brief);
      expect(writes).toEqual(Array.from({ length: 20 }, () => 'patch externalbackends/status'));
      expect(namesOfEvents(world, 'OperatorIsolated')).toEqual(grid.names);
      const lines = world.operator().lines();
      expect(lines.find(({ msg }) => String(msg).startsWith('isolated:'))).toMatchObject({ hosts: 30 });
    },
    60_000 + cutMs,
  );

  it('removes a server that refuses while all others are cut off', async () => {
    undo = await network.cut(grid.all.filter((ip) => ip !== refuses));
    await reportsIsolation(world.operator(), true);
    await grid.server(refuses).refuse();
    await grid.loses(world, [refuses], 10_000);
    expect(grid.removedSince(world, from)).toEqual([refuses]);
  }, 60_000);

  it('removes a black hole within its period, timeout and a second', async () => {
    const at = performance.now();
    undo = await dropPackets(holed);
    await grid.loses(world, [holed], 10_000);
    const tookMs = Math.round(performance.now() - at);
    console.info(`a black hole left after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(1_050 + 1_000 + 1_000);
    expect(await isIsolated(world.operator())).toBe(false);
    expect(grid.removedSince(world, from)).toEqual([holed]);
  }, 60_000);

  it('removes the ten hosts of a zone that dies', async () => {
    undo = await dropPackets(grid.zone);
    await grid.loses(world, grid.zone, 20_000);
    expect(await isIsolated(world.operator())).toBe(false);
    expect(grid.removedSince(world, from)).toEqual(grid.zone);
  }, 60_000);

  it('that is killed and started during a cut removes no address either', async () => {
    undo = await network.cut([grid.network]);
    await reportsIsolation(world.operator(), true);
    await world.operator().kill();
    await world.start();
    await reportsIsolation(world.operator(), true);
    await sleep(5_000); // Several periods of the cut.
    expect(grid.removedSince(world, from)).toEqual([]);
  }, 60_000);
});
