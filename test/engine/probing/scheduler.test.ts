import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { down, up } from '../../support/builders/verdicts.ts';
import {
  overran,
  SECOND,
  SchedulerWorld,
  TICK,
  TeamScheduler,
  hosts,
  seeded,
} from '../support/scheduler-world.ts';

describe('ProbeScheduler', () => {
  let world: SchedulerWorld;
  beforeEach(() => {
    world = new SchedulerWorld();
  });

  describe('periods', () => {
    it('probes a new check at once and then every period', async () => {
      world.schedulerOf().set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(35 * SECOND);
      expect(world.script.startsOf('a')).toEqual([0, 10_000, 20_000, 30_000]);
      expect(world.verdicts[0]).toEqual({ owner: 'one', id: 'a', verdict: up, at: 0, durationMs: 0 });
    });

    it('waits for the initial delay first', async () => {
      world.schedulerOf().set('one', [aCheck({ id: 'a', timing: { initialDelayMs: 3_000 } })]);
      await world.clock.advance(15 * SECOND);
      expect(world.script.startsOf('a')).toEqual([3_000, 13_000]);
    });

    it('runs no probe before the start', async () => {
      const scheduler = new TeamScheduler({
        clock: world.clock,
        random: () => 0,
        probe: world.script.probe,
        limits: { maxConcurrent: 1, maxPerHost: 1, maxPerHostAndNamespace: 1 },
        onVerdict: () => undefined,
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(60 * SECOND);
      expect(world.script.starts).toEqual([]);
      scheduler.start();
      await world.clock.advance(0);
      expect(world.script.startsOf('a')).toEqual([60_000]);
    });

    it('spreads the first probes of known checks over one period', async () => {
      const scheduler = world.schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(50, '1'), { fresh: false });
      await world.clock.advance(10 * SECOND);
      const tenths = new Set(world.script.starts.map(({ at }) => Math.floor(at / 1_000)));
      expect(world.script.starts).toHaveLength(50);
      expect(tenths.size).toBe(10);
    });

    it('keeps a period of 100 ms, also among checks that are due a few milliseconds before or after', async () => {
      const checks = hosts(20, '1', { periodMs: 100, timeoutMs: 100 });
      world.schedulerOf({ random: seeded() }).set('one', checks, { fresh: false });
      await world.clock.advance(10 * SECOND);
      const counts = checks.map(({ id }) => world.script.startsOf(id).length);
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(99);
      expect(Math.max(...world.lateness)).toBeLessThanOrEqual(5);
    });

    it('probes only new checks at once, and not known ones', async () => {
      const scheduler = world.schedulerOf({ random: () => 0.5 });
      const checks = [aCheck({ id: 'known' }), aCheck({ id: 'new', ip: '10.0.0.2' })];
      scheduler.set('one', checks, { fresh: ({ id }) => id === 'new' });
      await world.clock.advance(6 * SECOND);
      expect(world.script.starts).toEqual([
        { id: 'new', at: 0 },
        { id: 'known', at: 5_000 },
      ]);
    });

    it('does not synchronise checks that were created together', async () => {
      const scheduler = world.schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(50, '1'));
      await world.clock.advance(10.5 * SECOND);
      const second = world.script.starts.slice(50, 100).map(({ at }) => at);
      expect(second).toHaveLength(50);
      expect(Math.min(...second)).toBeGreaterThanOrEqual(5_000);
      expect(new Set(second.map((at) => Math.floor(at / 500))).size).toBeGreaterThanOrEqual(10);
    });

    it('keeps the period however long a run takes', async () => {
      world.script.play('a', { afterMs: 3_000, verdict: up });
      world.schedulerOf().set('one', [aCheck({ id: 'a', timing: { timeoutMs: 5_000 } })]);
      await world.clock.advance(25 * SECOND);
      expect(world.script.startsOf('a')).toEqual([0, 10_000, 20_000]);
    });

    it('never overlaps runs of a check, and starts the next one at once after a run longer than the period', async () => {
      world.script.play('a', { afterMs: 25_000, verdict: up }, up);
      world.schedulerOf().set('one', [aCheck({ id: 'a', timing: { timeoutMs: 30_000 } })]);
      await world.clock.advance(46 * SECOND);
      expect(world.script.startsOf('a')).toEqual([0, 25_000, 35_000, 45_000]);
      expect(world.script.peak.check).toBe(1);
    });

    it('keeps runs a period apart after a late one, so that no threshold is reached by instant retries', async () => {
      world.script.play('10.0.0.1:1', { afterMs: 8_000, verdict: down }, up);
      const scheduler = world.schedulerOf({
        limits: { maxConcurrent: 1, maxPerHost: 1, maxPerHostAndNamespace: 1 },
      });
      scheduler.set('one', [
        aCheck({ port: 1, timing: { timeoutMs: 9_000 } }),
        aCheck({ ip: '10.0.0.2', id: 'b' }),
      ]);
      await world.clock.advance(30 * SECOND);
      expect(world.script.startsOf('b')).toEqual([8_000, 18_000, 28_000]);
    });

    it('does not synchronise probes that were late together after a pause of seconds', async () => {
      const scheduler = world.schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(100, '1'), { fresh: false });
      await world.clock.advance(30 * SECOND);
      world.clock.jump(6 * SECOND);
      await world.clock.advance(20 * SECOND);
      const before = world.script.starts.length;
      await world.clock.advance(10 * SECOND);
      const seconds = world.script.starts.slice(before).map(({ at }) => Math.floor(at / SECOND));
      const busiest = Math.max(...seconds.map((second) => seconds.filter((each) => each === second).length));
      expect(seconds.length).toBeGreaterThanOrEqual(90);
      expect(busiest).toBeLessThanOrEqual(25);
    });

    it('keeps runs within 5 % of the period apart, and never drifts', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 40, maxLength: 40 }),
          async (draws) => {
            world = new SchedulerWorld();
            world.schedulerOf({ random: () => draws.pop() ?? 0.5 }).set('one', [aCheck({ id: 'a' })], {
              fresh: false,
            });
            await world.clock.advance(200 * SECOND);
            const starts = world.script.startsOf('a').slice(1);
            const gaps = starts.slice(1).map((at, i) => at - (starts[i] ?? 0));
            expect(Math.min(...gaps)).toBeGreaterThanOrEqual(9_500 - TICK);
            expect(Math.max(...gaps)).toBeLessThanOrEqual(10_500 + TICK);
            expect(starts.length).toBeGreaterThanOrEqual(18);
          },
        ),
        { numRuns: 20 },
      );
    });

    it('arms one timer for all checks, and none without checks', async () => {
      const scheduler = world.schedulerOf();
      expect(world.clock.armed).toBe(0);
      scheduler.set('one', hosts(1_000, '1'), { fresh: false });
      expect(world.clock.armed).toBe(1);
      scheduler.remove('one');
      await world.clock.advance(20 * SECOND);
      expect(world.clock.armed).toBe(0);
    });

    it('spreads overdue checks again after the machine was suspended', async () => {
      const scheduler = world.schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(50, '1'), { fresh: false });
      await world.clock.advance(30 * SECOND);
      const before = world.script.starts.length;
      world.clock.jump(600 * SECOND);
      await world.clock.advance(500);
      expect(world.script.starts.length - before).toBeLessThanOrEqual(6);
      await world.clock.advance(10 * SECOND);
      expect(new Set(world.script.starts.slice(before).map(({ id }) => id)).size).toBe(50);
    });
  });

  describe('a suspension of the machine', () => {
    it.each([10, 60, 3_600])(
      'of 12 s makes no probe later than ten seconds, and a new one not at all, at a period of %d s',
      async (periodSeconds) => {
        const periodMs = periodSeconds * SECOND;
        const scheduler = world.schedulerOf({ random: seeded() });
        scheduler.set('one', hosts(200, '1', { periodMs }), { fresh: false });
        await world.clock.advance(3 * periodMs);
        scheduler.set('two', [aCheck({ ip: '10.2.0.1', timing: { periodMs, initialDelayMs: SECOND } })]);
        await world.clock.advance(500);
        const due = new Map<string, number>();
        for (const { id } of hosts(200, '1'))
          due.set(id, Math.max(...world.script.startsOf(id)) + 1.05 * periodMs + TICK);
        world.clock.jump(12 * SECOND);
        const resumedAt = world.clock.now();
        await world.clock.advance(0);
        expect(world.script.startsOf('10.2.0.1:5432')).toEqual([resumedAt]);
        const seen = world.script.starts.length;
        await world.clock.advance(2 * periodMs);
        for (const [id, at] of due) {
          const next = world.script.starts.slice(seen).find((each) => each.id === id)?.at ?? Infinity;
          expect(next).toBeLessThanOrEqual(Math.max(at, resumedAt) + 10 * SECOND + TICK);
        }
      },
    );

    it('in the middle of a run makes its failure inconclusive, because nothing ran in that time', async () => {
      world.script.play('a', 'hangs');
      world.schedulerOf().set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(500);
      world.clock.jump(3_600 * SECOND);
      await world.clock.advance(0);
      expect(world.verdictsOf('a')).toEqual([overran]);
    });
  });
});
