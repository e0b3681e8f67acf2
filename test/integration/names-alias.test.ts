import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { namespace, outsideNames } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { application } from '../support/cluster/application.ts';
import { records } from '../support/cluster/dns.ts';
import { eventually } from '../support/eventually.ts';
import { named, targetOf } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

const plane = controlPlane();
let world: World;
let near: Target;
let far: Target;
let stockNs: string;
const both = { 'near.outside.test': ['10.20.55.1'], 'far.outside.test': ['10.20.55.2'] };
const failbackMs = 2_000;
const alias = (...hosts: readonly string[]) =>
  named(hosts, { mode: 'ExternalName', failbackSeconds: failbackMs / 1000 });

// The cluster's own DNS is asked by the operator as by everybody else.
beforeAll(async () => {
  near = await startTarget({ address: '10.20.55.1', port: 5432 });
  far = await startTarget({ address: '10.20.55.2', port: 5432 });
  await outsideNames(plane, both);
  world = await openWorld(plane, { prefix: 'alias', args: [`--dns-servers=${plane.dns.address}`] });
  stockNs = await namespace(plane, 'stock');
  await service('10.20.55.1', true);
});

afterAll(async () => {
  await world.close();
  await world.admin.delete('Namespace', stockNs);
  await Promise.all([near.close(), far.close()]);
});

/** Somebody's Service in another namespace. */
async function service(address: string, ready: boolean): Promise<void> {
  const ports = [{ name: 'pg', port: 5432, protocol: 'TCP' }];
  const metadata = { name: 'stock-db', namespace: stockNs };
  await world.admin.apply({ kind: 'Service', metadata, spec: { ports } });
  await world.admin.apply({
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'stock-db' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready } }],
    ports,
  });
}

/** Until CoreDNS answers this, as a pod's resolver sees it. */
const pointsTo = (name: string, host: string) =>
  eventually(
    () => records(plane, `${name}.${world.ns}.svc.cluster.local`, 'CNAME'),
    (list) => list.join() === host,
    { fact: `${name} is an alias of ${host}` },
  );

const switches = (name: string) =>
  [...world.events.objects.values()].filter(
    ({ regarding, note }) => regarding?.name === name && note?.startsWith('the alias now points to') === true,
  );

it('An alias switches to its next name, and back when the first has been healthy for failbackSeconds', async () => {
  const app = application(world.ns);
  await world.publish('db', alias('near.outside.test', 'far.outside.test'));
  await pointsTo('db', 'near.outside.test');
  await app.resolves('db', ['10.20.55.1']);
  await world.backends.until((now) => targetOf(now.get('db'), 'near.outside.test')?.current);

  await near.refuse();
  await pointsTo('db', 'far.outside.test');
  expect(await app.connect('db', 5432)).toBe('10.20.55.2');
  await world.backends.until((now) => targetOf(now.get('db'), 'far.outside.test')?.current);

  const returnedMs = performance.now();
  await near.listen();
  await pointsTo('db', 'near.outside.test');
  expect(performance.now() - returnedMs).toBeGreaterThan(failbackMs);
  expect(await app.connect('db', 5432)).toBe('10.20.55.1');

  await world.events.until(() => switches('db').length >= 2);
  expect(switches('db').map(({ type, series }) => [type, series?.count ?? 1])).toEqual([
    ['Warning', 1],
    ['Normal', 1],
  ]);
});

it('An alias without a healthy name keeps its host, and then switches to the first healthy one', async () => {
  await world.publish('last', alias('near.outside.test', 'far.outside.test'));
  await pointsTo('last', 'near.outside.test');
  await near.refuse();
  await pointsTo('last', 'far.outside.test');
  await far.refuse();
  await world.backends.until((now) => now.get('last')?.status?.summary === '0/2');
  await pointsTo('last', 'far.outside.test');
  await near.listen();
  await pointsTo('last', 'near.outside.test');
  await far.listen();
  await world.backends.until((now) => now.get('last')?.status?.summary === '2/2');
});

it('An alias leaves a Service of another namespace when it has no ready server, and comes back', async () => {
  const stock = `stock-db.${stockNs}.svc.cluster.local`;
  await world.publish('stock', alias(stock, 'far.outside.test'));
  await pointsTo('stock', stock);
  expect(await application(world.ns).connect('stock', 5432)).toBe('10.20.55.1');
  await service('10.20.55.1', false);
  await pointsTo('stock', 'far.outside.test');
  await service('10.20.55.1', true);
  await pointsTo('stock', stock);
});

it('An alias whose first name does not exist any more switches, and comes back with the name', async () => {
  await world.publish('name', alias('near.outside.test', 'far.outside.test'));
  await pointsTo('name', 'near.outside.test');
  await outsideNames(plane, { 'far.outside.test': ['10.20.55.2'] });
  await pointsTo('name', 'far.outside.test');
  await outsideNames(plane, both);
  await pointsTo('name', 'near.outside.test');
});
