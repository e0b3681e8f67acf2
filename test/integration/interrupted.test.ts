import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { everMissing } from '../controlplane/endpoints.ts';
import { dropPackets } from '../controlplane/network.ts';
import { ports } from '../controlplane/parts.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed, quick } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

const ips = ['10.20.49.1', '10.20.49.2', '10.20.49.3'];
/** Longer than two failures, shorter than the trust in the lease (10 s). */
const cutMs = 6_000;
const services = ['once', 'twice'];

let plane: Plane;
let worlds: readonly World[];
let targets: readonly Target[];

beforeAll(async () => {
  plane = await startPlane({ address: '10.99.3.1' });
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  const elected = ['--leader-elect=true', '--identity=elected'];
  worlds = await Promise.all([
    openWorld(plane.details, { prefix: 'elected', args: elected }),
    openWorld(plane.details, { prefix: 'sole', args: ['--leader-elect=false'] }),
  ]);
  for (const world of worlds) {
    await world.publish('once', probed(ips));
    await world.publish('twice', probed(ips, { probe: { ...quick, failureThreshold: 2 } }));
    for (const service of services) await world.serves(service, ips);
  }
}, 90_000);

afterAll(async () => {
  for (const world of worlds) {
    await world.operator().kill();
    for (const recorder of [world.slices, world.backends, world.events]) recorder.stop();
  }
  await Promise.all(targets.map((target) => target.close()));
  await plane.stop();
});

const interruptions = (world: World) =>
  world
    .operator()
    .lines()
    .filter(({ msg, reason }) => msg === 'stopped leading' && reason === 'Interrupted').length;

const freeze = async () => {
  plane.freezeApiServer();
  await Promise.resolve();
  return () => {
    plane.thawApiServer();
    return Promise.resolve();
  };
};
const cut = () => dropPackets(plane.details.address, { port: ports.api });

describe('an API server that is away together with all targets, for less than the lease lasts', () => {
  it.each([
    ['is cut off by the network', cut],
    ['hangs', freeze],
  ])(
    'costs no address where it %s; what dies next leaves',
    async (_, away) => {
      const before = worlds.map(interruptions);
      const restore = await Promise.all([away(), dropPackets(ips)]);
      await sleep(cutMs); // The cut itself: nobody can be asked when it was long enough.
      await Promise.all(restore.map((each) => each()));
      await targets[0]?.refuse();
      for (const world of worlds)
        for (const service of services) await world.serves(service, ips.slice(1), 15_000);
      for (const world of worlds)
        for (const service of services)
          expect(everMissing(world.slices.history, service, ips.slice(1))).toEqual([]);
      expect(worlds.map(interruptions)).toEqual(before.map((count) => count + 1));
      await targets[0]?.listen();
      for (const world of worlds) for (const service of services) await world.serves(service, ips, 15_000);
    },
    60_000,
  );
});
