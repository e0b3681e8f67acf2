import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer, Names } from '../support/servers/name-servers.ts';
import { named, promptly, readySockets, slicesOf, standBy, toldOf } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let server: NameServer;
let targets: ReadonlyMap<string, Target>;
const sockets = [
  '10.20.53.1:5432',
  '10.20.53.2:5432',
  '10.20.53.3:5432',
  '10.20.53.1:5433',
  '10.20.53.2:5433',
  '10.20.53.3:6543',
  '10.20.53.4:5432',
  '10.20.53.5:5432',
  '10.20.53.6:5432',
];
let names: Names = {
  'moves.outside.test': ['A 10.20.53.1'],
  'rotates.outside.test': ['A 10.20.53.4', 'A 10.20.53.5'],
  'first.outside.test': ['A 10.20.53.1'],
  'second.outside.test': ['A 10.20.53.1'],
  'writer.outside.test': ['A 10.20.53.1'],
  'reader.outside.test': ['A 10.20.53.1'],
  's1.outside.test': ['A 10.20.53.1'],
  '_mongodb._tcp.atlas.outside.test': ['SRV 0 0 27017 s1.outside.test.'],
  's2.outside.test': ['A 10.20.53.2'],
  's3.outside.test': ['A 10.20.53.3'],
  '_pg._tcp.outside.test': ['SRV 0 0 5432 s1.outside.test.', 'SRV 0 0 5433 s2.outside.test.'],
};

/** Gives a name other records; none: it is no more. */
async function change(more: Readonly<Record<string, readonly string[] | undefined>>): Promise<void> {
  const all = Object.entries({ ...names, ...more });
  names = Object.fromEntries(all.flatMap(([name, list]) => (list === undefined ? [] : [[name, list]])));
  await server.set(names);
}

beforeAll(async () => {
  server = await startCoreDns({ address: '10.20.53.53', port: 53, names });
  const listening = sockets.map(async (socket) => {
    const [address = '', port] = socket.split(':');
    return [socket, await startTarget({ address, port: Number(port) })] as const;
  });
  targets = new Map(await Promise.all(listening));
  world = await openWorld(controlPlane(), { prefix: 'follow', args: [`--dns-servers=${server.endpoint}`] });
  const kept = { ...promptly, keepSeconds: 3600 };
  await Promise.all([
    world.apply('moves', named(['moves.outside.test'])),
    world.apply('kept', named(['rotates.outside.test'], { dns: kept })),
    world.apply('shared', named(['first.outside.test', 'second.outside.test'])),
    world.apply('srv', named(['_pg._tcp.outside.test'])),
    world.apply('atlas', named(['atlas.outside.test'], { ports: [{ port: 27017 }] })),
    world.apply('cloud', {
      ...named([]),
      targets: [
        { host: 'writer.outside.test', role: 'Primary' },
        { host: 'reader.outside.test', role: 'Replica' },
      ],
      services: [
        { name: 'cloud-rw', role: 'Primary' },
        { name: 'cloud-ro', role: 'Replica' },
      ],
    }),
  ]);
});

afterAll(async () => {
  await world.close();
  await server.remove();
  await Promise.all([...targets.values()].map((target) => target.close()));
});

it('An address that is removed from the answer is removed from the Service, and a new one is published once it is healthy', async () => {
  await world.serves('moves', ['10.20.53.1']);
  await change({ 'moves.outside.test': ['A 10.20.53.9', 'A 10.20.53.2'] }); // nobody listens at 9
  await world.serves('moves', ['10.20.53.2']);
  const { addresses } = await toldOf(
    world,
    'moves',
    'moves.outside.test',
    (each) => each.addresses.length === 2 && each.addresses.every(({ health }) => health !== 'unknown'),
  );
  expect(addresses.map(({ ip, health }) => [ip, health]).toSorted()).toEqual([
    ['10.20.53.2', 'healthy'],
    ['10.20.53.9', 'unhealthy'],
  ]);
});

it('With keepSeconds an address that left a rotating answer remains while it is healthy, and is removed when its server fails', async () => {
  await world.serves('kept', ['10.20.53.4', '10.20.53.5']);
  await change({ 'rotates.outside.test': ['A 10.20.53.5', 'A 10.20.53.6'] });
  await world.serves('kept', ['10.20.53.4', '10.20.53.5', '10.20.53.6']);
  const { addresses } = await toldOf(
    world,
    'kept',
    'rotates.outside.test',
    (each) => each.addresses.length === 3,
  );
  expect(addresses.find(({ ip }) => ip === '10.20.53.4')?.kept).toBe(true);
  await targets.get('10.20.53.4:5432')?.refuse();
  await world.serves('kept', ['10.20.53.5', '10.20.53.6']);
  await toldOf(
    world,
    'kept',
    'rotates.outside.test',
    (each) => each.addresses.length === 2 && each.addresses.every(({ kept }) => kept !== true),
  );
  await targets.get('10.20.53.4:5432')?.listen();
  expect(everMissing(world.slices.history, 'kept', ['10.20.53.5'])).toEqual([]);
});

describe('two names of one address', () => {
  it.each(['second.outside.test', 'first.outside.test'])(
    'the loss of %s removes no address',
    async (lost) => {
      await world.serves('shared', ['10.20.53.1']);
      await standBy(world, 'shared', ['first.outside.test', 'second.outside.test'], 'Answered');
      await change({ [lost]: undefined });
      await standBy(world, 'shared', [lost], 'NoSuchName');
      await change({ [lost]: ['A 10.20.53.1'] });
      await standBy(world, 'shared', [lost], 'Answered');
      await world.serves('shared', ['10.20.53.1']);
      expect(everMissing(world.slices.history, 'shared', ['10.20.53.1'])).toEqual([]);
      expect(slicesOf(world, 'shared').flatMap(({ endpoints }) => endpoints ?? [])).toHaveLength(1);
    },
  );
});

it('The status of a mongodb+srv host without its prefix contains the host to use', async () => {
  const { resolution } = await toldOf(
    world,
    'atlas',
    'atlas.outside.test',
    (target) => target.resolution?.error?.includes('mongodb+srv') === true,
  );
  expect(resolution?.error).toContain('for mongodb+srv use the host _mongodb._tcp.atlas.outside.test');
});

it('A cluster of one instance is in the Services of both roles, and each follows its own name later', async () => {
  const serve = (writer: string, reader: string) =>
    Promise.all([world.serves('cloud-rw', [writer]), world.serves('cloud-ro', [reader])]);
  await serve('10.20.53.1', '10.20.53.1');
  await change({ 'writer.outside.test': ['A 10.20.53.2'] });
  await serve('10.20.53.2', '10.20.53.1');
  await change({ 'writer.outside.test': ['A 10.20.53.1'], 'reader.outside.test': ['A 10.20.53.2'] });
  await serve('10.20.53.1', '10.20.53.2');
  await change({ 'reader.outside.test': ['A 10.20.53.1'] });
  await serve('10.20.53.1', '10.20.53.1');
});

it('A change of an SRV record is published: one server removed, one added, one with another port', async () => {
  const ready = (wanted: readonly string[]) =>
    world.slices.until(
      () => readySockets(world, 'srv').join() === wanted.join(),
      undefined,
      `ready behind srv: ${wanted.join()}`,
    );
  await ready(['10.20.53.1:5432', '10.20.53.2:5433']);
  await targets.get('10.20.53.2:5433')?.refuse();
  await ready(['10.20.53.1:5432']);
  await targets.get('10.20.53.2:5433')?.listen();
  await change({
    '_pg._tcp.outside.test': ['SRV 0 0 5433 s1.outside.test.', 'SRV 0 0 6543 s3.outside.test.'],
  });
  await ready(['10.20.53.1:5433', '10.20.53.3:6543']);
  await change({ 's3.outside.test': ['A 10.20.53.3', 'A 10.20.53.2'] });
  await targets.get('10.20.53.3:6543')?.refuse();
  await ready(['10.20.53.1:5433']);
});
