import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OperatorError } from '../../../src/core/errors.ts';
import { WorkQueue } from '../../../src/engine/queue/work-queue.ts';
import { ManualClock, settle } from '../../support/fakes/manual-clock.ts';
import type { Outcome } from '../../../src/engine/queue/outcome.ts';
import type { ReconcileFn, WorkQueueOptions } from '../../../src/engine/queue/work-queue.ts';

const ok: Outcome = { ok: true };
const conflict = new OperatorError('409', { kind: 'transient', reason: 'Conflict' });

describe('WorkQueue', () => {
  let clock: ManualClock;
  let runs: string[];

  beforeEach(() => {
    clock = new ManualClock();
    runs = [];
  });

  /** A started queue; `random` 1 makes a backoff whole. */
  const queueOf = (handler: ReconcileFn, more: Partial<WorkQueueOptions> = {}): WorkQueue => {
    const noted: ReconcileFn = (key) => {
      runs.push(`${key}@${clock.now()}`);
      return handler(key);
    };
    const backoff = { baseMs: 100, capMs: 1_000 };
    const queue = new WorkQueue({ clock, random: () => 1, handler: noted, concurrency: 2, backoff, ...more });
    queue.start();
    return queue;
  };
  const always =
    (outcome: Outcome): ReconcileFn =>
    () =>
      Promise.resolve(outcome);
  const taking =
    (ms: number): ReconcileFn =>
    () =>
      new Promise((resolve) => clock.after(ms, () => resolve(ok)));

  describe('adding', () => {
    it('runs a key in the microtask after it was added, without a timer', async () => {
      const queue = queueOf(always(ok));
      await settle();
      queue.add('a');
      await Promise.resolve();
      expect(runs).toEqual(['a@0']);
      expect(clock.armed).toBe(0);
    });

    it('makes one run of many adds', async () => {
      const queue = queueOf(always(ok));
      for (let i = 0; i < 10; i++) queue.add('a');
      await settle();
      expect(runs).toEqual(['a@0']);
    });

    it('uses the earliest instant, whichever was added first', async () => {
      const queue = queueOf(always(ok));
      queue.add('a', 500);
      queue.add('a', 100);
      queue.add('a', 300);
      queue.add('b', 100);
      queue.add('b', 500);
      await clock.advance(1_000);
      expect(runs).toEqual(['a@100', 'b@100']);
    });

    it('arms one timer for any number of keys', async () => {
      const queue = queueOf(always(ok));
      for (let i = 0; i < 100; i++) queue.add(`key ${i}`, 1_000 + i);
      await settle();
      expect(clock.armed).toBe(1);
      expect(queue.stats()).toEqual({ due: 0, queued: 100, running: 0 });
      await clock.advance(2_000);
      expect(runs).toHaveLength(100);
    });

    it('keeps what is added before the start', async () => {
      const queue = new WorkQueue({
        clock,
        random: () => 1,
        concurrency: 1,
        handler: (key) => (runs.push(key), Promise.resolve(ok)),
      });
      queue.add('a');
      await clock.advance(10);
      expect(runs).toEqual([]);
      queue.start();
      await settle();
      expect(runs).toEqual(['a']);
    });
  });

  describe('running', () => {
    it('runs a key once at a time, and once more right after any adds meanwhile', async () => {
      const queue = queueOf(taking(100));
      queue.add('a');
      await clock.advance(50);
      queue.add('a');
      queue.add('a');
      queue.add('a', 10);
      await clock.advance(1_000);
      expect(runs).toEqual(['a@0', 'a@100']);
    });

    it('bounds the runs at a time and starts due keys in the order in which they became due', async () => {
      const queue = queueOf(taking(10));
      for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
      await settle();
      expect(queue.stats()).toEqual({ due: 3, queued: 3, running: 2 });
      await clock.advance(100);
      expect(runs).toEqual(['a@0', 'b@0', 'c@10', 'd@10', 'e@20']);
    });

    it('yields to the rest of the process after 10 ms of runs that wait for nothing', async () => {
      const queue = queueOf((key) => (clock.jump(1), always(ok)(key)));
      for (let i = 0; i < 100; i++) queue.add(`key ${i}`);
      await settle();
      expect(runs).toHaveLength(10);
      expect(clock.armed).toBe(1);
      await clock.advance(100);
      expect(runs).toHaveLength(100);
      expect(clock.armed).toBe(0);
    });

    it('does not delay a key that is added when nothing else is due', async () => {
      const queue = queueOf((key) => (clock.jump(11), always(ok)(key)));
      for (const key of ['a', 'b', 'c']) {
        queue.add(key);
        await settle();
      }
      expect(runs).toEqual(['a@0', 'b@11', 'c@22']);
      expect(clock.armed).toBe(0);
    });

    it('reports how long a key waited while due, and how long it ran', async () => {
      const told: unknown[] = [];
      const queue = queueOf(taking(10), { concurrency: 1, onOutcome: (...args) => told.push(args) });
      queue.add('a');
      queue.add('b', 5);
      await clock.advance(100);
      expect(told).toEqual([
        ['a', ok, 10, 0, undefined],
        ['b', ok, 10, 5, undefined],
      ]);
    });
  });

  describe('outcomes', () => {
    it('runs again after the time of an ok outcome, and not at all without one', async () => {
      const queue = queueOf((key) => Promise.resolve(key === 'a' ? { ok: true, requeueAfterMs: 400 } : ok));
      queue.add('a');
      queue.add('b');
      await clock.advance(1_000);
      expect(runs).toEqual(['a@0', 'b@0', 'a@400', 'a@800']);
    });

    it('backs off from a transient error, twice as long each time up to the cap', async () => {
      queueOf(always(conflict)).add('a');
      await clock.advance(4_000);
      expect(runs).toEqual(['a@0', 'a@100', 'a@300', 'a@700', 'a@1500', 'a@2500', 'a@3500']);
    });

    it('treats a thrown error like a returned one', async () => {
      queueOf(() => Promise.reject(conflict)).add('a');
      await clock.advance(150);
      expect(runs).toEqual(['a@0', 'a@100']);
    });

    it('spreads the backoff over its second half', async () => {
      queueOf(always(conflict), { random: () => 0 }).add('a');
      await clock.advance(60);
      expect(runs).toEqual(['a@0', 'a@50']);
    });

    it('waits at least as long as the server requires', async () => {
      queueOf(
        always(new OperatorError('429', { kind: 'transient', reason: 'TooManyRequests', afterMs: 700 })),
      ).add('a');
      await clock.advance(800);
      expect(runs).toEqual(['a@0', 'a@700']);
    });

    it('starts the backoff again after a success', async () => {
      const script = [conflict, conflict, ok, conflict, ok];
      const queue = queueOf(() => Promise.resolve(script.shift() ?? ok));
      queue.add('a');
      await clock.advance(1_000);
      queue.add('a');
      await clock.advance(1_000);
      expect(runs).toEqual(['a@0', 'a@100', 'a@300', 'a@1000', 'a@1100']);
    });

    it('does not delay a key that is added because of a backoff', async () => {
      const queue = queueOf(always(conflict));
      queue.add('a');
      await clock.advance(10);
      queue.add('a');
      await clock.advance(210);
      expect(runs).toEqual(['a@0', 'a@10', 'a@210']);
    });

    it('waits without counting a failure for a waiting error', async () => {
      const waiting = new OperatorError('later', { kind: 'waiting', reason: 'SweepingSlices', afterMs: 300 });
      const script = [conflict, waiting, conflict];
      queueOf(() => Promise.resolve(script.shift() ?? ok)).add('a');
      await clock.advance(2_000);
      expect(runs).toEqual(['a@0', 'a@100', 'a@400', 'a@500']);
    });

    it('retries a terminal error every minute, and after ten tries at growing intervals up to ten minutes', async () => {
      const queue = queueOf(always(new OperatorError('bad spec', { kind: 'terminal', reason: 'Invalid' })));
      queue.add('a');
      await clock.advance(3_600_000);
      const seconds = runs.map((run) => Number(run.slice(2)) / 1_000);
      const waits = seconds.slice(1).map((at, i) => at - (seconds[i] ?? 0));
      expect(waits).toEqual([...Array<number>(10).fill(60), 120, 240, 480, 600, 600, 600]);
      const before = runs.length;
      queue.add('a');
      await settle();
      expect(runs).toHaveLength(before + 1);
    });

    it('retries a terminal error within a minute, however often the key was added meanwhile', async () => {
      const queue = queueOf(always(new OperatorError('denied', { kind: 'terminal', reason: 'Forbidden' })));
      for (let i = 0; i < 50; i += 1) {
        queue.add('a');
        await clock.advance(1_000);
      }
      const before = runs.length;
      await clock.advance(60_000);
      expect(runs).toHaveLength(before + 1);
    });

    it.each([
      ['a terminal error', 'terminal', undefined, ['a@0', 'a@400', 'a@800']],
      ['a transient one, later than its backoff', 'transient', undefined, ['a@0', 'a@100', 'a@300', 'a@700']],
      ['a transient one, before its backoff', 'transient', 900, ['a@0', 'a@400', 'a@800']],
      ['one that waits', 'waiting', 300, ['a@0', 'a@300', 'a@600', 'a@900']],
    ] as const)(
      'runs again at the latest after the time of an error: %s',
      async (_, kind, afterMs, expected) => {
        const error = new OperatorError('no', { kind, reason: 'Invalid', ...(afterMs && { afterMs }) });
        queueOf(always({ ok: false, error, requeueAfterMs: 400 })).add('a');
        await clock.advance(1_000);
        expect(runs).toEqual(expected);
      },
    );

    it('treats any other throw as a bug, reports it, and continues with all keys', async () => {
      const told: unknown[] = [];
      const script = [new TypeError('x is undefined')];
      const handler: ReconcileFn = (key) => {
        const error = key === 'a' ? script.shift() : undefined;
        if (error !== undefined) throw error;
        return Promise.resolve(ok);
      };
      const queue = queueOf(handler, {
        onOutcome: (key, outcome) =>
          told.push([key, outcome instanceof OperatorError ? outcome.reason : 'ok']),
      });
      queue.add('a');
      queue.add('b');
      await clock.advance(150);
      expect(runs).toEqual(['a@0', 'b@0', 'a@100']);
      expect(told).toEqual([
        ['a', 'Bug'],
        ['b', 'ok'],
        ['a', 'ok'],
      ]);
    });

    it('survives a reporter that throws', async () => {
      const queue = queueOf(always(ok), {
        onOutcome: () => {
          throw new Error('metrics are broken');
        },
      });
      queue.add('a');
      await settle();
      queue.add('a');
      await settle();
      expect(runs).toHaveLength(2);
    });
  });

  describe('stopping', () => {
    it('waits for the runs in flight and starts nothing more', async () => {
      const queue = queueOf(taking(100));
      for (const key of ['a', 'b', 'c']) queue.add(key);
      queue.add('d', 50);
      await settle();
      let stopped = false;
      const end = queue.stop(1_000).then(() => (stopped = true));
      queue.add('e');
      queue.add('a');
      await clock.advance(99);
      expect(stopped).toBe(false);
      await clock.advance(1);
      await end;
      await clock.advance(5_000);
      expect(runs).toEqual(['a@0', 'b@0']);
      expect(clock.armed).toBe(0);
    });

    it('does not wait longer than the deadline', async () => {
      const queue = queueOf(() => new Promise(() => undefined));
      queue.add('a');
      await settle();
      const end = queue.stop(1_000);
      await clock.advance(1_000);
      await end;
      expect(clock.now()).toBe(1_000);
    });

    it('stops at once when nothing runs', async () => {
      await queueOf(always(ok)).stop(1_000);
      expect(clock.armed).toBe(0);
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
        clock = new ManualClock();
        const active = new Map<string, number>();
        const lastStart = new Map<string, number>();
        const plays = acts.map(({ runMs, outcome }) => ({ runMs, outcome }));
        const handler: ReconcileFn = async (key) => {
          lastStart.set(key, clock.now());
          active.set(key, (active.get(key) ?? 0) + 1);
          expect(Math.max(...active.values())).toBe(1);
          expect([...active.values()].reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(2);
          const { runMs, outcome } = plays.shift() ?? { runMs: 0, outcome: ok };
          await new Promise<void>((resolve) => clock.after(runMs, resolve));
          active.set(key, 0);
          return outcome;
        };
        const queue = queueOf(handler);
        const lastAdd = new Map<string, number>();
        for (const { key, delayMs, pauseMs } of acts) {
          queue.add(key, delayMs);
          lastAdd.set(key, clock.now());
          await clock.advance(pauseMs);
        }
        await clock.advance(10_000);
        for (const [key, at] of lastAdd) expect(lastStart.get(key)).toBeGreaterThanOrEqual(at);
        expect(queue.stats()).toEqual({ due: 0, queued: 0, running: 0 });
      }),
      { numRuns: 50 },
    );
  });
});
