import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer, Names } from '../support/servers/name-servers.ts';
import { named, readySockets, sliceEvents, slicesOf, standBy, toldOf } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let server: NameServer;
let targets: readonly Target[];
const hosts = ['a.outside.test', 'b.outside.test'];
const ips = ['10.20.54.1', '10.20.54.2'];
const names: Names = {
  'a.outside.test': ['A 10.20.54.1'],
  'b.outside.test': ['A 10.20.54.2'],
  '_pg._tcp.outside.test': ['SRV 0 0 5432 a.outside.test.', 'SRV 0 0 5433 b.outside.test.'],
};

beforeAll(async () => {
  server = await startCoreDns({ address: '10.20.54.53', port: 53, names });
  targets = await Promise.all([
    ...[...ips, '10.20.54.3'].map((address) => startTarget({ address, port: 5432 })),
    startTarget({ address: '10.20.54.2', port: 5433 }),
  ]);
  world = await openWorld(controlPlane(), { prefix: 'dark', args: [`--dns-servers=${server.endpoint}`] });
  await world.publish('db', named(hosts));
  await world.publish('srv', named(['_pg._tcp.outside.test']));
  await world.serves('db', ips);
  await world.serves('srv', ips);
});

afterAll(async () => {
  await world.close();
  await server.remove();
  await Promise.all(targets.map((target) => target.close()));
});

const annotation = 'externalbackend.io/names';
const namesOf = (service: string): readonly unknown[] =>
  slicesOf(world, service).map(
    ({ metadata }) => JSON.parse(metadata.annotations?.[annotation] ?? '{}') as unknown,
  );

it('A slice records the names of its addresses', () => {
  expect(namesOf('db')).toEqual([{ 'a.outside.test': ['10.20.54.1'], 'b.outside.test': ['10.20.54.2'] }]);
});

it('An operator that is restarted without DNS keeps what is published, with its names', async () => {
  await world.operator().kill();
  await server.kill();
  const from = world.slices.history.length;
  await world.start();
  const probes = targets[0]?.accepted() ?? 0;
  await eventually(
    () => targets[0]?.accepted() ?? 0,
    (now) => now >= probes + 4,
  );
  expect(sliceEvents(world, 'db', from)).toEqual([]);
  expect(sliceEvents(world, 'srv', from)).toEqual([]);
  await standBy(world, 'db', hosts, 'Stale');
  expect((await toldOf(world, 'db', 'b.outside.test', () => true)).addresses).toMatchObject([
    { ip: '10.20.54.2', health: 'healthy', ready: true },
  ]);
});

it('An operator that was restarted without DNS removes a failed server, and reports its name', async () => {
  await targets[1]?.refuse();
  await world.serves('db', ['10.20.54.1']);
  await toldOf(world, 'db', 'b.outside.test', ({ addresses }) => addresses[0]?.health === 'unhealthy');
  await targets[1]?.listen();
  await world.serves('db', ips);
  expect(readySockets(world, 'srv')).toEqual(['10.20.54.1:5432', '10.20.54.2:5433']);
});

it('An operator that was restarted without DNS uses the new answer when the name server is back', async () => {
  await server.set({ ...names, 'b.outside.test': ['A 10.20.54.3'] });
  await server.start();
  await world.serves('db', ['10.20.54.1', '10.20.54.3'], 15_000);
  await standBy(world, 'db', hosts, 'Answered');
  expect(everMissing(world.slices.history, 'db', ['10.20.54.1'])).toEqual([]);
});
