import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Heap } from '../../src/util/heap.ts';

const item = (at: number) => ({ at, order: 0, slot: -1 });

describe('Heap', () => {
  it('returns equal items in the order in which they were added', () => {
    const heap = new Heap<ReturnType<typeof item>>();
    const items = [item(5), item(5), item(1), item(5)];
    for (const each of items) heap.push(each);
    expect([heap.pop(), heap.pop(), heap.pop(), heap.pop(), heap.pop()]).toEqual([
      items[2],
      items[0],
      items[1],
      items[3],
      undefined,
    ]);
  });

  it('is always in order, whatever is added, moved and removed', () => {
    const act = fc.tuple(
      fc.constantFrom('push', 'move', 'remove', 'pop'),
      fc.nat({ max: 30 }),
      fc.nat({ max: 30 }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const heap = new Heap<ReturnType<typeof item>>();
        const inside: ReturnType<typeof item>[] = [];
        for (const [kind, at, which] of acts) {
          const chosen = inside[which % Math.max(1, inside.length)];
          if (kind === 'push' || chosen === undefined) {
            const added = item(at);
            heap.push(added);
            inside.push(added);
          } else if (kind === 'move') {
            chosen.at = at;
            heap.push(chosen);
          } else {
            const gone = kind === 'remove' ? chosen : heap.pop();
            if (kind === 'remove') heap.remove(chosen);
            inside.splice(
              inside.findIndex((each) => each === gone),
              1,
            );
          }
          const least = Math.min(...inside.map((each) => each.at));
          expect(heap.peek()?.at ?? Infinity).toBe(least);
          expect(heap.size).toBe(inside.length);
          expect(heap.countDue(15)).toBe(inside.filter((each) => each.at <= 15).length);
        }
      }),
    );
  });
});
