import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyAddresses } from '../controlplane/endpoints.ts';
import { plain } from '../support/builders/backends.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
const ips = Array.from({ length: 512 }, (_, i) => `10.20.${38 + Math.floor(i / 250)}.${(i % 250) + 1}`);

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'scale' });
  await world.publish('many', plain(ips));
});

afterAll(() => world.close());

const slices = () => world.admin.list('EndpointSlice', world.ns);
const change = async (targets: readonly string[]) => {
  const before = (await world.writes()).length;
  await world.publish('many', plain(targets));
  return (await world.writes(before)).map(brief).toSorted();
};

it('512 targets are published in 6 slices of at most 100, and in one Endpoints object', async () => {
  const all = await slices();
  expect(all.map(({ endpoints }) => endpoints?.length ?? 0).toSorted((a, b) => b - a)).toEqual([
    100, 100, 100, 100, 100, 12,
  ]);
  expect(readyAddresses(all, 'many')).toEqual(ips.toSorted());
  const { subsets } = await world.admin.get('Endpoints', 'many', world.ns);
  expect(subsets?.flatMap(({ addresses }) => addresses ?? [])).toHaveLength(512);
});

it('one target less is one slice written, and the same target back is one slice written', async () => {
  const three = ['patch externalbackends/status', 'update endpoints', 'update endpointslices'];
  expect(await change(ips.toSpliced(137, 1))).toEqual(three);
  expect(await change(ips)).toEqual(three);
  expect(await slices()).toHaveLength(6);
});

it('the order of the targets is nothing to write about but the status', async () => {
  expect(await change(ips.toReversed())).toEqual(['patch externalbackends/status']);
});

it('targets that are all replaced leave no slice too many behind', async () => {
  const others = ips.map((ip) => ip.replace('10.20.', '10.120.'));
  await change(others);
  expect(readyAddresses(await slices(), 'many')).toEqual(others.toSorted());
  expect(await slices()).toHaveLength(6);
  await change(others.slice(0, 5));
  expect(await slices()).toHaveLength(1);
});
