import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EndpointSlice, Endpoints, Service } from '../../src/core/kubernetes/objects.ts';
import type { ObjectRef } from '../../src/core/kubernetes/action.ts';
import type { KubeClient } from '../../src/kube/client/client.ts';
import { KubeCache } from '../../src/kube/cache/cluster-cache.ts';
import { KubeWriter } from '../../src/kube/write/writer.ts';
import { systemClock, systemRandom } from '../../src/system-clock.ts';
import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { clientFor, failureOf, silent } from '../kube/support/connect.ts';
import { until } from '../support/eventually.ts';

describe('KubeWriter and KubeCache on a real API server', () => {
  let admin: Api;
  let client: KubeClient;
  let cache: KubeCache;
  let writer: KubeWriter;
  let space: string;
  let leading = true;
  let told: { kind: string; own: boolean; concerned: readonly string[] }[];

  beforeAll(() => {
    admin = api(controlPlane());
    client = clientFor(controlPlane());
  });
  afterAll(() => client.close());

  beforeEach(async () => {
    space = await namespace(controlPlane(), 'writer');
    leading = true;
    told = [];
    cache = new KubeCache({
      client,
      clock: systemClock,
      random: systemRandom,
      logger: silent,
      namespaces: [space],
      onChange: (kind, { isOwnWrite }, concerned) => told.push({ kind, own: isOwnWrite, concerned }),
    });
    writer = new KubeWriter({ client, cache: cache, mayWrite: () => leading });
    cache.start();
    await cache.synced;
  });
  afterEach(() => cache.stop());

  const slice = (name: string, ...addresses: string[]): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: space, labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
    })),
    ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
  });
  const theirs = (object: EndpointSlice) => admin.create({ ...object, metadata: { ...object.metadata } });
  const applied = (spec: Record<string, unknown>) =>
    ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'db', namespace: space }, spec }) as const;
  const refOf = (object: Service | EndpointSlice | Endpoints, more: Partial<ObjectRef> = {}): ObjectRef => ({
    kind: object.kind,
    namespace: space,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    ...more,
  });
  const held = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the view does not hold it');
    return value;
  };
  const heldSlice = () => held(cache.slices(space, 'db')[0]);
  const heldService = () => held(cache.service(space, 'db'));

  it('creates, updates and deletes a slice, and the view has each change at once', async () => {
    await writer.perform({ op: 'create', object: slice('db-1', '10.20.0.11') });
    expect(heldSlice().endpoints?.[0]?.addresses).toEqual(['10.20.0.11']);

    const changed = { ...heldSlice(), endpoints: slice('db-1', '10.20.0.12').endpoints };
    await writer.perform({ op: 'update', object: changed });
    expect(heldSlice().endpoints?.[0]?.addresses).toEqual(['10.20.0.12']);
    expect(await admin.get('EndpointSlice', 'db-1', space)).toMatchObject({ endpoints: changed.endpoints });

    await writer.perform({ op: 'delete', ref: refOf(heldSlice()) });
    expect(cache.slices(space, 'db')).toEqual([]);
    expect(await admin.find('EndpointSlice', 'db-1', space)).toBeUndefined();
  });

  it('gets a conflict for an object that another client changed, and reads it into the view', async () => {
    await writer.perform({ op: 'create', object: slice('db-1', '10.20.0.11') });
    const stale = heldSlice();
    await admin.patch('EndpointSlice', 'db-1', space, { metadata: { labels: { theirs: 'yes' } } });
    const failure = await failureOf(writer.perform({ op: 'update', object: stale }));
    expect(failure).toMatchObject({ kind: 'transient', reason: 'Conflict', status: 409 });
    expect(heldSlice().metadata.labels).toMatchObject({ theirs: 'yes' });
    await writer.perform({ op: 'update', object: heldSlice() });
  });

  it('gets a conflict for a name that exists, and reads its object into the view', async () => {
    await theirs(slice('db-1', '10.20.0.99'));
    const failure = await failureOf(writer.perform({ op: 'create', object: slice('db-1', '10.20.0.11') }));
    expect(failure).toMatchObject({ kind: 'transient', reason: 'AlreadyExists' });
    expect(heldSlice().endpoints?.[0]?.addresses).toEqual(['10.20.0.99']);
  });

  it('finds a Service that is not in the view yet, and none that does not exist', async () => {
    const absent = { op: 'absent', namespace: space, name: 'db' } as const;
    await writer.perform(absent);
    await cache.stop();
    const { metadata } = await admin.create({
      kind: 'Service',
      metadata: { name: 'db', namespace: space },
      spec: { ports: [{ port: 5432 }] },
    });
    expect(cache.service(space, 'db')).toBeUndefined();
    expect(await failureOf(writer.perform(absent))).toMatchObject({
      kind: 'transient',
      reason: 'AlreadyExists',
    });
    expect(heldService().metadata.uid).toBe(metadata.uid);
  });

  it('succeeds in deleting an object that is already deleted, and never deletes another one of its name', async () => {
    await writer.perform({ op: 'create', object: slice('db-1', '10.20.0.11') });
    const first = heldSlice();
    await admin.delete('EndpointSlice', 'db-1', space);
    await writer.perform({ op: 'delete', ref: refOf(first) });
    expect(cache.slices(space, 'db')).toEqual([]);

    const second = await theirs(slice('db-1', '10.20.0.12'));
    const failure = await failureOf(writer.perform({ op: 'delete', ref: refOf(first) }));
    expect(failure).toMatchObject({ kind: 'transient', reason: 'Conflict' });
    expect((await admin.get('EndpointSlice', 'db-1', space)).metadata.uid).toBe(second.metadata.uid);
    expect(heldSlice().metadata.uid).toBe(second.metadata.uid);
  });

  it('applies a Service next to other managers, and takes ports and selector from them on demand', async () => {
    await admin.create({
      kind: 'Service',
      metadata: { name: 'db', namespace: space, labels: { theirs: 'yes' } },
      spec: { selector: { app: 'db' }, ports: [{ name: 'old', port: 1 }] },
    });
    await writer.perform({ op: 'applyService', service: applied({ ports: [{ name: 'sql', port: 5432 }] }) });
    expect(heldService().metadata.labels).toMatchObject({ theirs: 'yes' });
    expect(
      heldService()
        .spec.ports?.map((port) => port.name)
        .toSorted(),
    ).toEqual(['old', 'sql']);

    const ref = refOf(heldService(), { resourceVersion: heldService().metadata.resourceVersion ?? '' });
    await writer.perform({
      op: 'setService',
      ref,
      spec: { ports: [{ name: 'sql', port: 5432 }], selector: null },
    });
    expect(heldService().spec.ports?.map((port) => port.name)).toEqual(['sql']);
    expect(heldService().spec.selector).toBeUndefined();
    const stale = await failureOf(writer.perform({ op: 'setService', ref, spec: { ports: [{ port: 9 }] } }));
    expect(stale).toMatchObject({ kind: 'transient', status: 409 });
  });

  it('deletes a Service and removes it from the view at once', async () => {
    await writer.perform({ op: 'applyService', service: applied({ ports: [{ port: 5432 }] }) });
    await writer.perform({ op: 'delete', ref: refOf(heldService()) });
    expect(cache.service(space, 'db')).toBeUndefined();
  });

  it('keeps a Service that a finalizer holds back', async () => {
    await writer.perform({ op: 'applyService', service: applied({ ports: [{ port: 5432 }] }) });
    await admin.patch('Service', 'db', space, { metadata: { finalizers: ['example.com/hold'] } });
    await writer.perform({ op: 'delete', ref: refOf(heldService()) });
    expect(heldService().metadata.deletionTimestamp).toBeDefined();
    await admin.patch('Service', 'db', space, { metadata: { finalizers: null } });
    await until('the watch tells of its end', () => cache.service(space, 'db') === undefined);
  });

  it('returns a refusal of the server as a terminal error', async () => {
    const wrong = applied({ ports: [{ port: 70_000 }] });
    const failure = await failureOf(writer.perform({ op: 'applyService', service: wrong }));
    expect(failure).toMatchObject({ kind: 'terminal', reason: 'Invalid', status: 422 });
    expect(failure.message).toMatch(/spec\.ports\[0\]\.port/);
  });

  it('writes nothing without leadership', async () => {
    leading = false;
    const failure = await failureOf(writer.perform({ op: 'create', object: slice('db-1', '10.20.0.11') }));
    expect(failure).toMatchObject({ kind: 'waiting', reason: 'NotLeader' });
    expect(await admin.find('EndpointSlice', 'db-1', space)).toBeUndefined();
  });

  it('deletes the objects that controllers left, and checks again', async () => {
    const left = (name: string, manager: string) => {
      const object = slice(name, '10.20.0.13');
      const labels = { ...object.metadata.labels, 'endpointslice.kubernetes.io/managed-by': manager };
      return admin.create({ ...object, metadata: { ...object.metadata, labels } });
    };
    await admin.create({
      kind: 'Service',
      metadata: { name: 'db', namespace: space },
      spec: { ports: [{ port: 1 }] },
    });
    await left('pods', 'endpointslice-controller.k8s.io');
    await left('mirror', 'endpointslicemirroring-controller.k8s.io');
    await left('theirs', 'example.com');
    const byController = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' };
    await admin.create({
      kind: 'Endpoints',
      metadata: { name: 'db', namespace: space, labels: byController },
    });
    const first = await failureOf(writer.perform({ op: 'sweep', namespace: space, name: 'db' }));
    expect(first).toMatchObject({ kind: 'waiting', reason: 'SweepingSlices' });
    await writer.perform({ op: 'sweep', namespace: space, name: 'db' });
    const rest = await admin.list('EndpointSlice', space);
    expect(rest.map((object) => object.metadata.name)).toEqual(['theirs']);
    expect(await admin.find('Endpoints', 'db', space)).toBeUndefined();
  });

  it('does not delete Endpoints of other owners', async () => {
    await admin.create({ kind: 'Endpoints', metadata: { name: 'db', namespace: space } });
    await writer.perform({ op: 'sweep', namespace: space, name: 'db' });
    expect(await admin.find('Endpoints', 'db', space)).toBeDefined();
  });

  it('replaces the status only of the resource with this uid', async () => {
    const created = await admin.create({
      kind: 'ExternalBackend',
      metadata: { name: 'db', namespace: space },
      spec: { targets: [{ host: '10.20.0.11' }], ports: [{ port: 5432 }] },
    });
    const ref: ObjectRef = {
      kind: 'ExternalBackend',
      namespace: space,
      name: 'db',
      uid: created.metadata.uid,
    };
    await writer.perform({ op: 'status', ref, status: { summary: '1/1', readyAddresses: 1 } });
    await writer.perform({ op: 'status', ref, status: { summary: '0/1' } });
    expect((await admin.get('ExternalBackend', 'db', space)).status).toEqual({ summary: '0/1' });
    expect(cache.backend(space, 'db')?.status).toEqual({ summary: '0/1' });

    const other = await failureOf(
      writer.perform({ op: 'status', ref: { ...ref, uid: 'another' }, status: { summary: 'x' } }),
    );
    expect(other).toMatchObject({ kind: 'transient', reason: 'Conflict' });
    await admin.delete('ExternalBackend', 'db', space);
    const gone = await failureOf(writer.perform({ op: 'status', ref, status: { summary: 'x' } }));
    expect(gone).toMatchObject({ kind: 'transient', reason: 'NotFound' });
  });

  it('reports a change for the owner of the object, and for all backends that want the Service', async () => {
    const want = (name: string) =>
      admin.create({
        kind: 'ExternalBackend',
        metadata: { name, namespace: space },
        spec: { targets: [{ host: '10.20.0.11' }], ports: [{ port: 1 }], services: [{ name: 'db' }] },
      });
    const owner = await want('first');
    await want('second');
    await until('both are known', () => [...cache.backends()].length === 2);
    const { apiVersion, kind, metadata } = owner;
    const reference = { apiVersion, kind, name: 'first', uid: metadata.uid, controller: true };
    const mine = slice('db-1', '10.20.0.11');
    const object = { ...mine, metadata: { ...mine.metadata, ownerReferences: [reference] } };

    told.length = 0;
    await writer.perform({ op: 'create', object });
    // The answer and the watch race; whoever is first tells, once. Only of the answer the owner need not hear.
    const [first] = told;
    expect(told).toEqual([
      {
        kind: 'EndpointSlice',
        own: first?.own,
        concerned: [...(first?.own === true ? [] : [`${space}/first`]), `${space}/second`],
      },
    ]);
    expect([...cache.ownedNames(space, 'first')]).toEqual(['db']);

    told.length = 0;
    await admin.delete('EndpointSlice', 'db-1', space);
    await until('the deletion is told', () => told.length > 0);
    expect(told).toEqual([
      { kind: 'EndpointSlice', own: false, concerned: [`${space}/first`, `${space}/second`] },
    ]);
    expect(cache.ownedNames(space, 'first').size).toBe(0);
  });

  it('does not cache the endpoints of pods', async () => {
    await admin.create({
      kind: 'Service',
      metadata: { name: 'pods', namespace: space },
      spec: { selector: { app: 'pods' }, ports: [{ port: 80 }] },
    });
    await until('the controllers did their work', async () => {
      const slices = await admin.list('EndpointSlice', space);
      return slices.length > 0 && (await admin.list('Endpoints', space)).length > 0;
    });
    await theirs(slice('last', '10.20.0.11'));
    await until('the watch has come so far', () => cache.slices(space, 'db').length === 1);
    expect(cache.slices(space, 'pods')).toEqual([]);
    expect(cache.endpoints(space, 'pods')).toBeUndefined();
    expect(cache.service(space, 'pods')).toBeDefined();
  });
});
