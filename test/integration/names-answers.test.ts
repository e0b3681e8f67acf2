import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { unprobed } from '../support/builders/backends.ts';
import { startUnbound } from '../support/servers/name-servers.ts';
import type { NameServer, Names } from '../support/servers/name-servers.ts';
import { named, readySockets, slicesOf, sliceEvents, targetOf, toldOf } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let server: NameServer;
let targets: readonly Target[];
const ips = ['10.20.51.1', '10.20.51.2', '10.20.51.3', '10.20.51.4'];
const thousand = Array.from({ length: 1000 }, (_, i) => `10.30.${Math.floor(i / 250)}.${(i % 250) + 1}`);

const chain: Names = Object.fromEntries(
  [1, 2, 3, 4, 5].map((i) => [
    `chain${i}.outside.test`,
    [`CNAME ${i < 5 ? `chain${i + 1}` : 'four'}.outside.test.`],
  ]),
);
const names: Names = {
  ...chain,
  'four.outside.test': ['A 10.20.51.1'],
  'six.outside.test': ['AAAA fd20:51::1'],
  'mixed.outside.test': ['A 10.20.51.1', 'AAAA fd20:51::1'],
  'rotating.outside.test': ips.map((ip) => `A ${ip}`),
  'zero.outside.test': ['0 A 10.20.51.2'],
  'bad.outside.test': ['A 10.20.51.1', 'A 169.254.169.254', 'A 127.0.0.1', 'A 10.20.51.2'],
  'thousand.outside.test': thousand.map((ip) => `A ${ip}`),
  '_pg._tcp.outside.test': ['SRV 0 10 5432 four.outside.test.', 'SRV 1 20 5433 zero.outside.test.'],
};

/** Published as they stand: what is shown is what becomes of the answer. */
const plainly = (name: string, more = {}) => named([`${name}.outside.test`], { probe: unprobed, ...more });
const headless = (name: string) => ({ services: [{ name, headless: true }] });

// All are declared at once, as a cluster has them, and looked at one after the other.
beforeAll(async () => {
  server = await startUnbound({ address: '10.20.51.53', port: 53, names });
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(controlPlane(), {
    prefix: 'answers',
    args: [`--dns-servers=${server.endpoint}`],
  });
  await Promise.all([
    world.apply('four', plainly('four')),
    world.apply('six', plainly('six', headless('six'))),
    world.apply('mixed', plainly('mixed', headless('mixed'))),
    world.apply('family', plainly('mixed', { services: [{ name: 'family', ipFamilies: ['IPv4'] }] })),
    world.apply('only', plainly('mixed', { dns: { families: ['IPv6'] }, ...headless('only') })),
    world.apply('chain', plainly('chain1')),
    world.apply('bad', plainly('bad')),
    world.apply('thousand', plainly('thousand')),
    world.apply('twice', named(['chain3.outside.test', 'Four.Outside.Test.'], { probe: unprobed })),
    world.apply('srv', named(['_pg._tcp.outside.test'], { probe: unprobed })),
    world.apply('rotating', named(['rotating.outside.test', 'zero.outside.test'])),
  ]);
}, 60_000);

afterAll(async () => {
  await world.close();
  await server.remove();
  await Promise.all(targets.map((target) => target.close()));
});

it('A name with an A or an AAAA record alone publishes that address', async () => {
  await world.serves('four', ['10.20.51.1']);
  await world.serves('six', ['fd20:51::1']);
  expect(slicesOf(world, 'six').map(({ addressType }) => addressType)).toEqual(['IPv6']);
  const { resolution } = await toldOf(
    world,
    'four',
    'four.outside.test',
    (each) => each.addresses.length > 0,
  );
  expect(resolution).toEqual({ state: 'Answered', resolvedAt: expect.any(String) });
});

it('A name with both families has a slice for each, and with dns.families only the queried ones', async () => {
  await world.serves('mixed', ['10.20.51.1', 'fd20:51::1']);
  expect(
    slicesOf(world, 'mixed')
      .map(({ addressType }) => addressType)
      .toSorted(),
  ).toEqual(['IPv4', 'IPv6']);
  await world.serves('only', ['fd20:51::1']);
});

it('An address of a family that the Service does not have is reported, and the other one is published', async () => {
  await world.serves('family', ['10.20.51.1']);
  const { addresses } = await toldOf(
    world,
    'family',
    'mixed.outside.test',
    (each) => each.addresses.length > 1,
  );
  expect(addresses.map(({ ip, excluded }) => [ip, excluded])).toEqual([
    ['10.20.51.1', undefined],
    ['fd20:51::1', [{ service: 'family', reason: 'FamilyNotServed' }]],
  ]);
});

it('A chain of five CNAMEs is resolved', async () => {
  await world.serves('chain', ['10.20.51.1']);
});

it('The address of the metadata service in an answer is refused by its rule, and the others are published', async () => {
  await world.serves('bad', ['10.20.51.1', '10.20.51.2']);
  const { message } = await toldOf(world, 'bad', 'bad.outside.test', (each) => each.message !== undefined);
  expect(message).toMatch(/169\.254\.169\.254 is refused: .*link-local/);
  expect(message).toMatch(/127\.0\.0\.1 is refused: .*loopback/);
});

it('A thousand addresses in one answer are ten slices', async () => {
  await world.serves('thousand', thousand.toSorted());
  expect(slicesOf(world, 'thousand').map(({ endpoints }) => endpoints?.length)).toEqual(
    Array.from({ length: 10 }, () => 100),
  );
});

it('Two names of one address publish it once, and the second one reports it', async () => {
  await world.serves('twice', ['10.20.51.1']);
  expect(slicesOf(world, 'twice').flatMap(({ endpoints }) => endpoints ?? [])).toHaveLength(1);
  const { message } = await toldOf(
    world,
    'twice',
    'Four.Outside.Test.',
    (each) => each.message !== undefined,
  );
  expect(message).toBe('10.20.51.1 is published once, through target chain3.outside.test');
});

it('An SRV record has addresses with their own ports, a slice for each, and those of the lowest priority are ready', async () => {
  await world.slices.until(
    () => slicesOf(world, 'srv').length === 2 && readySockets(world, 'srv').join() === '10.20.51.1:5432',
    undefined,
    'both servers of the SRV record are published with their ports, and one is ready',
  );
  const { addresses } = await toldOf(
    world,
    'srv',
    '_pg._tcp.outside.test',
    (each) => each.addresses.length === 2,
  );
  expect(
    addresses
      .map(({ ip, host, priority, weight }) => [ip, host, priority, weight])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ).toEqual([
    ['10.20.51.1', 'four.outside.test', 0, 10],
    ['10.20.51.2', 'zero.outside.test', 1, 20],
  ]);
});

it('Answers in changing order, and answers with a TTL of 0, cause no write', async () => {
  await world.serves('rotating', ips);
  await Promise.all([...world.backends.objects.keys()].map((name) => world.ready(name)));
  await toldOf(world, 'rotating', 'rotating.outside.test', ({ addresses }) =>
    addresses.every(({ ready }) => ready),
  );
  const [slices, backends] = [world.slices.history.length, world.backends.history.length];
  const writes = (await world.writes()).length;
  const probes = targets[0]?.accepted() ?? 0;
  await eventually(
    () => targets[0]?.accepted() ?? 0,
    (now) => now >= probes + 4,
  );
  expect(sliceEvents(world, 'rotating', slices)).toEqual([]);
  expect(world.backends.history.slice(backends).map(({ object }) => object.status)).toEqual([]);
  expect(await world.writes(writes)).toEqual([]);
  const backend = world.backends.objects.get('rotating');
  expect(targetOf(backend, 'rotating.outside.test')?.resolution?.state).toBe('Answered');
});
