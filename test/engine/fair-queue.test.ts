import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue } from '../../src/engine/fair-queue.ts';
import type { Ticket } from '../../src/engine/fair-queue.ts';

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

  it('lets an owner that comes back join behind the others, so that it gains nothing by being away', () => {
    const queue = new FairQueue<string, string>();
    queue.push('a1', ['a']);
    queue.push('b1', ['b']);
    queue.push('b2', ['b']);
    expect(queue.shift()).toBe('a1');
    queue.push('a2', ['a']);
    expect(drained(queue)).toEqual(['b1', 'a2', 'b2']);
  });

  it('gives an item of several owners once, at the turn of whichever is next', () => {
    const queue = new FairQueue<string, string>();
    queue.push('a1', ['a']);
    queue.push('a2', ['a']);
    queue.push('shared', ['a', 'b']);
    queue.push('b1', ['b']);
    expect(queue.size).toBe(4);
    expect(drained(queue)).toEqual(['a1', 'shared', 'a2', 'b1']);
    expect([queue.size, queue.owners]).toEqual([0, 0]);
  });

  it('puts an item that is given back first in its line, and its owner first in turn', () => {
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

  it('gives the oldest item of one owner out of turn, for who bounds its line', () => {
    const queue = new FairQueue<string, string>();
    for (const item of ['a1', 'a2']) queue.push(item, ['a']);
    queue.push('b1', ['b']);
    expect([queue.shiftOf('b'), queue.shiftOf('b'), queue.shiftOf('a')]).toEqual(['b1', undefined, 'a1']);
    expect(drained(queue)).toEqual(['a2']);
  });

  it('passes over owners that may not have more now, and these keep their place', () => {
    const queue = new FairQueue<string, string>();
    for (const item of ['a1', 'a2']) queue.push(item, ['a']);
    queue.push('b1', ['b']);
    expect(queue.turn((owner) => owner !== 'a')).toEqual({ owner: 'b', item: 'b1' });
    expect(queue.turn((owner) => owner !== 'a')).toBeUndefined();
    queue.push('b2', ['b']);
    expect(drained(queue)).toEqual(['a1', 'b2', 'a2']);
  });

  it('takes no item without an owner, because nobody would have the turn for it', () => {
    expect(() => new FairQueue<string, string>().push('a', [])).toThrow('at least one owner');
  });

  it('serves every owner that waits once per round, whatever else is added, removed and shared', () => {
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
