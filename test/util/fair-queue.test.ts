import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue } from '../../src/util/fair-queue.ts';
import type { Ticket } from '../../src/util/fair-queue.ts';

const drained = (queue: FairQueue<string, string>): string[] => {
  const items: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
};

describe('FairQueue', () => {
  it('lets owners take turns, each with its items in the order in which they came', () => {
    const queue = new FairQueue<string, string>();
    for (const item of ['a1', 'a2', 'a3']) queue.push(item, ['a']);
    queue.push('b1', ['b']);
    queue.push('c1', ['c']);
    queue.push('b2', ['b']);
    expect(drained(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('puts an owner that has items again behind the others, so that a pause gains nothing', () => {
    const queue = new FairQueue<string, string>();
    queue.push('a1', ['a']);
    queue.push('b1', ['b']);
    queue.push('b2', ['b']);
    expect(queue.shift()).toBe('a1');
    queue.push('a2', ['a']);
    expect(drained(queue)).toEqual(['b1', 'a2', 'b2']);
  });

  it('returns an item of several owners once, at the first turn of any of them', () => {
    const queue = new FairQueue<string, string>();
    queue.push('a1', ['a']);
    queue.push('a2', ['a']);
    queue.push('shared', ['a', 'b']);
    queue.push('b1', ['b']);
    expect(queue.size).toBe(4);
    expect(drained(queue)).toEqual(['a1', 'shared', 'a2', 'b1']);
    expect([queue.size, queue.owners]).toEqual([0, 0]);
  });

  it('puts an item that is returned first in its line, and its owner first in turn', () => {
    const queue = new FairQueue<string, string>();
    for (const item of ['a1', 'a2']) queue.push(item, ['a']);
    queue.push('b1', ['b']);
    queue.unshift('c1', ['c']);
    queue.unshift('a0', ['a']);
    expect(drained(queue)).toEqual(['c1', 'a0', 'b1', 'a1', 'a2']);
  });

  it('removes an item from the lines of all its owners, once', () => {
    const queue = new FairQueue<string, string>();
    const ticket = queue.push('shared', ['a', 'b']);
    queue.push('b1', ['b']);
    expect([queue.remove(ticket), queue.remove(ticket)]).toEqual([true, false]);
    expect([queue.size, queue.sizeOf('a'), queue.sizeOf('b')]).toEqual([1, 0, 1]);
    expect(drained(queue)).toEqual(['b1']);
    expect(queue.remove(ticket)).toBe(false);
  });

  it('returns the oldest item of one owner outside of its turn', () => {
    const queue = new FairQueue<string, string>();
    for (const item of ['a1', 'a2']) queue.push(item, ['a']);
    queue.push('b1', ['b']);
    expect([queue.shiftOf('b'), queue.shiftOf('b'), queue.shiftOf('a')]).toEqual(['b1', undefined, 'a1']);
    expect(drained(queue)).toEqual(['a2']);
  });

  it('skips owners that are not allowed, and these keep their place', () => {
    const queue = new FairQueue<string, string>();
    for (const item of ['a1', 'a2']) queue.push(item, ['a']);
    queue.push('b1', ['b']);
    expect(queue.turn((owner) => owner !== 'a')).toEqual({ owner: 'b', item: 'b1' });
    expect(queue.turn((owner) => owner !== 'a')).toBeUndefined();
    queue.push('b2', ['b']);
    expect(drained(queue)).toEqual(['a1', 'b2', 'a2']);
  });

  it('lets groups take turns, and in each group its owners, however many owners a group has', () => {
    const queue = new FairQueue<string, string>((owner) => owner[0]);
    for (const owner of ['g1', 'g2', 'g3']) for (const item of ['a', 'b']) queue.push(owner + item, [owner]);
    for (const item of ['a', 'b']) queue.push(`m1${item}`, ['m1']);
    expect([queue.size, queue.owners, queue.groups]).toEqual([8, 4, 2]);
    expect([queue.hasGroup('m'), queue.hasGroup('x')]).toEqual([true, false]);
    expect(drained(queue)).toEqual(['g1a', 'm1a', 'g2a', 'm1b', 'g3a', 'g1b', 'g2b', 'g3b']);
    expect([queue.size, queue.owners, queue.groups]).toEqual([0, 0, 0]);
  });

  it('skips a group that is not allowed, and it keeps its place', () => {
    const queue = new FairQueue<string, string>((owner) => owner[0]);
    for (const owner of ['g1', 'g2', 'm1']) queue.push(owner, [owner]);
    expect(queue.turn(undefined, (group) => group !== 'g')).toEqual({ owner: 'm1', item: 'm1' });
    expect(queue.turn(undefined, (group) => group !== 'g')).toBeUndefined();
    expect(drained(queue)).toEqual(['g1', 'g2']);
  });

  it('returns an item of owners in several groups once, at the first turn of any group', () => {
    const queue = new FairQueue<string, string>((owner) => owner[0]);
    for (const item of ['a', 'b']) queue.push(item, ['g1']);
    queue.push('shared', ['g2', 'm1']);
    queue.push('last', ['m1']);
    expect(drained(queue)).toEqual(['a', 'shared', 'b', 'last']);
  });

  it('refuses an item without an owner', () => {
    expect(() => new FairQueue<string, string>().push('a', [])).toThrow('at least one owner');
  });

  it('serves every waiting group once per round, for any groups, owners and items', () => {
    const item = fc.record({ group: fc.nat({ max: 4 }), owner: fc.nat({ max: 6 }) });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 200 }), (items) => {
        const queue = new FairQueue<string, number>((owner) => owner.split('/')[0]);
        items.forEach(({ group, owner }, at) => queue.push(at, [`${group}/${owner}`]));
        const left = new Map<number, number>();
        for (const { group } of items) left.set(group, (left.get(group) ?? 0) + 1);
        while (queue.size > 0) {
          const round = new Set([...left].filter(([, count]) => count > 0).map(([group]) => group));
          const served = [...round].map(() => items[queue.shift() ?? -1]?.group);
          expect(new Set(served)).toEqual(round);
          for (const group of round) left.set(group, (left.get(group) ?? 0) - 1);
        }
      }),
    );
  });

  it('serves every waiting owner once per round, whatever is added, removed and shared', () => {
    const names = ['a', 'b', 'c', 'd'];
    const act = fc.oneof(
      fc.record({
        kind: fc.constant('push' as const),
        owners: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('remove' as const), which: fc.nat({ max: 40 }) }),
      fc.record({ kind: fc.constant('shift' as const) }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 150 }), (acts) => {
        const queue = new FairQueue<string, number>();
        const waiting = new Map<number, { readonly owners: readonly string[]; ticket: Ticket<number> }>();
        const itemsOf = (owner: string) =>
          [...waiting].filter(([, { owners }]) => owners.includes(owner)).map(([item]) => item);
        /** Turns of others since an owner began to wait, or was served. */
        const passed = new Map<string, number>();
        const remove = (which: number): void => {
          const [chosen, entry] = [...waiting][which % Math.max(1, waiting.size)] ?? [];
          if (chosen === undefined || entry === undefined) return;
          expect(queue.remove(entry.ticket)).toBe(true);
          waiting.delete(chosen);
        };
        const shift = (): void => {
          const oldest = names.map((owner) => itemsOf(owner)[0]);
          const taken = queue.shift();
          expect(oldest).toContain(taken);
          if (taken === undefined) return;
          const { owners = [] } = waiting.get(taken) ?? {};
          waiting.delete(taken);
          for (const owner of names)
            passed.set(owner, owners.includes(owner) ? 0 : (passed.get(owner) ?? 0) + 1);
        };
        acts.forEach((each, item) => {
          if (each.kind === 'push')
            waiting.set(item, { owners: each.owners, ticket: queue.push(item, each.owners) });
          else if (each.kind === 'remove') remove(each.which);
          else shift();
          for (const owner of names) {
            const own = itemsOf(owner).length;
            if (own === 0) passed.set(owner, 0);
            expect(queue.sizeOf(owner)).toBe(own);
            expect(passed.get(owner) ?? 0).toBeLessThanOrEqual(names.length - 1);
          }
          expect(queue.size).toBe(waiting.size);
        });
      }),
      { numRuns: 300 },
    );
  });
});
