import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlane } from '../controlplane/details.ts';
import { everMissing, readyAddresses } from '../controlplane/endpoints.ts';
import { hosts, plain, unprobed } from '../support/builders/backends.ts';
import { comparedAfresh } from '../support/cluster/afresh.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { Spec, World } from '../support/cluster/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'fields' });
});

afterAll(() => world.close());

const ips = ['10.20.31.1', '10.20.31.2'];
const service = (name: string) => world.admin.get('Service', name, world.ns);
const endpoints = (name: string) => world.admin.get('Endpoints', name, world.ns);
const slicesOf = (name: string) =>
  world.admin.list('EndpointSlice', world.ns, { labelSelector: `kubernetes.io/service-name=${name}` });
const one = (name: string, more: Spec = {}): Spec => ({ services: [{ name, ...more }] });

async function isAsMadeAfresh(name: string, spec: (service: string) => Spec): Promise<void> {
  const { is, should } = await comparedAfresh(world, name, spec);
  expect(is).toEqual(should);
}

it('writes slices per family, with the addresses in canonical form, and Endpoints with both', async () => {
  // Headless: a Service with an address of its own carries the families that the cluster has, and here that is IPv4.
  const services = [{ name: 'dual', headless: true }];
  await world.publish('dual', plain(['10.20.31.1', 'FD00:20:31:0::1'], { services }));
  const slices = await slicesOf('dual');
  expect(
    slices.map(({ addressType, endpoints: list }) => [addressType, list?.[0]?.addresses]).toSorted(),
  ).toEqual([
    ['IPv4', ['10.20.31.1']],
    ['IPv6', ['fd00:20:31::1']],
  ]);
  const addresses = (await endpoints('dual')).subsets?.flatMap((subset) => subset.addresses ?? []);
  expect(addresses?.map(({ ip }) => ip).toSorted()).toEqual(['10.20.31.1', 'fd00:20:31::1']);
});

it('writes a slice for each set of ports: those of a port with its own probe, those of a target with its own port', async () => {
  const ports = [
    { name: 'a', port: 1000 },
    { name: 'b', port: 2000, probe: unprobed },
  ];
  await world.publish('sets', plain(ips, { ports }));
  await world.publish('own', plain([], { targets: [{ host: ips[0], port: 7000 }, { host: ips[1] }] }));
  const sets = async (name: string) =>
    (await slicesOf(name))
      .map(({ ports: list, endpoints: all }) => `${list?.map(({ port }) => port).join()}: ${all?.length}`)
      .toSorted();
  expect(await sets('sets')).toEqual(['1000: 2', '2000: 2']);
  expect(await sets('own')).toEqual(['5432: 1', '7000: 1']);
  expect((await endpoints('own')).subsets).toHaveLength(2);
});

it('writes ready, serving and terminating of every endpoint, and keeps not-ready addresses', async () => {
  await world.publish('drained', plain([], { targets: [{ host: ips[0], drain: true }, { host: ips[1] }] }));
  const [slice] = await slicesOf('drained');
  expect(slice?.endpoints?.map(({ addresses, conditions }) => [...addresses, conditions])).toEqual([
    ['10.20.31.1', { ready: false, serving: false, terminating: false }],
    ['10.20.31.2', { ready: true, serving: true, terminating: false }],
  ]);
  const [subset] = (await endpoints('drained')).subsets ?? [];
  expect(subset).toMatchObject({ addresses: [{ ip: ips[1] }], notReadyAddresses: [{ ip: ips[0] }] });
});

it('publishes and marks not-ready addresses with publishNotReadyAddresses', async () => {
  const targets = [{ host: ips[0], drain: true }, { host: ips[1] }];
  await world.publish('always', plain([], { targets, ...one('always', { publishNotReadyAddresses: true }) }));
  const [slice] = await slicesOf('always');
  const published = { ready: true, serving: true, terminating: false };
  expect(slice?.endpoints?.map(({ conditions }) => conditions)).toEqual([published, published]);
  expect(slice?.metadata.annotations?.['externalbackend.io/published-not-ready']).toBe(ips[0]);
});

// Of the first 256 of the range, which the API server gives to nobody who does not ask for them.
it('takes a cluster IP that the spec sets', async () => {
  await world.publish('fixed', plain(ips, one('fixed', { clusterIP: '10.96.0.37' })));
  expect((await service('fixed')).spec.clusterIP).toBe('10.96.0.37');
  await world.publish('fixed', plain(ips, one('fixed', { clusterIP: '10.96.0.38' })));
  expect((await service('fixed')).spec.clusterIP).toBe('10.96.0.38');
  await world.publish('fixed', plain(ips, one('fixed')));
  expect((await service('fixed')).spec.clusterIP).toBe('10.96.0.38');
});

it('keeps node ports that the server allocated while other things of the Service change', async () => {
  await world.publish('np', plain(ips, one('np', { type: 'NodePort' })));
  const allocated = (await service('np')).spec.ports?.[0]?.nodePort;
  await world.publish(
    'np',
    plain(ips, {
      ports: [{ port: 5432, targetPort: 6432 }],
      ...one('np', { type: 'NodePort', labels: { a: 'b' } }),
    }),
  );
  expect((await service('np')).spec.ports?.[0]?.nodePort).toBe(allocated);
  await world.publish(
    'np',
    plain(ips, { ports: [{ port: 5432, nodePort: 30031 }], ...one('np', { type: 'NodePort' }) }),
  );
  expect((await service('np')).spec.ports?.[0]?.nodePort).toBe(30031);
});

it('sets a fixed node port on the only Service of type NodePort, and none on the others', async () => {
  const ports = [{ port: 5432, nodePort: 30_033 }];
  const services = [{ name: 'outer', type: 'NodePort' }, { name: 'inner' }, { name: 'bare', headless: true }];
  await world.publish('mixed-types', plain(ips, { ports, services }));
  expect((await service('outer')).spec.ports?.[0]?.nodePort).toBe(30_033);
  // The port moves on to another Service, and back.
  const moved = [{ name: 'outer' }, { name: 'inner', type: 'NodePort' }, { name: 'bare', headless: true }];
  await world.publish('mixed-types', plain(ips, { ports, services: moved }));
  expect((await service('inner')).spec.ports?.[0]?.nodePort).toBe(30_033);
  expect((await service('outer')).spec.ports?.[0]?.nodePort).toBeUndefined();
  await world.publish('mixed-types', plain(ips, { ports, services }));
  expect((await service('outer')).spec.ports?.[0]?.nodePort).toBe(30_033);
});

it('keeps slices in place while the Service is recreated as headless', async () => {
  await world.publish('again', plain(ips));
  const before = world.slices.history.length;
  await world.publish('again', plain(ips, one('again', { headless: true })));
  const gone = world.slices.history.slice(before).filter(({ type }) => type === 'DELETED');
  expect(gone.map(({ object }) => object.metadata.name)).toEqual([]);
});

it('deletes only a Service that was removed from services, with its slices and Endpoints', async () => {
  await world.publish('list', plain(ips, { services: [{ name: 'first' }, { name: 'second' }] }));
  await world.publish('list', plain(ips, { services: [{ name: 'second' }] }));
  const nothing = { service: undefined, slices: [], endpoints: undefined };
  await world.becomes('first', nothing);
  expect((await world.published('second')).slices).toHaveLength(1);
});

it('publishes a renamed Service under the new name before it deletes the old one', async () => {
  await world.publish('renamed', plain(ips, one('old')));
  await world.publish('renamed', plain(ips, one('new')));
  await world.becomes('old', { service: undefined, slices: [], endpoints: undefined });
  expect(readyAddresses(await slicesOf('new'), 'new')).toEqual(ips);
});

describe('a selector in the spec', () => {
  it('leaves Endpoints and pods to Kubernetes, in addition to our slices', async () => {
    await world.publish('mixed', plain(ips, one('mixed', { selector: { app: 'none-yet' } })));
    expect((await service('mixed')).spec.selector).toEqual({ app: 'none-yet' });
    const ours = (await slicesOf('mixed')).filter(
      ({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'ExternalBackend',
    );
    expect(readyAddresses(ours, 'mixed')).toEqual(ips);
    expect((await world.writes()).filter((w) => w.name === 'mixed' && w.resource === 'endpoints')).toEqual(
      [],
    );
  });

  it('is removed from the Service with the slices of Kubernetes when it is removed from the spec', async () => {
    await world.publish('unmixed', plain(ips, one('unmixed', { selector: { app: 'none-yet' } })));
    await world.publish('unmixed', plain(ips, one('unmixed')));
    await isAsMadeAfresh('unmixed', (name) => plain(ips, one(name)));
  });

  it('is removed with the slices of Kubernetes when the Service becomes an alias', async () => {
    await world.publish('aliased', plain(ips, one('aliased', { selector: { app: 'none-yet' } })));
    await world.slices.until((now) =>
      [...now.values()].some(
        ({ metadata }) =>
          metadata.labels?.['kubernetes.io/service-name'] === 'aliased' &&
          metadata.labels['endpointslice.kubernetes.io/managed-by'] !== 'external-backend-operator',
      ),
    );
    const alias = (name: string) => ({
      mode: 'ExternalName',
      targets: hosts('db.example.com'),
      services: [{ name }],
    });
    await world.publish('aliased', alias('aliased'));
    await isAsMadeAfresh('aliased', alias);
  });

  it('of another client is removed without fields of the spec that were added at the same time', async () => {
    await world.publish('kept', plain(ips));
    const { metadata } = await world.apply('kept', plain(ips, { suspend: true }));
    await world.backends.until((now) => {
      const { status } = now.get('kept') ?? {};
      return status?.observedGeneration === metadata.generation;
    });
    await world.admin.patch('Service', 'kept', world.ns, { spec: { selector: { app: 'theirs' } } });
    const fields = {
      sessionAffinity: 'ClientIP',
      externalIPs: ['198.51.100.9'],
      internalTrafficPolicy: 'Local',
    };
    await world.publish('kept', plain(ips, one('kept', fields)));
    expect((await service('kept')).spec).toMatchObject(fields);
    await world.publish('kept', plain(ips, one('kept')));
    await isAsMadeAfresh('kept', (name) => plain(ips, one(name)));
  });

  it('that is added later replaces our Endpoints by those of Kubernetes', async () => {
    await world.publish('later', plain(ips));
    await world.publish('later', plain(ips, one('later', { selector: { app: 'none-yet' } })));
    await world.slices.until((now) =>
      [...now.values()].some((slice) =>
        /controller/.test(slice.metadata.labels?.['endpointslice.kubernetes.io/managed-by'] ?? ''),
      ),
    );
    const of = (await world.admin.find('Endpoints', 'later', world.ns))?.metadata.ownerReferences ?? [];
    expect(of.map(({ kind }) => kind)).toEqual([]);
  });
});

it('Nothing of this namespace changes any more in the end', async () => {
  const before = (await world.writes()).length;
  await world.publish('last', plain(ips));
  expect((await world.writes(before)).filter(({ name }) => !name.startsWith('last')).map(brief)).toEqual([]);
});

describe('with --legacy-endpoints=false', () => {
  it('our Endpoints are deleted and nothing is mirrored, and they are written again without the flag', async () => {
    await world.publish('modern', plain(ips));
    const withEndpoints = await world.published('modern');
    await world.operator().stop();
    await world.start(['--legacy-endpoints=false']);
    await world.publish('bare-mixed', plain(ips, one('bare-mixed', { selector: { app: 'none-yet' } })));
    await eventually(
      () => world.admin.find('Endpoints', 'bare-mixed', world.ns),
      (found) => found !== undefined,
    );
    await world.publish('bare-mixed', plain(ips, one('bare-mixed')));
    await isAsMadeAfresh('bare-mixed', (name) => plain(ips, one(name)));
    await world.becomes('modern', { ...withEndpoints, endpoints: undefined });
    await world.publish('modern-too', plain(ips));
    expect((await world.published('modern-too')).endpoints).toBeUndefined();
    await world.operator().stop();
    await world.start();
    await world.becomes('modern', withEndpoints);
    expect(everMissing(world.slices.history, 'modern', ips)).toEqual([]);
  });
});
