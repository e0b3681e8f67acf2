import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SeriesPlaces } from '../../src/serve/series-places.ts';

/** Max-min fair shares: each namespace gets one more in turn, while it wants one and one is left. */
function fairShares(wanted: ReadonlyMap<string, number>, max: number): number[] {
  const shares = new Map([...wanted.keys()].map((namespace) => [namespace, 0]));
  for (let left = max; left > 0; left--) {
    const [next] = [...shares]
      .filter(([namespace, share]) => share < (wanted.get(namespace) ?? 0))
      .sort(([, one], [, other]) => one - other);
    if (next === undefined) break;
    shares.set(next[0], next[1] + 1);
  }
  return [...shares.values()].sort((one, other) => one - other);
}

const edits = fc.array(
  fc.record({ adds: fc.boolean(), namespace: fc.constantFrom('a', 'b', 'c'), name: fc.nat({ max: 7 }) }),
  { maxLength: 80, size: 'max' },
);

interface Edit {
  readonly adds: boolean;
  readonly namespace: string;
  readonly name: number;
}

/** Applies the edits; returns the places, what has one by the reported changes, and what exists. */
function after(list: readonly Edit[], max: number) {
  const places = new SeriesPlaces(max);
  const shown = new Set<string>();
  const known = new Set<string>();
  for (const { adds, namespace, name } of list) {
    const key = `${namespace}/${String(name)}`;
    const { gained, lost } = adds ? places.add(key) : places.remove(key);
    if (lost !== undefined) shown.delete(lost);
    if (gained !== undefined) shown.add(gained);
    if (adds) known.add(key);
    else known.delete(key);
  }
  return { places, shown, known };
}

const countsOf = (keys: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key.slice(0, 1), (counts.get(key.slice(0, 1)) ?? 0) + 1);
  return counts;
};

describe('places for series', () => {
  it('are shared max-min fairly by namespace after any edits', () => {
    fc.assert(
      fc.property(edits, fc.nat({ max: 12 }), (list, max) => {
        const { shown, known } = after(list, max);
        const shares = countsOf(shown);
        const wanted = countsOf(known);
        const had = [...wanted.keys()].map((namespace) => shares.get(namespace) ?? 0);
        expect(had.sort((one, other) => one - other)).toEqual(fairShares(wanted, max));
      }),
    );
  });

  it('are held by the backends that the changes report, and the others are counted', () => {
    fc.assert(
      fc.property(edits, fc.nat({ max: 12 }), (list, max) => {
        const { places, shown, known } = after(list, max);
        expect([...known].filter((key) => places.has(key)).sort()).toEqual([...shown].sort());
        expect(places.waiting()).toEqual(countsOf([...known].filter((key) => !shown.has(key))));
      }),
    );
  });

  it('do not move when known backends are added again', () => {
    fc.assert(
      fc.property(edits, fc.nat({ max: 12 }), (list, max) => {
        const { places, known } = after(list, max);
        expect([...known].map((key) => places.add(key))).toEqual([...known].map(() => ({})));
      }),
    );
  });

  it('move only to a namespace that then has no more of them than the one that lost it', () => {
    fc.assert(
      fc.property(edits, fc.nat({ max: 12 }), fc.constantFrom('a', 'b', 'c'), (list, max, namespace) => {
        const { places, shown } = after(list, max);
        const { gained, lost } = places.add(`${namespace}/new`);
        if (gained === undefined || lost === undefined) return;
        const shares = countsOf([...shown, gained].filter((key) => key !== lost));
        expect(shares.get(namespace)).toBeLessThanOrEqual(shares.get(lost.slice(0, 1)) ?? 0);
      }),
    );
  });
});
