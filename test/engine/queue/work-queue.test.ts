import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WorkQueue } from '../../../src/engine/queue/work-queue.ts';
import { settle } from '../../support/fakes/manual-clock.ts';
import { QueueWorld, always, conflict, ok } from '../support/queue-world.ts';
import type { Outcome } from '../../../src/engine/queue/outcome.ts';
import type { ReconcileFn } from '../../../src/engine/queue/work-queue.ts';

describe('WorkQueue', () => {
  let world: QueueWorld;
  beforeEach(() => {
    world = new QueueWorld();
  });

  describe('adding', () => {
    it('runs a key in the microtask after it was added, without a timer', async () => {
      const queue = world.queueOf(always(ok));
      await settle();
      queue.add('a');
      await Promise.resolve();
      expect(world.runs).toEqual(['a@0']);
      expect(world.clock.armed).toBe(0);
    });

    it('makes one run of many adds', async () => {
      const queue = world.queueOf(always(ok));
      for (let i = 0; i < 10; i++) queue.add('a');
      await settle();
      expect(world.runs).toEqual(['a@0']);
    });

    it('uses the earliest instant, whichever was added first', async () => {
      const queue = world.queueOf(always(ok));
      queue.add('a', 500);
      queue.add('a', 100);
      queue.add('a', 300);
      queue.add('b', 100);
      queue.add('b', 500);
      await world.clock.advance(1_000);
      expect(world.runs).toEqual(['a@100', 'b@100']);
    });

    it('arms one timer for any number of keys', async () => {
      const queue = world.queueOf(always(ok));
      for (let i = 0; i < 100; i++) queue.add(`key ${i}`, 1_000 + i);
      await settle();
      expect(world.clock.armed).toBe(1);
      expect(queue.stats()).toEqual({ due: 0, queued: 100, running: 0 });
      await world.clock.advance(2_000);
      expect(world.runs).toHaveLength(100);
    });

    it('keeps what is added before the start', async () => {
      const queue = new WorkQueue({
        clock: world.clock,
        random: () => 1,
        concurrency: 1,
        handler: (key) => (world.runs.push(key), Promise.resolve(ok)),
      });
      queue.add('a');
      await world.clock.advance(10);
      expect(world.runs).toEqual([]);
      queue.start();
      await settle();
      expect(world.runs).toEqual(['a']);
    });
  });

  describe('running', () => {
    it('runs a key once at a time, and once more right after any adds meanwhile', async () => {
      const queue = world.queueOf(world.taking(100));
      queue.add('a');
      await world.clock.advance(50);
      queue.add('a');
      queue.add('a');
      queue.add('a', 10);
      await world.clock.advance(1_000);
      expect(world.runs).toEqual(['a@0', 'a@100']);
    });

    it('bounds the runs at a time and starts due keys in the order in which they became due', async () => {
      const queue = world.queueOf(world.taking(10));
      for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
      await settle();
      expect(queue.stats()).toEqual({ due: 3, queued: 3, running: 2 });
      await world.clock.advance(100);
      expect(world.runs).toEqual(['a@0', 'b@0', 'c@10', 'd@10', 'e@20']);
    });

    it('yields to the rest of the process after 10 ms of runs that wait for nothing', async () => {
      const queue = world.queueOf((key) => (world.clock.jump(1), always(ok)(key)));
      for (let i = 0; i < 100; i++) queue.add(`key ${i}`);
      await settle();
      expect(world.runs).toHaveLength(10);
      expect(world.clock.armed).toBe(1);
      await world.clock.advance(100);
      expect(world.runs).toHaveLength(100);
      expect(world.clock.armed).toBe(0);
    });

    it('does not delay a key that is added when nothing else is due', async () => {
      const queue = world.queueOf((key) => (world.clock.jump(11), always(ok)(key)));
      for (const key of ['a', 'b', 'c']) {
        queue.add(key);
        await settle();
      }
      expect(world.runs).toEqual(['a@0', 'b@11', 'c@22']);
      expect(world.clock.armed).toBe(0);
    });

    it('reports how long a key waited while due, and how long it ran', async () => {
      const told: unknown[] = [];
      const queue = world.queueOf(world.taking(10), {
        concurrency: 1,
        onOutcome: (...args) => told.push(args),
      });
      queue.add('a');
      queue.add('b', 5);
      await world.clock.advance(100);
      expect(told).toEqual([
        ['a', ok, 10, 0, undefined],
        ['b', ok, 10, 5, undefined],
      ]);
    });
  });

  describe('stopping', () => {
    it('waits for the runs in flight and starts nothing more', async () => {
      const queue = world.queueOf(world.taking(100));
      for (const key of ['a', 'b', 'c']) queue.add(key);
      queue.add('d', 50);
      await settle();
      let stopped = false;
      const end = queue.stop(1_000).then(() => (stopped = true));
      queue.add('e');
      queue.add('a');
      await world.clock.advance(99);
      expect(stopped).toBe(false);
      await world.clock.advance(1);
      await end;
      await world.clock.advance(5_000);
      expect(world.runs).toEqual(['a@0', 'b@0']);
      expect(world.clock.armed).toBe(0);
    });

    it('does not wait longer than the deadline', async () => {
      const queue = world.queueOf(() => new Promise(() => undefined));
      queue.add('a');
      await settle();
      const end = queue.stop(1_000);
      await world.clock.advance(1_000);
      await end;
      expect(world.clock.now()).toBe(1_000);
    });

    it('stops at once when nothing runs', async () => {
      await world.queueOf(always(ok)).stop(1_000);
      expect(world.clock.armed).toBe(0);
    });
  });

  it('never loses an add, never overlaps runs of a key, never exceeds its bound, whatever happens', async () => {
    const act = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      delayMs: fc.nat({ max: 50 }),
      pauseMs: fc.nat({ max: 20 }),
      runMs: fc.nat({ max: 30 }),
      outcome: fc.constantFrom<Outcome>(ok, ok, conflict),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 30 }), async (acts) => {
        world = new QueueWorld();
        const active = new Map<string, number>();
        const lastStart = new Map<string, number>();
        const plays = acts.map(({ runMs, outcome }) => ({ runMs, outcome }));
        const handler: ReconcileFn = async (key) => {
          lastStart.set(key, world.clock.now());
          active.set(key, (active.get(key) ?? 0) + 1);
          expect(Math.max(...active.values())).toBe(1);
          expect([...active.values()].reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(2);
          const { runMs, outcome } = plays.shift() ?? { runMs: 0, outcome: ok };
          await new Promise<void>((resolve) => world.clock.after(runMs, resolve));
          active.set(key, 0);
          return outcome;
        };
        const queue = world.queueOf(handler);
        const lastAdd = new Map<string, number>();
        for (const { key, delayMs, pauseMs } of acts) {
          queue.add(key, delayMs);
          lastAdd.set(key, world.clock.now());
          await world.clock.advance(pauseMs);
        }
        await world.clock.advance(10_000);
        for (const [key, at] of lastAdd) expect(lastStart.get(key)).toBeGreaterThanOrEqual(at);
        expect(queue.stats()).toEqual({ due: 0, queued: 0, running: 0 });
      }),
      { numRuns: 50 },
    );
  });
});
