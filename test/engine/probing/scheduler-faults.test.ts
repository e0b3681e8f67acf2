import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { down, timedOut, up } from '../../support/builders/verdicts.ts';
import { overran, SECOND, SchedulerWorld } from '../support/scheduler-world.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { ProbeBehaviour } from '../../support/fakes/scripted-probe.ts';

describe('ProbeScheduler', () => {
  let world: SchedulerWorld;
  beforeEach(() => {
    world = new SchedulerWorld();
  });

  describe('faults', () => {
    it('treats a probe that throws as inconclusive, reports the bug, and continues', async () => {
      world.script.play('a', 'throws', up);
      world.schedulerOf().set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(10 * SECOND);
      expect(world.verdictsOf('a').map(({ kind, reason }) => [kind, reason])).toEqual([
        ['inconclusive', 'ProberFault'],
        ['up', 'Connected'],
      ]);
      expect(world.faults).toEqual([new Error('a bug in the probe')]);
    });

    it('abandons a probe that does not end, frees its slot and drops its late result', async () => {
      let answer: (verdict: Verdict) => void = () => undefined;
      let calls = 0;
      const probe = (): Promise<Verdict> => {
        calls += 1;
        return calls === 1 ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(up);
      };
      const scheduler = world.schedulerOf({
        probe,
        limits: { maxConcurrent: 1, maxPerHost: 1, maxPerHostAndNamespace: 1 },
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(3 * SECOND);
      expect(world.verdictsOf('a')).toEqual([overran]);
      expect(scheduler.stats()).toEqual({ checks: 1, probes: 1, running: 0, waiting: 0 });
      answer(down);
      await world.clock.advance(7 * SECOND);
      expect(world.verdictsOf('a')).toEqual([overran, up]);
    });

    it('continues after a listener throws', async () => {
      const boom = new Error('listener');
      world
        .schedulerOf({
          onVerdict: () => {
            throw boom;
          },
        })
        .set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(20 * SECOND);
      expect(world.script.startsOf('a')).toHaveLength(3);
      expect(world.faults).toEqual([boom, boom, boom]);
    });
  });

  describe('stopping', () => {
    it('aborts the runs, waits for them, reports nothing more and starts nothing more', async () => {
      world.script.play('a', 'hangs');
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' }), aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await world.clock.advance(10);
      await scheduler.stop();
      scheduler.set('two', [aCheck({ id: 'c' })]);
      await world.clock.advance(60 * SECOND);
      expect(world.verdicts.map(({ id }) => id)).toEqual(['b']);
      expect([
        world.script.running,
        world.script.starts.length,
        world.script.aborted,
        world.clock.armed,
      ]).toEqual([0, 2, 1, 0]);
    });

    it('does not wait without limit for a probe that ignores the signal', async () => {
      world.script.play('a', 'never settles');
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(10);
      const end = scheduler.stop();
      await world.clock.advance(1_000);
      await end;
      expect(world.clock.armed).toBe(0);
    });
  });

  it('keeps its limits, and reports only checks that are set, whatever is set and however probes behave', async () => {
    const behaviour = fc.constantFrom<ProbeBehaviour>('hangs', 'throws', 'never settles', up, down, {
      afterMs: 300,
      verdict: timedOut,
    });
    const portion = fc.record({
      port: fc.nat({ max: 3 }),
      host: fc.nat({ max: 3 }),
      periodMs: fc.constantFrom(500, 1_000),
      behaviour,
    });
    const act = fc.record({
      owner: fc.constantFrom('one', 'two', 'three'),
      checks: fc.uniqueArray(portion, { selector: ({ port, host }) => `${port} ${host}`, maxLength: 8 }),
      fresh: fc.boolean(),
      pauseMs: fc.nat({ max: 2_500 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        world = new SchedulerWorld();
        const wanted = new Map<string, Set<string>>();
        const limits = { maxConcurrent: 4, maxPerHost: 2, maxPerHostAndNamespace: 2 };
        const scheduler = world.schedulerOf({
          limits,
          onVerdict: (owner, { id }) => expect(wanted.get(owner)).toContain(id),
        });
        for (const { owner, checks, fresh, pauseMs } of acts) {
          const list = checks.map(({ port, host, periodMs }) =>
            aCheck({ id: `${owner} ${host}:${port}`, ip: `10.0.0.${host}`, port, timing: { periodMs } }),
          );
          checks.forEach((each, i) => world.script.play(list[i]?.id ?? '', each.behaviour));
          wanted.set(owner, new Set(list.map(({ id }) => id)));
          scheduler.set(owner, list, { fresh });
          await world.clock.advance(pauseMs);
          const stats = scheduler.stats();
          expect(stats.checks).toBe([...wanted.values()].reduce((sum, { size }) => sum + size, 0));
          expect(stats.probes).toBeLessThanOrEqual(stats.checks);
          expect(stats.running).toBeLessThanOrEqual(4);
          expect(stats.waiting).toBeGreaterThanOrEqual(0);
        }
        expect(
          world.faults.filter((error) => !(error instanceof Error && error.message === 'a bug in the probe')),
        ).toEqual([]);
        for (const owner of wanted.keys()) scheduler.remove(owner);
        await world.clock.advance(10 * SECOND);
        expect(scheduler.stats()).toEqual({ checks: 0, probes: 0, running: 0, waiting: 0 });
        expect(world.clock.armed).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
