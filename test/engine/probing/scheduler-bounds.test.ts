import { beforeEach, describe, expect, it } from '@jest/globals';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { down, timedOut, up } from '../../support/builders/verdicts.ts';
import { SECOND, SchedulerWorld, TICK, hosts, seeded } from '../support/scheduler-world.ts';

describe('ProbeScheduler', () => {
  let world: SchedulerWorld;
  beforeEach(() => {
    world = new SchedulerWorld();
  });

  describe('bounds', () => {
    it('runs at most two probes of one host at a time, and all of them in turns', async () => {
      const checks = Array.from({ length: 7 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of checks) world.script.play(id, { afterMs: 100, verdict: up });
      world.schedulerOf().set('one', checks);
      await world.clock.advance(400);
      expect(world.script.peak.host).toBe(2);
      expect(world.verdicts.map(({ at }) => at)).toEqual([100, 100, 200, 200, 300, 300, 400]);
    });

    it('does not let a busy host delay the others', async () => {
      const busy = Array.from({ length: 50 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of busy) world.script.play(id, 'hangs');
      world
        .schedulerOf({ limits: { maxConcurrent: 6, maxPerHost: 2, maxPerHostAndNamespace: 2 } })
        .set('one', [...busy, aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await world.clock.advance(1);
      expect(world.verdictsOf('b')).toEqual([up]);
    });

    it('keeps the period of responding checks next to 500 silent ones that need ten times the slots', async () => {
      const timing = { periodMs: 1_000, timeoutMs: 1_000 };
      const holes = hosts(500, '1', timing);
      const answering = hosts(200, '2', timing);
      for (const { id } of holes) world.script.play(id, 'hangs');
      world.schedulerOf().set('one', [...holes, ...answering]);
      await world.clock.advance(20 * SECOND);
      const warm = world.script.starts.length;
      await world.clock.advance(20 * SECOND);
      for (const { id } of answering)
        expect(world.script.startsOf(id).filter((at) => at > 20 * SECOND)).toHaveLength(20);
      const seen = new Set(world.script.starts.slice(warm).map(({ id }) => id));
      for (const { id } of holes) expect(seen.has(id)).toBe(true);
      expect(world.script.peak.all).toBeLessThanOrEqual(100);
    });

    it('delays no check when 500 stop responding at once and there are slots', async () => {
      const timing = { timeoutMs: 1_000, failureThreshold: 1 };
      const [dying, living] = [hosts(500, '1', timing), hosts(500, '2', timing)];
      world
        .schedulerOf({
          random: seeded(),
          limits: { maxConcurrent: 200, maxPerHost: 2, maxPerHostAndNamespace: 2 },
        })
        .set('one', [...dying, ...living], { fresh: false });
      await world.clock.advance(20 * SECOND);
      for (const { id } of dying) world.script.play(id, 'hangs');
      await world.clock.advance(12 * SECOND);
      expect(Math.max(...world.lateness)).toBeLessThanOrEqual(TICK);
      const silent = world.verdicts.filter(
        ({ at, verdict }) => at > 20 * SECOND && verdict.reason === 'Timeout',
      );
      expect(new Set(silent.map(({ id }) => id)).size).toBe(500);
    });

    it('starts no more than 256 probes in one turn of the event loop', async () => {
      const checks = hosts(1_000, '1');
      for (const { id } of checks) world.script.play(id, { afterMs: 1, verdict: up });
      world
        .schedulerOf({ limits: { maxConcurrent: 4_096, maxPerHost: 2, maxPerHostAndNamespace: 2 } })
        .set('one', checks);
      await world.clock.advance(20);
      const perTurn = new Map<number, number>();
      for (const { at } of world.script.starts) perTurn.set(at, (perTurn.get(at) ?? 0) + 1);
      expect(world.script.starts).toHaveLength(1_000);
      expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(256);
    });

    it('probes a new address before failed ones', async () => {
      const holes = hosts(100, '1', { periodMs: 1_000 });
      for (const { id } of holes) world.script.play(id, 'hangs');
      const scheduler = world.schedulerOf({
        limits: { maxConcurrent: 4, maxPerHost: 2, maxPerHostAndNamespace: 2 },
      });
      scheduler.set('one', holes);
      await world.clock.advance(60 * SECOND);
      scheduler.set('two', [aCheck({ id: 'new' })]);
      await world.clock.advance(1 * SECOND);
      expect(world.verdictsOf('new')).toEqual([up]);
    });
  });

  describe('fairness', () => {
    it('does not put an address that failed once behind failed ones', async () => {
      const holes = hosts(200, '1', { timeoutMs: 10_000 });
      for (const { id } of holes) world.script.play(id, 'hangs');
      const good = hosts(10, '2');
      const scheduler = world.schedulerOf();
      scheduler.set('other', holes);
      scheduler.set('one', good);
      await world.clock.advance(120 * SECOND);
      for (const { id } of good) world.script.play(id, down, up);
      await world.clock.advance(25 * SECOND);
      for (const { id } of good) {
        const [before = 0, ...rest] = world.script.startsOf(id).filter((at) => at > 100 * SECOND);
        expect(rest.map((at, i) => at - (rest[i - 1] ?? before))).toEqual(rest.map(() => 10_000));
      }
    });

    it.each([60, 3_600])(
      'notices a failure, a recovery and a new address in time next to 4,000 silent ones with a timeout of %d s',
      async (timeoutSeconds) => {
        const scheduler = world.schedulerOf({
          random: seeded(),
          limits: { maxConcurrent: 4_096, maxPerHost: 2, maxPerHostAndNamespace: 2 },
        });
        const [dies, returns, added] = hosts(3, '9');
        if (dies === undefined || returns === undefined || added === undefined) return;
        world.script.play(returns.id, down);
        scheduler.set('one', [dies, returns]);
        await world.clock.advance(60 * SECOND);
        for (const [net, owner] of ['a', 'b', 'c', 'd'].entries()) {
          const holes = hosts(1_000, String(20 + net), { timeoutMs: timeoutSeconds * SECOND });
          for (const { id } of holes) world.script.play(id, 'hangs');
          scheduler.set(owner, holes);
        }
        await world.clock.advance(200 * SECOND);
        const from = world.clock.now();
        world.script.play(dies.id, timedOut);
        world.script.play(returns.id, up);
        scheduler.set('one', [dies, returns, added]);
        await world.clock.advance(32 * SECOND);
        const later = (id: string) => world.verdicts.filter((each) => each.id === id && each.at >= from);
        expect(later(added.id)[0]?.at).toBe(from);
        expect(later(returns.id)[0]?.at).toBeLessThanOrEqual(from + 10.6 * SECOND);
        expect(later(dies.id)[2]?.at).toBeLessThanOrEqual(from + 31.6 * SECOND);
      },
    );

    it('keeps the period of the responding ports of a gateway next to 24 silent ones', async () => {
      const ports = Array.from({ length: 32 }, (__, i) => aCheck({ port: i + 1 }));
      const [silent, answering] = [ports.slice(8), ports.slice(0, 8)];
      for (const { id } of silent) world.script.play(id, 'hangs');
      world.schedulerOf({ random: seeded() }).set('one', ports);
      await world.clock.advance(120 * SECOND);
      const [dying, ...living] = answering;
      const from = world.clock.now();
      world.script.play(dying?.id ?? '', 'hangs');
      await world.clock.advance(60 * SECOND);
      const failures = world.verdicts.filter(({ id, at }) => id === dying?.id && at > from);
      // The first failure ends a period and a timeout later at most, each further one a period after that.
      expect(failures[2]?.at).toBeLessThanOrEqual(from + 3 * 10.5 * SECOND + SECOND);
      for (const { id } of living)
        expect(world.script.startsOf(id).filter((at) => at > from).length).toBeGreaterThanOrEqual(5);
      expect(world.script.peak.host).toBe(2);
    });

    it('with one slot per host delays a port that answers by the timeout of one silent port', async () => {
      const ports = Array.from({ length: 9 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of ports.slice(1)) world.script.play(id, 'hangs');
      world
        .schedulerOf({
          random: seeded(),
          limits: { maxConcurrent: 100, maxPerHost: 1, maxPerHostAndNamespace: 1 },
        })
        .set('one', ports);
      await world.clock.advance(60 * SECOND);
      const before = world.clock.now();
      await world.clock.advance(120 * SECOND);
      const starts = world.script.startsOf('10.0.0.1:1').filter((at) => at > before);
      const gaps = starts.slice(1).map((at, i) => at - (starts[i] ?? 0));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(10.5 * SECOND + SECOND + TICK);
      expect(world.script.peak.host).toBe(1);
    });

    it('probes the ports of a silent gateway in turns, and notices one that recovers', async () => {
      const ports = Array.from({ length: 16 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of ports) world.script.play(id, 'hangs');
      world.schedulerOf({ random: seeded() }).set('one', ports);
      await world.clock.advance(120 * SECOND);
      world.script.play('10.0.0.1:7', up);
      await world.clock.advance(11 * SECOND);
      expect(world.verdictsOf('10.0.0.1:7')).toContain(up);
    });
  });
});
