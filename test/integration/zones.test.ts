import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { isAtLeast } from '../controlplane/kubernetes-version.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { startMutatingWebhook } from '../support/cluster/mutating-webhook.ts';
import type { PatchOperation, Reviewed } from '../support/cluster/mutating-webhook.ts';
import { brief, conditionOf, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

const [one, two] = ['10.20.58.1', '10.20.58.2'];
const targets = [
  { host: one, zone: 'a' },
  { host: two, zone: 'b' },
];
const zoned = (name: string, trafficDistribution?: string) => ({
  ...probed([one, two]),
  targets,
  services: [{ name, ...(trafficDistribution !== undefined && { trafficDistribution }) }],
});

/** A value of the newest version that this server accepts. */
const newest = isAtLeast('1.34') ? 'PreferSameNode' : 'PreferClose';

let servers: readonly Target[];

beforeAll(async () => {
  servers = await Promise.all([one, two].map((address) => startTarget({ address, port: 5432 })));
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

/** `<ip> <zone of its hint>` of the endpoints of a Service. */
async function hints(world: World, service: string): Promise<readonly string[]> {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const slices = await world.admin.list('EndpointSlice', world.ns, { labelSelector });
  return slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).map(({ addresses, hints: { forZones = [] } = {} }) =>
      [...addresses, ...forZones.map(({ name }) => name)].join(' '),
    ),
  );
}

const sliceVersions = async (world: World): Promise<readonly string[]> =>
  (await world.admin.list('EndpointSlice', world.ns)).map(({ metadata }) => metadata.resourceVersion);

const hinted = (world: World, service: string, wanted: readonly string[]) =>
  eventually(
    () => hints(world, service),
    (now) => now.join() === wanted.join(),
  );

/** What a webhook does to slices: every endpoint is for the clients of one zone. */
const everywhere = ({ endpoints }: Reviewed): readonly PatchOperation[] =>
  ((endpoints ?? []) as readonly object[]).map((_, i) => ({
    op: 'add',
    path: `/endpoints/${i}/hints`,
    value: { forZones: [{ name: 'everywhere' }] },
  }));

describe('zones', () => {
  let world: World;

  beforeAll(async () => {
    world = await openWorld(controlPlane(), { prefix: 'zones' });
  });

  afterAll(() => world.close());

  /** A slice that no backend has, which a webhook changes once it is in force. */
  const sample = async (): Promise<object> =>
    world.admin.apply(
      {
        ...{ kind: 'EndpointSlice', metadata: { name: 'sample', namespace: world.ns } },
        ...{ addressType: 'IPv4', endpoints: [{ addresses: ['10.20.58.9'] }], ports: [] },
      },
      `try-${performance.now()}`,
    );

  it('are hints of ready addresses; they leave with the address, with the distribution, and return', async () => {
    await world.publish('db', zoned('db', newest));
    await world.serves('db', [one, two]);
    await hinted(world, 'db', [`${one} a`, `${two} b`]);
    expect((await world.admin.get('Service', 'db', world.ns)).spec.trafficDistribution).toBe(newest);
    await servers[0]?.refuse();
    await hinted(world, 'db', [one, `${two} b`]);
    await world.publish('db', zoned('db'));
    await hinted(world, 'db', [one, two]);
    expect((await world.admin.get('Service', 'db', world.ns)).spec).not.toHaveProperty('trafficDistribution');
    await world.publish('db', zoned('db', 'PreferClose'));
    await servers[0]?.listen();
    await hinted(world, 'db', [`${one} a`, `${two} b`]);
  });

  it('of a mutating webhook stay where the Service has no distribution, and lead to no loop where it has one', async () => {
    await world.publish('theirs', zoned('theirs'));
    await world.publish('ours', zoned('ours', 'PreferClose'));
    for (const name of ['theirs', 'ours']) await world.serves(name, [one, two]);
    const webhook = {
      namespace: world.ns,
      resources: ['discovery.k8s.io/endpointslices'],
      patch: everywhere,
    };
    const end = await startMutatingWebhook(world.admin, webhook);
    await eventually(sample, (slice) => JSON.stringify(slice).includes('everywhere'));
    await servers[1]?.refuse();
    for (const name of ['theirs', 'ours']) await world.serves(name, [one]);
    await hinted(world, 'theirs', [`${one} everywhere`, `${two} everywhere`]);
    for (const name of ['theirs', 'ours'])
      await world.backends.until((now) => now.get(name)?.status?.summary === '1/2');
    const before = (await world.writes()).length;
    const versions = await sliceVersions(world);
    const probes = servers[0]?.accepted() ?? 0;
    await eventually(
      () => servers[0]?.accepted() ?? 0,
      (now) => now >= probes + 6,
    );
    expect(await sliceVersions(world)).toEqual(versions);
    expect((await world.writes(before)).map(brief)).toEqual([]);
    await world.ready('ours', 'False', 'Altered');
    await end();
    await world.admin.delete('EndpointSlice', 'sample', world.ns);
    await servers[1]?.listen();
    await world.serves('ours', [one, two]);
    await hinted(world, 'ours', [`${one} a`, `${two} b`]);
  });
});

/** What makes a later API server one that accepts PreferClose alone, as Kubernetes 1.33 does. */
const old = isAtLeast('1.34')
  ? ['--emulated-version=1.34', '--feature-gates=PreferSameTrafficDistribution=false']
  : [];

describe('an API server that accepts PreferClose alone', () => {
  let plane: Plane;
  let world: World;

  beforeAll(async () => {
    plane = await startPlane({ address: '10.99.3.1', flags: old });
    world = await openWorld(plane.details, { prefix: 'old' });
  }, 60_000);

  afterAll(async () => {
    await world.operator().kill();
    for (const recorder of [world.slices, world.backends, world.events]) recorder.stop();
    await plane.stop();
  });

  it('refuses PreferSameZone: that is reported, the Service is published without it, and an upgrade heals it', async () => {
    await world.publish('close', zoned('close', 'PreferClose'));
    await world.apply('new', zoned('new', 'PreferSameZone'));
    await world.apply('close', zoned('close', 'PreferSameNode'));
    for (const name of ['new', 'close']) {
      const told = await world.ready(name, 'False', 'Invalid');
      expect(conditionOf(told, 'Ready')?.message).toContain('supported values: "PreferClose"');
      await world.serves(name, [one, two]);
      await hinted(world, name, [`${one} a`, `${two} b`]);
    }
    const { spec } = await world.admin.get('Service', 'new', world.ns);
    expect(spec.trafficDistribution).toBeUndefined();
    expect(spec.clusterIP).toMatch(/^10\.96\./);
    expect((await world.admin.get('Endpoints', 'new', world.ns)).subsets?.[0]?.addresses).toHaveLength(2);
    if (old.length === 0) return;
    await plane.stopApiServer();
    await plane.startApiServer();
    await servers[0]?.refuse();
    await world.ready('new');
    expect((await world.admin.get('Service', 'new', world.ns)).spec.trafficDistribution).toBe(
      'PreferSameZone',
    );
    await servers[0]?.listen();
  }, 60_000);
});
