import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyAddresses } from '../controlplane/endpoints.ts';
import { plain } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;

beforeAll(async () => {
  const args = ['--deny-cidr=10.20.46.128/25', '--deny-cidr=fd00:20:46::/64', '--max-endpoints-per-slice=2'];
  world = await openWorld(controlPlane(), { prefix: 'policy', args });
});

afterAll(() => world.close());

it('A target in a denied network is refused and reported, and the others are published', async () => {
  await world.publish('db', plain(['10.20.46.1', '10.20.46.129', 'fd00:20:46::1']));
  await world.serves('db', ['10.20.46.1']);
  const { status } = await world.backends.until((now) => {
    const backend = now.get('db');
    return conditionOf(backend, 'Degraded')?.reason === 'TargetsRefused' ? backend : undefined;
  });
  const refused = status?.targets?.filter(({ message }) => message !== undefined).map(({ host }) => host);
  expect(refused).toEqual(['10.20.46.129', 'fd00:20:46::1']);
});

it('Two spellings of one address are published once, and the status reports it', async () => {
  // Headless: in a cluster of one family it is the one that carries both.
  const services = [{ name: 'twice', headless: true }];
  await world.publish('twice', plain(['2001:db8:46::1', '2001:DB8:46:0::1', '10.20.46.1'], { services }));
  const slices = await world.admin.list('EndpointSlice', world.ns);
  expect(readyAddresses(slices, 'twice')).toEqual(['10.20.46.1', '2001:db8:46::1']);
  const { status } = await world.admin.get('ExternalBackend', 'twice', world.ns);
  expect(status?.targets?.map(({ addresses, message }) => [addresses.length, message !== undefined])).toEqual(
    [
      [1, false],
      [0, true],
      [1, false],
    ],
  );
});

it('Slices contain no more endpoints than --max-endpoints-per-slice', async () => {
  await world.publish('cut', plain(['10.20.46.1', '10.20.46.2', '10.20.46.3', '10.20.46.4', '10.20.46.5']));
  const slices = await world.admin.list('EndpointSlice', world.ns, {
    labelSelector: 'kubernetes.io/service-name=cut',
  });
  expect(slices.map(({ endpoints }) => endpoints?.length).toSorted()).toEqual([1, 2, 2]);
});
