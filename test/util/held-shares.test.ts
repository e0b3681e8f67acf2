import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HeldShares } from '../../src/util/held-shares.ts';

/** Gives all of them to one group after another, each as much as it may have. */
function fill(places: number, groups: readonly string[]): readonly number[] {
  const shares = new HeldShares();
  let free = places;
  return groups.map((group) => {
    let held = 0;
    for (; free > 0 && shares.allows(group, free); free -= 1, held += 1) shares.take(group);
    return held;
  });
}

describe('HeldShares', () => {
  it('allows one group eight ninths, and the next group eight ninths of the rest', () => {
    expect(fill(64, ['a', 'b', 'c', 'd'])).toEqual([56, 7, 1, 0]);
    expect(fill(32, ['a', 'b'])).toEqual([28, 3]);
    expect(fill(8, ['a', 'b'])).toEqual([7, 1]);
    expect(fill(1, ['a', 'b'])).toEqual([1, 0]);
  });

  it('leaves a free place for the second group, if there are two places or more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5_000 }), (places) => {
        const [first = 0, second = 0] = fill(places, ['a', 'b']);
        expect(first).toBeLessThan(places);
        expect(second).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it('removes a group that holds nothing', () => {
    const shares = new HeldShares();
    for (let i = 0; i < 8; i += 1) shares.take('a');
    expect(shares.allows('a', 2)).toBe(false);
    for (let i = 0; i < 8; i += 1) shares.release('a');
    expect(shares.allows('a', 1)).toBe(true);
  });
});
