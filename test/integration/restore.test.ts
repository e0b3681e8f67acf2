import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { ApiError } from '../controlplane/api.ts';
import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import type { Kind, Kinds, Manifest } from '../controlplane/kinds.ts';
import { plain } from '../support/builders/backends.ts';
import type { Published } from '../support/cluster/published.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'restore' });
});

afterAll(() => world.close());

const ips = ['10.20.37.1', '10.20.37.2'];
const spec = plain(ips);
const kinds = ['ExternalBackend', 'Service', 'EndpointSlice', 'Endpoints'] as const;

type Backup = readonly Manifest[];

/** Fields that Velero leaves out of a Service, because the API server gives them. */
const given = { clusterIP: undefined, clusterIPs: undefined };

/** An object as Velero restores it: without status, uid and version, and with the owner references of its last life. */
function restorable(object: Kinds[(typeof kinds)[number]]): Manifest {
  const { name, namespace, labels, annotations, ownerReferences } = object.metadata;
  const kept = { name, namespace, labels, annotations, ownerReferences };
  const bare = { ...object, kind: object.kind as Kind, status: undefined } as unknown as Manifest;
  const service = object.kind === 'Service' && { spec: { ...(bare['spec'] as object), ...given } };
  return { ...bare, ...service, metadata: JSON.parse(JSON.stringify(kept)) as Manifest['metadata'] };
}

async function backup(name: string): Promise<Backup> {
  const objects = await Promise.all(kinds.map((kind) => world.admin.list(kind, world.ns)));
  return objects
    .flat()
    .filter(({ metadata }) => metadata.name === name || metadata.name.startsWith(`${name}-ipv`))
    .map(restorable);
}

async function uids(name: string): Promise<readonly string[]> {
  const [service, endpoints, slices] = await Promise.all([
    world.admin.get('Service', name, world.ns),
    world.admin.get('Endpoints', name, world.ns),
    world.admin.list('EndpointSlice', world.ns, { labelSelector: `kubernetes.io/service-name=${name}` }),
  ]);
  return [service, endpoints, ...slices].map(({ metadata }) => metadata.uid);
}

/** Deletes the backend and all that it owns, because the garbage collector takes half a minute to learn of a new CRD. */
async function lose(name: string): Promise<void> {
  const deleteAll = async (): Promise<number> => {
    const left = await backup(name);
    const ends = left.map(({ kind, metadata }) => world.admin.delete(kind, metadata.name ?? '', world.ns));
    await Promise.allSettled(ends);
    return left.length;
  };
  await eventually(deleteAll, (left) => left === 0);
}

const ofKind = (saved: Backup, ...wanted: readonly Kind[]): Backup =>
  wanted.flatMap((kind) => saved.filter((object) => object.kind === kind));

/** Creates what is not there, and leaves alone what is, as Velero does. */
async function restore(saved: Backup): Promise<void> {
  for (const object of saved)
    await world.admin.create(object).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    });
}

const withoutOwner = ({ metadata, ...object }: Manifest): Manifest => ({
  ...object,
  metadata: { ...metadata, ownerReferences: undefined },
});

/** As it was published, with the uid of the present life. */
async function isAsBefore(name: string, before: Published, uid: string): Promise<void> {
  const { metadata } = await world.ready(name);
  expect(metadata.uid).not.toBe(uid);
  await world.becomes(name, JSON.parse(JSON.stringify(before).replaceAll(uid, metadata.uid)) as Published);
}

describe('a backend that is restored from a backup takes its objects back', () => {
  it.each<readonly [string, string, readonly Kind[]]>([
    ['itself first', 'first', ['ExternalBackend', 'Service', 'EndpointSlice', 'Endpoints']],
    ['in the order of their names', 'order', ['Endpoints', 'EndpointSlice', 'ExternalBackend', 'Service']],
    ['itself last', 'last', ['Endpoints', 'EndpointSlice', 'Service', 'ExternalBackend']],
  ])(
    'that have the uid of its last life as owner, %s; it deletes no Service and no Endpoints',
    async (_, name, order) => {
      const { metadata } = await world.publish(name, spec);
      const [before, saved] = [await world.published(name), await backup(name)];
      await lose(name);
      const written = (await world.writes()).length;
      await restore(ofKind(saved, ...order));
      await isAsBefore(name, before, metadata.uid);
      const deleted = (await world.writes(written)).filter(({ verb }) => verb === 'delete');
      // Of two slices with the same addresses, the restored one and one that it made a moment before, it keeps one.
      expect(deleted.filter(({ resource }) => resource !== 'endpointslices')).toEqual([]);
    },
  );

  it('that have no owner, with none of their addresses missing at any moment, and makes no second set', async () => {
    const { metadata } = await world.publish('bare', spec);
    const [before, saved] = [await world.published('bare'), await backup('bare')];
    await lose('bare');
    const from = world.slices.history.length;
    await restore(ofKind(saved, 'Endpoints', 'EndpointSlice', 'Service').map(withoutOwner));
    const restored = await uids('bare');
    await restore(ofKind(saved, 'ExternalBackend'));
    await isAsBefore('bare', before, metadata.uid);
    expect(everMissing(world.slices.history.slice(from), 'bare', ips)).toEqual([]);
    expect(await uids('bare')).toEqual(restored);
  });
});

it('a Service that a cloud controller holds stays published until it lets go, and is created again then', async () => {
  const finalizers = ['service.kubernetes.io/load-balancer-cleanup'];
  await world.publish('held', plain(ips, { services: [{ name: 'held', type: 'LoadBalancer' }] }));
  await world.admin.patch('Service', 'held', world.ns, { metadata: { finalizers } });
  const { metadata } = await world.admin.get('Service', 'held', world.ns);
  await world.apply('held', plain(ips, { services: [{ name: 'held', headless: true }] }));
  await world.ready('held', 'False', 'Terminating');
  expect((await world.admin.get('Service', 'held', world.ns)).metadata.uid).toBe(metadata.uid);
  await world.admin.patch('Service', 'held', world.ns, { metadata: { finalizers: null } });
  await world.ready('held');
  const service = await world.admin.get('Service', 'held', world.ns);
  expect([service.metadata.uid === metadata.uid, service.spec.clusterIP]).toEqual([false, 'None']);
  expect(everMissing(world.slices.history, 'held', ips)).toEqual([]);
});
