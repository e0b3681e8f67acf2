import { describe, expect, it } from '@jest/globals';
import type { EndpointSlice, KubeObject, Service } from '../../../src/core/kubernetes/objects.ts';
import { namespace, type SpecInput } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

type Alter = (object: KubeObject) => KubeObject;

const without =
  (field: keyof Service['spec']): Alter =>
  (object) => {
    if (object.kind !== 'Service') return object;
    const { [field]: _, ...spec } = (object as Service).spec;
    return { ...object, spec } as Service;
  };

const withoutZones: Alter = (object) => {
  if (object.kind !== 'EndpointSlice') return object;
  const slice = object as EndpointSlice;
  return { ...slice, endpoints: (slice.endpoints ?? []).map(({ zone: _, ...endpoint }) => endpoint) };
};

const withoutLabel =
  (kind: string, label: string): Alter =>
  (object) => {
    if (object.kind !== kind) return object;
    const { [label]: _, ...labels } = object.metadata.labels ?? {};
    return { ...object, metadata: { ...object.metadata, labels } };
  };

const closeBy = { services: [{ name: 'orders-db', trafficDistribution: 'PreferClose' as const }] };
const zoned = {
  targets: [
    { host: '10.20.0.11', zone: 'a' },
    { host: '10.20.0.12', zone: 'b' },
  ],
};

const pg = { name: 'pg', port: 5432 };

const ready = (world: ReconcileWorld) =>
  world.status().conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

/** Returns the writes of this number of runs. */
async function runs(world: ReconcileWorld, count: number): Promise<readonly string[]> {
  const all: string[] = [];
  for (let i = 0; i < count; i += 1) all.push(...(await world.run()).writes);
  return all;
}

describe('a write that the API server accepts and stores with other values', () => {
  it.each<readonly [string, Alter, SpecInput, string]>([
    [
      'a field of a Service',
      without('trafficDistribution'),
      closeBy,
      'Service orders-db: spec.trafficDistribution',
    ],
    [
      'a label of a Service',
      withoutLabel('Service', 'team'),
      { services: [{ name: 'orders-db', labels: { team: 'shop' } }] },
      'Service orders-db: metadata.labels[team]',
    ],
    ['zones of a slice', withoutZones, zoned, 'EndpointSlice orders-db'],
    [
      'a label of Endpoints',
      withoutLabel('Endpoints', 'endpointslice.kubernetes.io/skip-mirror'),
      {},
      'Endpoints orders-db: its content',
    ],
  ])('%s is reported, and not written again with each run', async (_, alter, spec, words) => {
    const world = new ReconcileWorld();
    world.cluster.alter = alter;
    await world.bringUp(spec);
    await runs(world, 2);
    expect(await runs(world, 20)).toEqual([]);
    expect(world.ready()).toBe('False Altered');
    expect(ready(world)).toContain(words);
    expect(world.published()).toEqual(['+10.20.0.11', '+10.20.0.12']);
  });

  it('is written again within a minute, and is stored once the webhook is removed', async () => {
    const world = new ReconcileWorld();
    world.cluster.alter = without('trafficDistribution');
    await world.bringUp(closeBy);
    const { outcome } = await world.run();
    expect(outcome).toMatchObject({ ok: true, requeueAfterMs: expect.any(Number) });
    world.cluster.alter = (object) => object;
    await world.clock.advance(60_000);
    await world.run();
    expect(world.cluster.service(namespace, 'orders-db')?.spec.trafficDistribution).toBe('PreferClose');
    expect(world.ready()).toBe('True Published');
  });

  it('does not prevent other changes of the spec, by another client, or of an address', async () => {
    const world = new ReconcileWorld();
    world.cluster.alter = without('trafficDistribution');
    await world.bringUp(closeBy);
    await runs(world, 3);
    world.cluster.patchService(namespace, 'orders-db', { spec: { sessionAffinity: 'ClientIP' } }, 'kubectl');
    world.fail('10.20.0.11');
    await world.run();
    expect(world.cluster.service(namespace, 'orders-db')?.spec.ports?.[0]?.port).toBe(5432);
    expect(world.published()).toEqual(['+10.20.0.12', '-10.20.0.11']);
    world.store({ services: [{ name: 'orders-db', labels: { team: 'shop' } }] }, { generation: 2 });
    await world.run();
    expect(world.cluster.service(namespace, 'orders-db')?.metadata.labels).toMatchObject({ team: 'shop' });
    expect(world.ready()).toBe('True Published');
  });

  it.each([
    ['a port', { spec: { ports: [pg, { name: 'extra', port: 9999 }] } }],
    ['a selector', { spec: { selector: { app: 'x' } } }],
  ])(
    'is not %s that another client sets between two writes of a repair: it is removed at once',
    async (_, edit) => {
      const world = new ReconcileWorld();
      await world.bringUp({ ports: [pg] });
      const before = world.cluster.service(namespace, 'orders-db')?.spec;
      world.cluster.patchService(
        namespace,
        'orders-db',
        { spec: { ports: [{ name: 'x', port: 1 }] } },
        'kubectl',
      );
      world.cluster.onWrite = () => {
        world.cluster.onWrite = () => undefined;
        world.cluster.patchService(namespace, 'orders-db', edit, 'kubectl');
      };
      await world.run();
      expect(world.cluster.service(namespace, 'orders-db')?.spec).toEqual(before);
      expect(world.ready()).toBe('True Published');
      expect((await world.run()).writes).toEqual([]);
    },
  );

  it('is no problem when only labels are added', async () => {
    const world = new ReconcileWorld();
    world.cluster.alter = (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, seen: 'yes' } },
    });
    await world.bringUp(closeBy);
    await runs(world, 2);
    expect(await runs(world, 20)).toEqual([]);
    expect(world.ready()).toBe('True Published');
  });
});
