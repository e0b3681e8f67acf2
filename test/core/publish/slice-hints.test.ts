import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Slices, endpoint, group, range, texts } from '../support/planned-slices.ts';
import type { Endpoint, EndpointSlice } from '../../../src/core/kubernetes/objects.ts';

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
