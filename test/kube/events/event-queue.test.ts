import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventQueue } from '../../../src/kube/events/event-queue.ts';

const queueOf = (over: Partial<ConstructorParameters<typeof EventQueue>[0]> = {}) =>
  new EventQueue<string>({
    maxPerOwner: 3,
    max: 6,
    perOwner: { burst: 2, periodMs: 1_000 },
    overall: { burst: 100, periodMs: 1 },
    ...over,
  });

function drain(queue: EventQueue<string>, now: number): string[] {
  const taken: string[] = [];
  for (let item = queue.take(now); item !== undefined; item = queue.take(now)) taken.push(item);
  return taken;
}

describe('EventQueue', () => {
  it('lets owners take turns, each with its items in order', () => {
    const queue = queueOf();
    for (const item of ['a1', 'a2', 'b1', 'b2', 'c1']) queue.push(item.slice(0, 1), item, 0);
    expect(drain(queue, 0)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2']);
  });

  it('lets an owner send its burst, and then one item per period', () => {
    const queue = queueOf();
    for (const item of ['a1', 'a2', 'a3']) queue.push('a', item, 0);
    expect([...drain(queue, 0), queue.waitMs(0)]).toEqual(['a1', 'a2', 1_000]);
    expect([...drain(queue, 999), queue.waitMs(999)]).toEqual([1]);
    expect([...drain(queue, 1_000), queue.waitMs(1_000)]).toEqual(['a3', Infinity]);
  });

  it('bounds the rate of all owners together', () => {
    const queue = queueOf({ overall: { burst: 1, periodMs: 50 } });
    queue.push('a', 'a1', 0);
    queue.push('b', 'b1', 0);
    expect([...drain(queue, 0), queue.waitMs(0)]).toEqual(['a1', 50]);
    expect(drain(queue, 50)).toEqual(['b1']);
  });

  it('keeps the newest items of an owner', () => {
    const queue = queueOf({ perOwner: { burst: 10, periodMs: 1_000 } });
    expect(['a1', 'a2', 'a3', 'a4'].map((item) => queue.push('a', item, 0))).toEqual([
      ...[undefined, undefined, undefined],
      'a1',
    ]);
    expect(drain(queue, 10_000)).toEqual(['a2', 'a3', 'a4']);
  });

  it('drops an item of the owner with most items when the queue is full', () => {
    const queue = queueOf();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'd1']) queue.push(item.slice(0, 1), item, 0);
    expect(queue.push('e', 'e1', 0)).toBe('a1');
    expect(queue.size).toBe(6);
  });

  it('lets namespaces take turns, and drops an item of the namespace with most items, of its owner with most', () => {
    const queue = queueOf();
    for (const item of ['g/a1', 'g/a2', 'g/b1', 'g/c1', 'm/d1', 'm/d2'])
      queue.push(item.slice(0, 3), item, 0);
    expect(queue.push('m/d', 'm/d3', 0)).toBe('g/a1');
    expect(queue.push('m/f', 'm/f1', 0)).toBe('m/d1');
    expect(drain(queue, 0)).toEqual(['g/a2', 'm/d2', 'g/b1', 'm/f1', 'g/c1', 'm/d3']);
  });

  it('skips a namespace that is not allowed now', () => {
    const queue = queueOf();
    for (const item of ['g/a1', 'm/b1']) queue.push(item.slice(0, 3), item, 0);
    const allows = (namespace: string) => namespace !== 'g';
    expect([queue.take(0, allows), queue.take(0, allows), queue.waitMs(0, allows)]).toEqual([
      'm/b1',
      undefined,
      Infinity,
    ]);
    expect([queue.waitMs(0), queue.take(0)]).toEqual([0, 'g/a1']);
  });

  it('puts an item back as the first one of its owner, if there is room', () => {
    const queue = queueOf({ perOwner: { burst: 10, periodMs: 1_000 } });
    for (const item of ['a1', 'a2']) queue.push('a', item, 0);
    const first = queue.take(0) ?? '';
    expect(queue.putBack('a', first, 0)).toBe(true);
    expect(queue.take(0)).toBe('a1');
    for (const item of ['a3', 'a4']) queue.push('a', item, 0);
    expect(queue.putBack('a', 'a1', 0)).toBe(false);
    expect(drain(queue, 10_000)).toEqual(['a2', 'a3', 'a4']);
  });

  it('drops all waiting items', () => {
    const queue = queueOf();
    for (const item of ['a1', 'b1']) queue.push(item.slice(0, 1), item, 0);
    expect(queue.clear()).toEqual(['a1', 'b1']);
    expect([queue.size, queue.take(0), queue.waitMs(0)]).toEqual([0, undefined, Infinity]);
  });

  it('keeps its bounds, reports all dropped items, and lets an owner wait for at most one item of each other owner', () => {
    const owner = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ push: owner }),
      fc.record({ passMs: fc.integer({ max: 1_500, min: 0 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = queueOf();
        let now = 0;
        let count = 0;
        const out: string[] = [];
        for (const each of steps) {
          if ('push' in each) {
            const gone = queue.push(each.push, `${each.push}${(count += 1)}`, now);
            if (gone !== undefined) out.push(gone);
          } else {
            now += each.passMs;
            const item = queue.take(now);
            if (item !== undefined) out.push(item);
          }
          expect(queue.size).toBeLessThanOrEqual(6);
          expect(count - out.length).toBe(queue.size);
        }
        for (; queue.size > 0; now += queue.waitMs(now)) out.push(...drain(queue, now));
        expect(new Set(out).size).toBe(count);
        const lastOf = new Map<string, number>();
        for (const item of out) {
          const name = item.slice(0, 1);
          const number = Number(item.slice(1));
          expect(number).toBeGreaterThan(lastOf.get(name) ?? 0);
          lastOf.set(name, number);
        }
      }),
    );
  });
});
