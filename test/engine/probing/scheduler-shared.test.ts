import { beforeEach, describe, expect, it } from '@jest/globals';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { up } from '../../support/builders/verdicts.ts';
import type { TeamScheduler } from '../support/scheduler-world.ts';
import { SECOND, SchedulerWorld } from '../support/scheduler-world.ts';

describe('ProbeScheduler', () => {
  let world: SchedulerWorld;
  beforeEach(() => {
    world = new SchedulerWorld();
  });

  describe('the same probe of several backends', () => {
    const told = (): string[] =>
      world.verdicts.map(({ owner, id, verdict, at }) => `${at} ${owner} ${id} ${verdict.kind}`);

    it('runs once, and each backend gets the result for its own check', async () => {
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b', host: 'db.example', timing: { failureThreshold: 1 } })]);
      await world.clock.advance(10 * SECOND);
      expect(world.script.starts).toHaveLength(2);
      expect(told()).toEqual(['0 one a up', '0 two b up', '10000 one a up', '10000 two b up']);
      expect(scheduler.stats()).toMatchObject({ checks: 2, probes: 1 });
    });

    it('is a separate probe when the timing differs', async () => {
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b', timing: { periodMs: 4_000 } })]);
      await world.clock.advance(11 * SECOND);
      expect([world.script.startsOf('a'), world.script.startsOf('b')]).toEqual([
        [0, 10_000],
        [0, 4_000, 8_000],
      ]);
    });

    it('has a result at once when the result is known', async () => {
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(3 * SECOND);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await world.clock.advance(8 * SECOND);
      expect(told()).toEqual(['0 one a up', '3000 two b up', '10000 one a up', '10000 two b up']);
    });

    it('runs at once for a new backend when the first still waits for its turn', async () => {
      const scheduler = world.schedulerOf({ random: () => 0.9 });
      scheduler.set('one', [aCheck({ id: 'a' })], { fresh: false });
      await world.clock.advance(1 * SECOND);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await world.clock.advance(10);
      expect(told()).toEqual(['1000 one a up', '1000 two b up']);
    });

    it('continues, run in flight included, until the last backend is removed', async () => {
      world.script.play('a', { afterMs: 500, verdict: up });
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await world.clock.advance(100);
      scheduler.remove('one');
      await world.clock.advance(10 * SECOND);
      scheduler.remove('two');
      await world.clock.advance(20 * SECOND);
      expect(told()).toEqual(['500 two b up']);
      expect(world.script.startsOf('a')).toEqual([0, 10_000]);
      expect(world.script.aborted).toBe(1);
    });

    it('is not reported to a check that was removed while the others were notified', async () => {
      const scheduler: TeamScheduler = world.schedulerOf({
        onVerdict: (owner, { id }) => {
          world.verdicts.push({ owner, id, verdict: up, at: world.clock.now(), durationMs: 0 });
          scheduler.remove('two');
        },
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await world.clock.advance(0);
      expect(told()).toEqual(['0 one a up']);
    });

    it('counts as one run for the metrics', async () => {
      const runs: string[] = [];
      const scheduler = world.schedulerOf({
        onRun: (check, { kind }, ms) => runs.push(`${check.handler.kind} ${kind} ${ms}`),
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await world.clock.advance(3 * SECOND);
      scheduler.set('three', [aCheck({ id: 'c' })]);
      await world.clock.advance(0);
      expect(runs).toEqual(['tcpSocket up 0']);
      expect(world.verdicts).toHaveLength(3);
    });
  });
});
