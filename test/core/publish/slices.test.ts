import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { groupKey } from '../../../src/core/publish/slice-bodies.ts';
import { planSlices } from '../../../src/core/publish/slices.ts';
import { aSlice } from '../../support/builders/builders.ts';
import { Slices, context, endpoint, group, ports, range, texts, wanted } from '../support/planned-slices.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../../src/core/kubernetes/objects.ts';

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

  it('makes an address ready before the last ready one of another slice is not', async () => {
    for (const [was, is] of [
      [1, 2],
      [2, 1],
    ]) {
      const slices = new Slices();
      const readyAt = (n: number | undefined) => [group([1, 2].map((each) => endpoint(each, each === n)))];
      await slices.apply(readyAt(was), { maxEndpoints: 1 });
      const open: boolean[] = [];
      slices.cluster.onWrite = () =>
        open.push(slices.all.some((slice) => slice.endpoints?.some(({ conditions }) => conditions?.ready)));
      await slices.apply(readyAt(is), { maxEndpoints: 1 });
      expect(open).toEqual([true, true]);
    }
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
