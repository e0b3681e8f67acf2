import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import { groupKey } from '../../../src/core/publish/slice-bodies.ts';
import { planSlices, type SliceContext, type SliceGroup } from '../../../src/core/publish/slices.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import { aSlice, namespace } from '../../support/builders/builders.ts';

const ports: readonly EndpointPort[] = [{ name: '', port: 5432, protocol: 'TCP' }];
const context: SliceContext = {
  backend: { namespace, name: 'orders-db', uid: 'u1' },
  service: 'orders-db',
  headless: false,
  maxEndpoints: 3,
};

const endpoint = (n: number, ready = true): Endpoint => ({
  addresses: [`10.0.${n >> 8}.${n & 255}`],
  conditions: { ready, serving: ready, terminating: false },
});

const group = (endpoints: readonly Endpoint[], over: Partial<SliceGroup> = {}): SliceGroup => ({
  family: 'IPv4',
  ports,
  endpoints,
  ...over,
});

const range = (count: number) => Array.from({ length: count }, (_, i) => endpoint(i));

/** A cluster in which plans are applied. */
class Slices {
  readonly cluster = new FakeCluster();

  get all(): readonly EndpointSlice[] {
    return this.cluster.slices(namespace, 'orders-db');
  }

  plan(groups: readonly SliceGroup[], over: Partial<SliceContext> = {}) {
    const { writes, leaving } = planSlices(groups, this.all, { ...context, ...over });
    return [...writes, ...leaving([])].map(({ action }) => action);
  }

  async apply(groups: readonly SliceGroup[], over: Partial<SliceContext> = {}): Promise<number> {
    const actions = this.plan(groups, over);
    for (const action of actions) await this.cluster.perform(action);
    return actions.length;
  }

  get addresses(): readonly string[] {
    return this.all.flatMap((slice) => (slice.endpoints ?? []).flatMap((e) => e.addresses)).toSorted();
  }
}

/** Desired addresses at one moment: a set of numbers with their readiness. */
const wanted = fc
  .uniqueArray(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 30, selector: ([n]) => n })
  .map((pairs) => pairs.map(([n, ready]) => endpoint(n, ready)));

const texts = (endpoints: readonly Endpoint[]) => endpoints.flatMap((e) => e.addresses).toSorted();

describe('planSlices', () => {
  it('writes every address once and no slice above its limit, whatever existed before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(wanted, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 7 }),
        async (moments, maxEndpoints) => {
          const slices = new Slices();
          for (const endpoints of moments) {
            await slices.apply([group(endpoints)], { maxEndpoints });
            expect(slices.plan([group(endpoints)], { maxEndpoints })).toEqual([]);
            expect(slices.plan([group(endpoints.toReversed())], { maxEndpoints })).toEqual([]);
            expect(slices.addresses).toEqual(texts(endpoints));
            for (const slice of slices.all)
              expect((slice.endpoints ?? []).length).toBeLessThanOrEqual(maxEndpoints);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('changes one slice when one address is removed or changes its health', async () => {
    await fc.assert(
      fc.asyncProperty(
        wanted.filter((all) => all.length > 0),
        fc.nat(),
        fc.boolean(),
        async (endpoints, n, flips) => {
          const slices = new Slices();
          await slices.apply([group(endpoints)]);
          const i = n % endpoints.length;
          const old = endpoints[i] as Endpoint;
          const ready = old.conditions?.ready !== true;
          const flipped = { ...old, conditions: { ready, serving: ready, terminating: false } };
          const next = flips ? endpoints.with(i, flipped) : endpoints.toSpliced(i, 1);
          expect(slices.plan([group(next)])).toHaveLength(1);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('always publishes an address that stays, also when the limit is lowered', async () => {
    await fc.assert(
      fc.asyncProperty(
        wanted,
        wanted,
        fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
        async (before, after, [was, is]) => {
          const slices = new Slices();
          await slices.apply([group(before)], { maxEndpoints: was });
          const stay = texts(before).filter((ip) => texts(after).includes(ip));
          slices.cluster.onWrite = () => expect(slices.addresses).toEqual(expect.arrayContaining(stay));
          await slices.apply([group(after)], { maxEndpoints: is });
          expect(slices.addresses).toEqual(texts(after).toSorted());
        },
      ),
      { numRuns: 100 },
    );
  });

  it('distributes 1,500 addresses over 15 slices of 100, and removes one from one of them', async () => {
    const slices = new Slices();
    const max = { maxEndpoints: 100 };
    expect(await slices.apply([group(range(1500))], max)).toBe(15);
    expect(slices.addresses).toHaveLength(1500);
    expect(slices.plan([group(range(1500).toSpliced(700, 1))], max)).toHaveLength(1);
  });

  it('writes separate slices for other ports and for the other family', async () => {
    const slices = new Slices();
    const metrics: readonly EndpointPort[] = [{ name: 'metrics', port: 9187, protocol: 'TCP' }];
    const six: Endpoint = { addresses: ['fd00::1'], conditions: { ready: true } };
    const groups = [group(range(5)), group(range(5), { ports: metrics }), group([six], { family: 'IPv6' })];
    await slices.apply(groups);
    const contents = slices.all.map(({ addressType, ports: held, endpoints }) => ({
      key: groupKey(addressType, held ?? []),
      count: endpoints?.length,
    }));
    expect(contents).toEqual([
      { key: groupKey('IPv4', ports), count: 3 },
      { key: groupKey('IPv4', ports), count: 2 },
      { key: groupKey('IPv4', metrics), count: 3 },
      { key: groupKey('IPv4', metrics), count: 2 },
      { key: groupKey('IPv6', ports), count: 1 },
    ]);
    expect(slices.plan(groups)).toEqual([]);
    expect(await slices.apply(groups.slice(1))).toBe(2);
  });

  it('creates the slices of a renamed port before it removes the old ones', async () => {
    const slices = new Slices();
    await slices.apply([group(range(2))]);
    const plan = slices.plan([group(range(2), { ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }] })]);
    expect(plan.map(({ op }) => op)).toEqual(['create', 'delete']);
  });

  it('replaces the only address of a slice in one write', async () => {
    const slices = new Slices();
    await slices.apply([group([endpoint(1)])]);
    expect(slices.plan([group([endpoint(2)])]).map(({ op }) => op)).toEqual(['update']);
  });

  it('never shows an old and a new server together in an exclusive Service', async () => {
    const moment = fc.array(fc.record({ n: fc.nat(3), port: fc.constantFrom(5432, 6432) }), { maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { minLength: 2, maxLength: 5 }), async (moments) => {
        const slices = new Slices();
        for (const each of moments) {
          const groups = [...Map.groupBy(each, ({ port }) => port)].map(([port, list]) =>
            group(
              [...new Set(list.map(({ n }) => n))].map((n) => endpoint(n)),
              {
                ports: [{ name: '', port, protocol: 'TCP' }],
              },
            ),
          );
          const [before, after] = [slices.addresses, groups.flatMap(({ endpoints }) => texts(endpoints))];
          slices.cluster.onWrite = () => {
            const isOld = slices.addresses.some((address) => !after.includes(address));
            const isNew = slices.addresses.some((address) => !before.includes(address));
            expect(isOld && isNew).toBe(false);
            const stays = before.filter((address) => after.includes(address));
            expect(slices.addresses).toEqual(expect.arrayContaining(stays));
          };
          await slices.apply(groups, { exclusive: true });
          await slices.apply(groups, { exclusive: true });
          expect(slices.plan(groups, { exclusive: true })).toEqual([]);
          expect([...new Set(slices.addresses)]).toEqual([...new Set(after)].toSorted());
        }
      }),
      { numRuns: 200 },
    );
  });

  it('publishes an address that is in two slices once', async () => {
    const slices = new Slices();
    await slices.apply([group(range(2))]);
    const copy = slices.all[0] as EndpointSlice;
    slices.cluster.put({ ...copy, metadata: { ...copy.metadata, name: 'zzz', uid: 'other' } });
    await slices.apply([group(range(2))]);
    expect(slices.addresses).toEqual(texts(range(2)));
  });

  it.each([
    ['a zone that the spec does not have', { endpoints: [{ ...endpoint(0), zone: 'z' }] }],
    ['a condition is flipped', { endpoints: [endpoint(0, false)] }],
    ['a condition is removed (nil means ready)', { endpoints: [{ addresses: ['10.0.0.0'] }] }],
    ['a label is removed', { metadata: { labels: { 'kubernetes.io/service-name': 'orders-db' } } }],
    ['the owner is removed', { metadata: { ownerReferences: [] } }],
  ])('repairs: %s', async (_, edit) => {
    const slices = new Slices();
    await slices.apply([group([endpoint(0)])]);
    const slice = slices.all[0] as EndpointSlice;
    const { metadata, ...others } = edit as Partial<EndpointSlice>;
    slices.cluster.put({ ...slice, ...others, metadata: { ...slice.metadata, ...metadata } });
    expect(await slices.apply([group([endpoint(0)])])).toBe(1);
    expect(slices.plan([group([endpoint(0)])])).toEqual([]);
  });

  it('keeps the fields of an endpoint that other clients write, also in its own writes', async () => {
    const slices = new Slices();
    await slices.apply([group(range(2))]);
    const slice = slices.all[0] as EndpointSlice;
    const theirs = {
      hints: { forZones: [{ name: 'z1' }] },
      nodeName: 'n1',
      targetRef: { kind: 'Pod', name: 'p' },
    };
    const endpoints = (slice.endpoints ?? []).map((each, i) => (i === 0 ? { ...each, ...theirs } : each));
    slices.cluster.put({ ...slice, endpoints } as EndpointSlice);
    expect(slices.plan([group(range(2))])).toEqual([]);
    await slices.apply([group([endpoint(0, false), endpoint(1), endpoint(2)])]);
    const [first, ...others] = slices.all[0]?.endpoints ?? [];
    expect(first).toEqual({ ...theirs, ...endpoint(0, false) });
    expect(others).toEqual([endpoint(1), endpoint(2)]);
  });

  it('keeps the name of another tool in app.kubernetes.io/managed-by', async () => {
    const slices = new Slices();
    await slices.apply([group(range(1))]);
    const slice = slices.all[0] as EndpointSlice;
    const labels = { ...slice.metadata.labels, 'app.kubernetes.io/managed-by': 'Helm' };
    slices.cluster.put({ ...slice, metadata: { ...slice.metadata, labels } });
    expect(slices.plan([group(range(1))])).toEqual([]);
    await slices.apply([group(range(2))]);
    expect(slices.all[0]?.metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'Helm' });
  });

  it('keeps labels and annotations of other clients', async () => {
    const slices = new Slices();
    await slices.apply([group(range(1))]);
    const slice = slices.all[0] as EndpointSlice;
    const labels = { ...slice.metadata.labels, team: 'shop' };
    slices.cluster.put({ ...slice, metadata: { ...slice.metadata, labels, annotations: { note: 'x' } } });
    expect(slices.plan([group(range(1))])).toEqual([]);
    await slices.apply([group(range(2))]);
    expect(slices.all[0]?.metadata).toMatchObject({ labels: { team: 'shop' }, annotations: { note: 'x' } });
  });

  it('chooses another slice name when a foreign slice has the first one', async () => {
    const slices = new Slices();
    await slices.apply([group(range(1))]);
    const { name } = (slices.all[0] as EndpointSlice).metadata;
    const { writes } = planSlices([group(range(1))], [], { ...context, taken: [name] });
    expect(writes).toHaveLength(1);
    expect(writes[0]?.action).not.toMatchObject({ object: { metadata: { name } } });
  });

  it('accepts null as an empty list of endpoints', () => {
    const empty = { ...aSlice([], 'external-backend-operator'), endpoints: null };
    const { writes, leaving } = planSlices([], [empty], context);
    expect([writes, leaving([])]).toMatchObject([[], [{ action: { op: 'delete' } }]]);
  });
});

describe('the names annotation of a slice', () => {
  const key = 'externalbackend.io/names';
  const names = (...pairs: readonly (readonly [number, string])[]) =>
    new Map(pairs.map(([n, name]) => [endpoint(n).addresses[0] ?? '', [name]]));
  const texts = (slices: Slices) => slices.all.map(({ metadata }) => metadata.annotations?.[key]);

  it('is written, changed, and removed with the last address that has a name', async () => {
    const slices = new Slices();
    const a = [0, 'a.example.com'] as const;
    await slices.apply([group(range(2), { names: names(a) })]);
    expect(texts(slices)).toEqual(['{"a.example.com":["10.0.0.0"]}']);
    expect(slices.plan([group(range(2), { names: names(a) })])).toEqual([]);
    expect(await slices.apply([group(range(2), { names: names([0, 'b.example.com'], [1, 'a.']) })])).toBe(1);
    expect(texts(slices)).toEqual(['{"a.":["10.0.0.1"],"b.example.com":["10.0.0.0"]}']);
    expect(await slices.apply([group(range(2))])).toBe(1);
    expect(slices.all[0]?.metadata).not.toHaveProperty('annotations');
    expect(slices.plan([group(range(2))])).toEqual([]);
  });

  it('is only on the slice that contains the address', async () => {
    const slices = new Slices();
    const all = names([0, 'a.'], [4, 'b.']);
    await slices.apply([group(range(5), { names: all })]);
    expect(texts(slices)).toEqual(['{"a.":["10.0.0.0"]}', '{"b.":["10.0.0.4"]}']);
    expect(slices.plan([group(range(5), { names: all })])).toEqual([]);
  });

  it.each([
    ['other names', '{"x.":["10.0.0.0"]}'],
    ['no JSON', '{'],
    ['nothing', undefined],
  ])('is repaired when another client wrote %s', async (_, text) => {
    const slices = new Slices();
    const wanted = group(range(1), { names: names([0, 'a.']) });
    await slices.apply([wanted]);
    const slice = slices.all[0] as EndpointSlice;
    const annotations = { note: 'x', ...(text !== undefined && { [key]: text }) };
    slices.cluster.put({ ...slice, metadata: { ...slice.metadata, annotations } });
    expect(await slices.apply([wanted])).toBe(1);
    expect(slices.all[0]?.metadata.annotations).toEqual({ note: 'x', [key]: '{"a.":["10.0.0.0"]}' });
    await slices.apply([group(range(1))]);
    expect(slices.all[0]?.metadata.annotations).toEqual({ note: 'x' });
  });
});

describe('zone hints', () => {
  const zoned = (n: number, zone: string, ready = true): Endpoint => ({
    ...endpoint(n, ready),
    zone,
    ...(ready && { hints: { forZones: [{ name: zone }] } }),
  });
  const hinted = { hinted: true };
  const mark = 'externalbackend.io/hints';
  const marks = (slices: Slices) => slices.all.map(({ metadata }) => metadata.annotations?.[mark]);
  const hintsIn = (slices: Slices) =>
    slices.all.flatMap((slice) => (slice.endpoints ?? []).map(({ hints }) => hints));
  /** Sets these hints on each endpoint, as another client. */
  const edit = (slices: Slices, hints: Endpoint['hints']) => {
    for (const slice of slices.all)
      slices.cluster.put({
        ...slice,
        endpoints: (slice.endpoints ?? []).map(({ hints: _, ...each }) => ({
          ...each,
          ...(hints && { hints }),
        })),
      } as EndpointSlice);
  };

  it('are written, and removed with the distribution', async () => {
    const slices = new Slices();
    const wanted = [group([zoned(0, 'a'), zoned(1, 'b'), zoned(2, 'b', false)])];
    await slices.apply(wanted, hinted);
    expect(hintsIn(slices)).toEqual([
      { forZones: [{ name: 'a' }] },
      { forZones: [{ name: 'b' }] },
      undefined,
    ]);
    expect(slices.plan(wanted, hinted)).toEqual([]);
    const bare = [group([endpoint(0), endpoint(1), endpoint(2, false)])];
    expect(await slices.apply(bare)).toBe(1);
    expect(hintsIn(slices)).toEqual([undefined, undefined, undefined]);
    expect(marks(slices)).toEqual([undefined]);
    expect(slices.plan(bare)).toEqual([]);
  });

  it('are removed with the distribution also when the slice loses an address', async () => {
    const slices = new Slices();
    await slices.apply([group([zoned(0, 'a'), zoned(1, 'b')])], hinted);
    await slices.apply([group([endpoint(0)])]);
    expect(hintsIn(slices)).toEqual([undefined]);
  });

  it.each<readonly [string, Endpoint['hints']]>([
    ['other hints', { forZones: [{ name: 'x' }] }],
    ['further zones', { forZones: [{ name: 'a' }, { name: 'b' }] }],
    ['hints for nodes', { forZones: [{ name: 'a' }], forNodes: [{ name: 'n1' }] }],
    ['none', undefined],
  ])('are repaired when the Service has a distribution and another client writes %s', async (_, theirs) => {
    const slices = new Slices();
    const wanted = [group([zoned(0, 'a'), endpoint(1)])];
    await slices.apply(wanted, hinted);
    edit(slices, theirs);
    expect(await slices.apply(wanted, hinted)).toBe(1);
    expect(hintsIn(slices)).toEqual([{ forZones: [{ name: 'a' }] }, undefined]);
    expect(slices.plan(wanted, hinted)).toEqual([]);
  });

  it('of another client remain while the Service has no distribution, and while the address is not ready', async () => {
    const theirs = { forZones: [{ name: 'x' }] };
    const slices = new Slices();
    await slices.apply([group(range(2))]);
    edit(slices, theirs);
    expect(slices.plan([group(range(2))])).toEqual([]);
    await slices.apply([group([endpoint(0), endpoint(1, false)])]);
    expect(hintsIn(slices)).toEqual([theirs, theirs]);
    const sick = [group([endpoint(0, false), zoned(1, 'b', false)])];
    await slices.apply(sick, hinted);
    edit(slices, theirs);
    expect(slices.plan(sick, hinted)).toEqual([]);
  });

  it('are the same after any history as in new slices', async () => {
    const zones = fc.constantFrom(undefined, 'a', 'b');
    const moment = fc.record({
      hinted: fc.boolean(),
      endpoints: fc.uniqueArray(fc.tuple(fc.nat(8), fc.boolean(), zones), {
        selector: ([n]) => n,
        maxLength: 6,
      }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { minLength: 1, maxLength: 6 }), async (moments) => {
        const slices = new Slices();
        for (const { hinted: is, endpoints } of moments) {
          const wanted = endpoints.map(([n, ready, zone]): Endpoint => {
            const bare = { ...endpoint(n, ready), ...(zone !== undefined && { zone }) };
            return is && zone !== undefined ? zoned(n, zone, ready) : bare;
          });
          await slices.apply([group(wanted)], { hinted: is });
          expect(slices.plan([group(wanted)], { hinted: is })).toEqual([]);
          const found = slices.all.flatMap((slice) => slice.endpoints ?? []);
          expect(found.toSorted((a, b) => (texts([a]) < texts([b]) ? -1 : 1))).toEqual(
            wanted.toSorted((a, b) => (texts([a]) < texts([b]) ? -1 : 1)),
          );
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('while the Service is refused, an address in the slice from which it moves', () => {
  const left = (is: boolean, wanted: boolean, port: number) => {
    const slice = { ...aSlice([], 'external-backend-operator'), endpoints: [endpoint(1, is)], ports };
    const named: readonly EndpointPort[] = [{ name: 'pg', port, protocol: 'TCP' }];
    const plan = planSlices([group([endpoint(1, wanted)], { ports: named })], [slice], context);
    const [last] = plan.leaving([]);
    const instead = last?.instead;
    return instead?.op === 'update' && instead.object.kind === 'EndpointSlice'
      ? instead.object.endpoints?.[0]?.conditions?.ready
      : 'stays';
  };
  it.each([
    ['with another port name follows its probe to not ready', true, false, 5432, false],
    ['with another port name follows its probe to ready', false, true, 5432, true],
    ['with another port number follows its probe to not ready', true, false, 6432, false],
    ['with another port number does not become ready', false, true, 6432, false],
  ])('%s', (_, is, wanted, port, ready) => {
    const found = left(is, wanted, port);
    expect(found === 'stays' ? is : found).toBe(ready);
  });
});
