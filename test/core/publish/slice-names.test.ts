import { describe, expect, it } from '@jest/globals';
import { Slices, endpoint, group, range } from '../support/planned-slices.ts';
import type { EndpointSlice } from '../../../src/core/kubernetes/objects.ts';

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
