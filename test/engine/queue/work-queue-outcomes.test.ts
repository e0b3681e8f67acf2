import { beforeEach, describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { settle } from '../../support/fakes/manual-clock.ts';
import { QueueWorld, always, conflict, ok } from '../support/queue-world.ts';
import type { ReconcileFn } from '../../../src/engine/queue/work-queue.ts';

describe('WorkQueue', () => {
  let world: QueueWorld;
  beforeEach(() => {
    world = new QueueWorld();
  });

  describe('outcomes', () => {
    it('runs again after the time of an ok outcome, and not at all without one', async () => {
      const queue = world.queueOf((key) =>
        Promise.resolve(key === 'a' ? { ok: true, requeueAfterMs: 400 } : ok),
      );
      queue.add('a');
      queue.add('b');
      await world.clock.advance(1_000);
      expect(world.runs).toEqual(['a@0', 'b@0', 'a@400', 'a@800']);
    });

    it('backs off from a transient error, twice as long each time up to the cap', async () => {
      world.queueOf(always(conflict)).add('a');
      await world.clock.advance(4_000);
      expect(world.runs).toEqual(['a@0', 'a@100', 'a@300', 'a@700', 'a@1500', 'a@2500', 'a@3500']);
    });

    it('treats a thrown error like a returned one', async () => {
      world.queueOf(() => Promise.reject(conflict)).add('a');
      await world.clock.advance(150);
      expect(world.runs).toEqual(['a@0', 'a@100']);
    });

    it('spreads the backoff over its second half', async () => {
      world.queueOf(always(conflict), { random: () => 0 }).add('a');
      await world.clock.advance(60);
      expect(world.runs).toEqual(['a@0', 'a@50']);
    });

    it('waits at least as long as the server requires', async () => {
      world
        .queueOf(
          always(new OperatorError('429', { kind: 'transient', reason: 'TooManyRequests', afterMs: 700 })),
        )
        .add('a');
      await world.clock.advance(800);
      expect(world.runs).toEqual(['a@0', 'a@700']);
    });

    it('starts the backoff again after a success', async () => {
      const script = [conflict, conflict, ok, conflict, ok];
      const queue = world.queueOf(() => Promise.resolve(script.shift() ?? ok));
      queue.add('a');
      await world.clock.advance(1_000);
      queue.add('a');
      await world.clock.advance(1_000);
      expect(world.runs).toEqual(['a@0', 'a@100', 'a@300', 'a@1000', 'a@1100']);
    });

    it('does not delay a key that is added because of a backoff', async () => {
      const queue = world.queueOf(always(conflict));
      queue.add('a');
      await world.clock.advance(10);
      queue.add('a');
      await world.clock.advance(210);
      expect(world.runs).toEqual(['a@0', 'a@10', 'a@210']);
    });

    it('waits without counting a failure for a waiting error', async () => {
      const waiting = new OperatorError('later', { kind: 'waiting', reason: 'SweepingSlices', afterMs: 300 });
      const script = [conflict, waiting, conflict];
      world.queueOf(() => Promise.resolve(script.shift() ?? ok)).add('a');
      await world.clock.advance(2_000);
      expect(world.runs).toEqual(['a@0', 'a@100', 'a@400', 'a@500']);
    });

    it('retries a terminal error every minute, and after ten tries at growing intervals up to ten minutes', async () => {
      const queue = world.queueOf(
        always(new OperatorError('bad spec', { kind: 'terminal', reason: 'Invalid' })),
      );
      queue.add('a');
      await world.clock.advance(3_600_000);
      const seconds = world.runs.map((run) => Number(run.slice(2)) / 1_000);
      const waits = seconds.slice(1).map((at, i) => at - (seconds[i] ?? 0));
      expect(waits).toEqual([...Array<number>(10).fill(60), 120, 240, 480, 600, 600, 600]);
      const before = world.runs.length;
      queue.add('a');
      await settle();
      expect(world.runs).toHaveLength(before + 1);
    });

    it('retries a terminal error within a minute, however often the key was added meanwhile', async () => {
      const queue = world.queueOf(
        always(new OperatorError('denied', { kind: 'terminal', reason: 'Forbidden' })),
      );
      for (let i = 0; i < 50; i += 1) {
        queue.add('a');
        await world.clock.advance(1_000);
      }
      const before = world.runs.length;
      await world.clock.advance(60_000);
      expect(world.runs).toHaveLength(before + 1);
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
        world.queueOf(always({ ok: false, error, requeueAfterMs: 400 })).add('a');
        await world.clock.advance(1_000);
        expect(world.runs).toEqual(expected);
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
      const queue = world.queueOf(handler, {
        onOutcome: (key, outcome) =>
          told.push([key, outcome instanceof OperatorError ? outcome.reason : 'ok']),
      });
      queue.add('a');
      queue.add('b');
      await world.clock.advance(150);
      expect(world.runs).toEqual(['a@0', 'b@0', 'a@100']);
      expect(told).toEqual([
        ['a', 'Bug'],
        ['b', 'ok'],
        ['a', 'ok'],
      ]);
    });

    it('survives a reporter that throws', async () => {
      const queue = world.queueOf(always(ok), {
        onOutcome: () => {
          throw new Error('metrics are broken');
        },
      });
      queue.add('a');
      await settle();
      queue.add('a');
      await settle();
      expect(world.runs).toHaveLength(2);
    });
  });
});
