import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ProbeScheduler } from '../../../src/engine/probing/scheduler.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { ScriptedProbe, aCheck, down, timedOut, up } from '../../support/fakes/scripted-probe.ts';
import type { HttpGet } from '../../../src/api/external-backend.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { Behaviour } from '../../support/fakes/scripted-probe.ts';
import type { ProbeSchedulerOptions, SetOptions } from '../../../src/engine/probing/scheduler.ts';

const SECOND = 1_000;
/** Planned instants that are closer than this start together. */
const TICK = 20;

/** A random that is the same in every run of the tests. */
function seeded(): () => number {
  let seed = 1;
  return () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** A scheduler of backends that are in one namespace where none is given. */
class TeamScheduler extends ProbeScheduler {
  override set(owner: string, checks: readonly Check[], options: Partial<SetOptions> = {}): void {
    super.set(owner, checks, { namespace: 'team', ...options });
  }
}

const request: HttpGet = { path: '/', scheme: 'HTTP' } as HttpGet;
const overran: Verdict = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message: 'the probe did not settle within its timeout',
};

describe('ProbeScheduler', () => {
  let clock: ManualClock;
  let script: ScriptedProbe;
  let verdicts: { owner: string; id: string; verdict: Verdict; at: number; durationMs: number }[];
  let lateness: number[];
  let faults: unknown[];

  beforeEach(() => {
    clock = new ManualClock();
    script = new ScriptedProbe(clock);
    verdicts = [];
    lateness = [];
    faults = [];
  });

  /** A started scheduler; `random` 0 means no jitter and whole periods. */
  const schedulerOf = (more: Partial<ProbeSchedulerOptions> = {}): TeamScheduler => {
    const scheduler = new TeamScheduler({
      clock,
      random: () => 0,
      probe: script.probe,
      limits: { maxConcurrent: 100, maxPerHost: 2, maxPerHostAndNamespace: 2 },
      onVerdict: (owner, { id }, verdict, durationMs) =>
        verdicts.push({ owner, id, verdict, at: clock.now(), durationMs }),
      onLateness: (ms) => lateness.push(ms),
      onFault: (error) => faults.push(error),
      ...more,
    });
    scheduler.start();
    return scheduler;
  };
  const said = (id: string): Verdict[] =>
    verdicts.filter((each) => each.id === id).map((each) => each.verdict);
  const hosts = (count: number, net: string, timing: Partial<Check['timing']> = {}): Check[] =>
    Array.from({ length: count }, (_, i) => aCheck({ ip: `10.${net}.${i >> 8}.${i & 255}`, timing }));

  describe('periods', () => {
    it('probes a new check at once and then every period', async () => {
      schedulerOf().set('one', [aCheck({ id: 'a' })]);
      await clock.advance(35 * SECOND);
      expect(script.startsOf('a')).toEqual([0, 10_000, 20_000, 30_000]);
      expect(verdicts[0]).toEqual({ owner: 'one', id: 'a', verdict: up, at: 0, durationMs: 0 });
    });

    it('waits for the initial delay first', async () => {
      schedulerOf().set('one', [aCheck({ id: 'a', timing: { initialDelayMs: 3_000 } })]);
      await clock.advance(15 * SECOND);
      expect(script.startsOf('a')).toEqual([3_000, 13_000]);
    });

    it('runs no probe before the start', async () => {
      const scheduler = new TeamScheduler({
        clock,
        random: () => 0,
        probe: script.probe,
        limits: { maxConcurrent: 1, maxPerHost: 1, maxPerHostAndNamespace: 1 },
        onVerdict: () => undefined,
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(60 * SECOND);
      expect(script.starts).toEqual([]);
      scheduler.start();
      await clock.advance(0);
      expect(script.startsOf('a')).toEqual([60_000]);
    });

    it('spreads the first probes of known checks over one period', async () => {
      const scheduler = schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(50, '1'), { fresh: false });
      await clock.advance(10 * SECOND);
      const tenths = new Set(script.starts.map(({ at }) => Math.floor(at / 1_000)));
      expect(script.starts).toHaveLength(50);
      expect(tenths.size).toBe(10);
    });

    it('probes only new checks at once, and not known ones', async () => {
      const scheduler = schedulerOf({ random: () => 0.5 });
      const checks = [aCheck({ id: 'known' }), aCheck({ id: 'new', ip: '10.0.0.2' })];
      scheduler.set('one', checks, { fresh: ({ id }) => id === 'new' });
      await clock.advance(6 * SECOND);
      expect(script.starts).toEqual([
        { id: 'new', at: 0 },
        { id: 'known', at: 5_000 },
      ]);
    });

    it('does not synchronise checks that were created together', async () => {
      const scheduler = schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(50, '1'));
      await clock.advance(10.5 * SECOND);
      const second = script.starts.slice(50, 100).map(({ at }) => at);
      expect(second).toHaveLength(50);
      expect(Math.min(...second)).toBeGreaterThanOrEqual(5_000);
      expect(new Set(second.map((at) => Math.floor(at / 500))).size).toBeGreaterThanOrEqual(10);
    });

    it('keeps the period however long a run takes', async () => {
      script.play('a', { afterMs: 3_000, verdict: up });
      schedulerOf().set('one', [aCheck({ id: 'a', timing: { timeoutMs: 5_000 } })]);
      await clock.advance(25 * SECOND);
      expect(script.startsOf('a')).toEqual([0, 10_000, 20_000]);
    });

    it('never overlaps runs of a check, and starts the next one at once after a run longer than the period', async () => {
      script.play('a', { afterMs: 25_000, verdict: up }, up);
      schedulerOf().set('one', [aCheck({ id: 'a', timing: { timeoutMs: 30_000 } })]);
      await clock.advance(46 * SECOND);
      expect(script.startsOf('a')).toEqual([0, 25_000, 35_000, 45_000]);
      expect(script.peak.check).toBe(1);
    });

    it('keeps runs a period apart after a late one, so that no threshold is reached by instant retries', async () => {
      script.play('10.0.0.1:1', { afterMs: 8_000, verdict: down }, up);
      const scheduler = schedulerOf({
        limits: { maxConcurrent: 1, maxPerHost: 1, maxPerHostAndNamespace: 1 },
      });
      scheduler.set('one', [
        aCheck({ port: 1, timing: { timeoutMs: 9_000 } }),
        aCheck({ ip: '10.0.0.2', id: 'b' }),
      ]);
      await clock.advance(30 * SECOND);
      expect(script.startsOf('b')).toEqual([8_000, 18_000, 28_000]);
    });

    it('does not synchronise probes that were late together after a pause of seconds', async () => {
      const scheduler = schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(100, '1'), { fresh: false });
      await clock.advance(30 * SECOND);
      clock.jump(6 * SECOND);
      await clock.advance(20 * SECOND);
      const before = script.starts.length;
      await clock.advance(10 * SECOND);
      const seconds = script.starts.slice(before).map(({ at }) => Math.floor(at / SECOND));
      const busiest = Math.max(...seconds.map((second) => seconds.filter((each) => each === second).length));
      expect(seconds.length).toBeGreaterThanOrEqual(90);
      expect(busiest).toBeLessThanOrEqual(25);
    });

    it('keeps runs within 5 % of the period apart, and never drifts', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 40, maxLength: 40 }),
          async (draws) => {
            clock = new ManualClock();
            script = new ScriptedProbe(clock);
            schedulerOf({ random: () => draws.pop() ?? 0.5 }).set('one', [aCheck({ id: 'a' })], {
              fresh: false,
            });
            await clock.advance(200 * SECOND);
            const starts = script.startsOf('a').slice(1);
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
      const scheduler = schedulerOf();
      expect(clock.armed).toBe(0);
      scheduler.set('one', hosts(1_000, '1'), { fresh: false });
      expect(clock.armed).toBe(1);
      scheduler.remove('one');
      await clock.advance(20 * SECOND);
      expect(clock.armed).toBe(0);
    });

    it('spreads overdue checks again after the machine was suspended', async () => {
      const scheduler = schedulerOf({ random: seeded() });
      scheduler.set('one', hosts(50, '1'), { fresh: false });
      await clock.advance(30 * SECOND);
      const before = script.starts.length;
      clock.jump(600 * SECOND);
      await clock.advance(500);
      expect(script.starts.length - before).toBeLessThanOrEqual(6);
      await clock.advance(10 * SECOND);
      expect(new Set(script.starts.slice(before).map(({ id }) => id)).size).toBe(50);
    });
  });

  describe('changes', () => {
    it('keeps the period and the run of a check that is set again unchanged', async () => {
      script.play('a', { afterMs: 500, verdict: up });
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(200);
      scheduler.set('one', [aCheck({ id: 'a' }), aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await clock.advance(3_000);
      scheduler.set('one', [aCheck({ id: 'b', ip: '10.0.0.2' }), aCheck({ id: 'a' })]);
      await clock.advance(7_000);
      expect(script.startsOf('a')).toEqual([0, 10_000]);
      expect(script.startsOf('b')).toEqual([200, 10_200]);
      expect(script.aborted).toBe(0);
    });

    it('probes a changed check at once, and drops the result of the old one', async () => {
      script.play('a', 'hangs', up);
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(500);
      scheduler.set('one', [aCheck({ id: 'a', port: 6432 })]);
      await clock.advance(5_000);
      expect(script.aborted).toBe(1);
      expect(script.startsOf('a')).toEqual([0, 500]);
      expect(said('a')).toEqual([up]);
    });

    it.each([
      ['a shorter period holds from now on', 4_000, [0, 7_000, 11_000]],
      ['a longer one after the next run', 20_000, [0, 10_000, 30_000]],
    ])('does not probe again at once when only the timing changes: %s', async (_, periodMs, starts) => {
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(3_000);
      scheduler.set('one', [aCheck({ id: 'a', timing: { periodMs } })]);
      await clock.advance((starts[2] ?? 0) - 3_000);
      expect(script.startsOf('a')).toEqual(starts);
    });

    it('uses other thresholds without a new probe', async () => {
      script.play('a', { afterMs: 500, verdict: up });
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(200);
      scheduler.set('one', [aCheck({ id: 'a', timing: { failureThreshold: 7 } })]);
      await clock.advance(10 * SECOND);
      expect(script.startsOf('a')).toEqual([0, 10_000]);
      expect(said('a')).toEqual([up]);
    });

    it.each<[string, Partial<Check>]>([
      ['port', { port: 6432 }],
      ['address', { ip: '10.0.0.9' }],
      ['host header', { host: 'other.example' }],
      ['path', { handler: { kind: 'httpGet', request: { ...request, path: '/other' } } }],
      ['kind', { handler: { kind: 'tcpSocket' } }],
    ])('takes another %s for another probe', async (_, change) => {
      const check = aCheck({ id: 'a', handler: { kind: 'httpGet', request } });
      const scheduler = schedulerOf();
      scheduler.set('one', [check]);
      await clock.advance(100);
      scheduler.set('one', [aCheck({ ...check, ...change })]);
      await clock.advance(100);
      expect(script.startsOf('a')).toEqual([0, 100]);
    });

    it('does not probe a removed check again, and drops the result of its run', async () => {
      script.play('a', { afterMs: 800, verdict: down });
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' }), aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await clock.advance(100);
      scheduler.set('one', [aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await clock.advance(20 * SECOND);
      expect(script.startsOf('a')).toEqual([0]);
      expect(said('a')).toEqual([]);
      expect(script.aborted).toBe(1);
      expect(said('b')).toHaveLength(3);
    });

    it('stops all work of an owner whose list becomes empty', async () => {
      const scheduler = schedulerOf();
      scheduler.set('one', hosts(3, '1'));
      await clock.advance(0);
      scheduler.set('one', []);
      await clock.advance(60 * SECOND);
      expect(script.starts).toHaveLength(3);
      expect(scheduler.stats()).toEqual({ checks: 0, probes: 0, running: 0, waiting: 0 });
    });

    it('keeps separate results for two ports of one address, and for one address of two owners', async () => {
      script.play('10.0.0.1:2', down);
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ port: 1 }), aCheck({ port: 2 })]);
      scheduler.set('two', [aCheck({ port: 1 })]);
      await clock.advance(0);
      scheduler.remove('two');
      await clock.advance(10 * SECOND);
      const told = verdicts.map(({ owner, id, verdict }) => `${owner} ${id} ${verdict.kind}`);
      expect(told.toSorted()).toEqual([
        'one 10.0.0.1:1 up',
        'one 10.0.0.1:1 up',
        'one 10.0.0.1:2 down',
        'one 10.0.0.1:2 down',
        'two 10.0.0.1:1 up',
      ]);
    });
  });

  describe('the same probe of several backends', () => {
    const told = (): string[] =>
      verdicts.map(({ owner, id, verdict, at }) => `${at} ${owner} ${id} ${verdict.kind}`);

    it('runs once, and each backend gets the result for its own check', async () => {
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b', host: 'db.example', timing: { failureThreshold: 1 } })]);
      await clock.advance(10 * SECOND);
      expect(script.starts).toHaveLength(2);
      expect(told()).toEqual(['0 one a up', '0 two b up', '10000 one a up', '10000 two b up']);
      expect(scheduler.stats()).toMatchObject({ checks: 2, probes: 1 });
    });

    it('is a separate probe when the timing differs', async () => {
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b', timing: { periodMs: 4_000 } })]);
      await clock.advance(11 * SECOND);
      expect([script.startsOf('a'), script.startsOf('b')]).toEqual([
        [0, 10_000],
        [0, 4_000, 8_000],
      ]);
    });

    it('has a result at once when the result is known', async () => {
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(3 * SECOND);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await clock.advance(8 * SECOND);
      expect(told()).toEqual(['0 one a up', '3000 two b up', '10000 one a up', '10000 two b up']);
    });

    it('runs at once for a new backend when the first still waits for its turn', async () => {
      const scheduler = schedulerOf({ random: () => 0.9 });
      scheduler.set('one', [aCheck({ id: 'a' })], { fresh: false });
      await clock.advance(1 * SECOND);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await clock.advance(10);
      expect(told()).toEqual(['1000 one a up', '1000 two b up']);
    });

    it('continues, run in flight included, until the last backend is removed', async () => {
      script.play('a', { afterMs: 500, verdict: up });
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await clock.advance(100);
      scheduler.remove('one');
      await clock.advance(10 * SECOND);
      scheduler.remove('two');
      await clock.advance(20 * SECOND);
      expect(told()).toEqual(['500 two b up']);
      expect(script.startsOf('a')).toEqual([0, 10_000]);
      expect(script.aborted).toBe(1);
    });

    it('is not reported to a check that was removed while the others were notified', async () => {
      const scheduler: TeamScheduler = schedulerOf({
        onVerdict: (owner, { id }) => {
          verdicts.push({ owner, id, verdict: up, at: clock.now(), durationMs: 0 });
          scheduler.remove('two');
        },
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await clock.advance(0);
      expect(told()).toEqual(['0 one a up']);
    });

    it('counts as one run for the metrics', async () => {
      const runs: string[] = [];
      const scheduler = schedulerOf({
        onRun: (check, { kind }, ms) => runs.push(`${check.handler.kind} ${kind} ${ms}`),
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      scheduler.set('two', [aCheck({ id: 'b' })]);
      await clock.advance(3 * SECOND);
      scheduler.set('three', [aCheck({ id: 'c' })]);
      await clock.advance(0);
      expect(runs).toEqual(['tcpSocket up 0']);
      expect(verdicts).toHaveLength(3);
    });
  });

  describe('bounds', () => {
    it('runs at most two probes of one host at a time, and all of them in turns', async () => {
      const checks = Array.from({ length: 7 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of checks) script.play(id, { afterMs: 100, verdict: up });
      schedulerOf().set('one', checks);
      await clock.advance(400);
      expect(script.peak.host).toBe(2);
      expect(verdicts.map(({ at }) => at)).toEqual([100, 100, 200, 200, 300, 300, 400]);
    });

    it('does not let a busy host delay the others', async () => {
      const busy = Array.from({ length: 50 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of busy) script.play(id, 'hangs');
      schedulerOf({ limits: { maxConcurrent: 6, maxPerHost: 2, maxPerHostAndNamespace: 2 } }).set('one', [
        ...busy,
        aCheck({ id: 'b', ip: '10.0.0.2' }),
      ]);
      await clock.advance(1);
      expect(said('b')).toEqual([up]);
    });

    it('keeps the period of responding checks next to 500 silent ones that need ten times the slots', async () => {
      const timing = { periodMs: 1_000, timeoutMs: 1_000 };
      const holes = hosts(500, '1', timing);
      const answering = hosts(200, '2', timing);
      for (const { id } of holes) script.play(id, 'hangs');
      schedulerOf().set('one', [...holes, ...answering]);
      await clock.advance(20 * SECOND);
      const warm = script.starts.length;
      await clock.advance(20 * SECOND);
      for (const { id } of answering)
        expect(script.startsOf(id).filter((at) => at > 20 * SECOND)).toHaveLength(20);
      const seen = new Set(script.starts.slice(warm).map(({ id }) => id));
      for (const { id } of holes) expect(seen.has(id)).toBe(true);
      expect(script.peak.all).toBeLessThanOrEqual(100);
    });

    it('delays no check when 500 stop responding at once and there are slots', async () => {
      const timing = { timeoutMs: 1_000, failureThreshold: 1 };
      const [dying, living] = [hosts(500, '1', timing), hosts(500, '2', timing)];
      schedulerOf({
        random: seeded(),
        limits: { maxConcurrent: 200, maxPerHost: 2, maxPerHostAndNamespace: 2 },
      }).set('one', [...dying, ...living], { fresh: false });
      await clock.advance(20 * SECOND);
      for (const { id } of dying) script.play(id, 'hangs');
      await clock.advance(12 * SECOND);
      expect(Math.max(...lateness)).toBeLessThanOrEqual(TICK);
      const silent = verdicts.filter(({ at, verdict }) => at > 20 * SECOND && verdict.reason === 'Timeout');
      expect(new Set(silent.map(({ id }) => id)).size).toBe(500);
    });

    it('starts no more than 256 probes in one turn of the event loop', async () => {
      const checks = hosts(1_000, '1');
      for (const { id } of checks) script.play(id, { afterMs: 1, verdict: up });
      schedulerOf({ limits: { maxConcurrent: 4_096, maxPerHost: 2, maxPerHostAndNamespace: 2 } }).set(
        'one',
        checks,
      );
      await clock.advance(20);
      const perTurn = new Map<number, number>();
      for (const { at } of script.starts) perTurn.set(at, (perTurn.get(at) ?? 0) + 1);
      expect(script.starts).toHaveLength(1_000);
      expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(256);
    });

    it('probes a new address before failed ones', async () => {
      const holes = hosts(100, '1', { periodMs: 1_000 });
      for (const { id } of holes) script.play(id, 'hangs');
      const scheduler = schedulerOf({
        limits: { maxConcurrent: 4, maxPerHost: 2, maxPerHostAndNamespace: 2 },
      });
      scheduler.set('one', holes);
      await clock.advance(60 * SECOND);
      scheduler.set('two', [aCheck({ id: 'new' })]);
      await clock.advance(1 * SECOND);
      expect(said('new')).toEqual([up]);
    });
  });

  describe('fairness', () => {
    it('does not put an address that failed once behind failed ones', async () => {
      const holes = hosts(200, '1', { timeoutMs: 10_000 });
      for (const { id } of holes) script.play(id, 'hangs');
      const good = hosts(10, '2');
      const scheduler = schedulerOf();
      scheduler.set('other', holes);
      scheduler.set('one', good);
      await clock.advance(120 * SECOND);
      for (const { id } of good) script.play(id, down, up);
      await clock.advance(25 * SECOND);
      for (const { id } of good) {
        const [before = 0, ...rest] = script.startsOf(id).filter((at) => at > 100 * SECOND);
        expect(rest.map((at, i) => at - (rest[i - 1] ?? before))).toEqual(rest.map(() => 10_000));
      }
    });

    it.each([60, 3_600])(
      'notices a failure, a recovery and a new address in time next to 4,000 silent ones with a timeout of %d s',
      async (timeoutSeconds) => {
        const scheduler = schedulerOf({
          random: seeded(),
          limits: { maxConcurrent: 4_096, maxPerHost: 2, maxPerHostAndNamespace: 2 },
        });
        const [dies, returns, added] = hosts(3, '9');
        if (dies === undefined || returns === undefined || added === undefined) return;
        script.play(returns.id, down);
        scheduler.set('one', [dies, returns]);
        await clock.advance(60 * SECOND);
        for (const [net, owner] of ['a', 'b', 'c', 'd'].entries()) {
          const holes = hosts(1_000, String(20 + net), { timeoutMs: timeoutSeconds * SECOND });
          for (const { id } of holes) script.play(id, 'hangs');
          scheduler.set(owner, holes);
        }
        await clock.advance(200 * SECOND);
        const from = clock.now();
        script.play(dies.id, timedOut);
        script.play(returns.id, up);
        scheduler.set('one', [dies, returns, added]);
        await clock.advance(32 * SECOND);
        const later = (id: string) => verdicts.filter((each) => each.id === id && each.at >= from);
        expect(later(added.id)[0]?.at).toBe(from);
        expect(later(returns.id)[0]?.at).toBeLessThanOrEqual(from + 10.6 * SECOND);
        expect(later(dies.id)[2]?.at).toBeLessThanOrEqual(from + 31.6 * SECOND);
      },
    );

    it('keeps the period of the responding ports of a gateway next to 24 silent ones', async () => {
      const ports = Array.from({ length: 32 }, (__, i) => aCheck({ port: i + 1 }));
      const [silent, answering] = [ports.slice(8), ports.slice(0, 8)];
      for (const { id } of silent) script.play(id, 'hangs');
      schedulerOf({ random: seeded() }).set('one', ports);
      await clock.advance(120 * SECOND);
      const [dying, ...living] = answering;
      const from = clock.now();
      script.play(dying?.id ?? '', 'hangs');
      await clock.advance(60 * SECOND);
      const failures = verdicts.filter(({ id, at }) => id === dying?.id && at > from);
      // The first failure ends a period and a timeout later at most, each further one a period after that.
      expect(failures[2]?.at).toBeLessThanOrEqual(from + 3 * 10.5 * SECOND + SECOND);
      for (const { id } of living)
        expect(script.startsOf(id).filter((at) => at > from).length).toBeGreaterThanOrEqual(5);
      expect(script.peak.host).toBe(2);
    });

    it('with one slot per host delays a port that answers by the timeout of one silent port', async () => {
      const ports = Array.from({ length: 9 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of ports.slice(1)) script.play(id, 'hangs');
      schedulerOf({
        random: seeded(),
        limits: { maxConcurrent: 100, maxPerHost: 1, maxPerHostAndNamespace: 1 },
      }).set('one', ports);
      await clock.advance(60 * SECOND);
      const before = clock.now();
      await clock.advance(120 * SECOND);
      const starts = script.startsOf('10.0.0.1:1').filter((at) => at > before);
      const gaps = starts.slice(1).map((at, i) => at - (starts[i] ?? 0));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(10.5 * SECOND + SECOND + TICK);
      expect(script.peak.host).toBe(1);
    });

    it('probes the ports of a silent gateway in turns, and notices one that recovers', async () => {
      const ports = Array.from({ length: 16 }, (_, i) => aCheck({ port: i + 1 }));
      for (const { id } of ports) script.play(id, 'hangs');
      schedulerOf({ random: seeded() }).set('one', ports);
      await clock.advance(120 * SECOND);
      script.play('10.0.0.1:7', up);
      await clock.advance(11 * SECOND);
      expect(said('10.0.0.1:7')).toContain(up);
    });
  });

  describe('a suspension of the machine', () => {
    it.each([10, 60, 3_600])(
      'of 12 s makes no probe later than ten seconds, and a new one not at all, at a period of %d s',
      async (periodSeconds) => {
        const periodMs = periodSeconds * SECOND;
        const scheduler = schedulerOf({ random: seeded() });
        scheduler.set('one', hosts(200, '1', { periodMs }), { fresh: false });
        await clock.advance(3 * periodMs);
        scheduler.set('two', [aCheck({ ip: '10.2.0.1', timing: { periodMs, initialDelayMs: SECOND } })]);
        await clock.advance(500);
        const due = new Map<string, number>();
        for (const { id } of hosts(200, '1'))
          due.set(id, Math.max(...script.startsOf(id)) + 1.05 * periodMs + TICK);
        clock.jump(12 * SECOND);
        const resumedAt = clock.now();
        await clock.advance(0);
        expect(script.startsOf('10.2.0.1:5432')).toEqual([resumedAt]);
        const seen = script.starts.length;
        await clock.advance(2 * periodMs);
        for (const [id, at] of due) {
          const next = script.starts.slice(seen).find((each) => each.id === id)?.at ?? Infinity;
          expect(next).toBeLessThanOrEqual(Math.max(at, resumedAt) + 10 * SECOND + TICK);
        }
      },
    );

    it('in the middle of a run makes its failure inconclusive, because nothing ran in that time', async () => {
      script.play('a', 'hangs');
      schedulerOf().set('one', [aCheck({ id: 'a' })]);
      await clock.advance(500);
      clock.jump(3_600 * SECOND);
      await clock.advance(0);
      expect(said('a')).toEqual([overran]);
    });
  });

  describe('handlers', () => {
    const pem = 'x'.repeat(64).concat('\n').repeat(4_000);
    const credentials = { username: 'probe', password: 'secret' };
    const login = (over: object = {}): Check['handler'] => ({
      kind: 'postgres',
      sslMode: 'verify-full',
      saturatedIs: 'down',
      tls: { ca: `${pem}${'y'.repeat(3)}` },
      credentials: { ...credentials },
      ...over,
    });

    it('of equal content are one probe and one object, whichever backend has them', async () => {
      const asked: unknown[] = [];
      const probe: ProbeSchedulerOptions['probe'] = ({ handler }) => {
        asked.push(handler);
        return Promise.resolve(up);
      };
      const scheduler = schedulerOf({ probe });
      scheduler.set('one', [aCheck({ handler: login() }), aCheck({ ip: '10.0.0.2', handler: login() })]);
      scheduler.set('two', [aCheck({ handler: login() })]);
      await clock.advance(0);
      scheduler.set('one', [aCheck({ handler: login() }), aCheck({ ip: '10.0.0.3', handler: login() })]);
      await clock.advance(SECOND);
      expect(asked).toHaveLength(3);
      expect(new Set(asked).size).toBe(1);
      expect(scheduler.stats()).toMatchObject({ checks: 3, probes: 2 });
    });

    it.each<[string, object]>([
      ['password', { credentials: { ...credentials, password: 'Secret' } }],
      ['authority', { tls: { ca: `${pem}${'z'.repeat(3)}` } }],
      [
        'byte in the middle of an authority',
        { tls: { ca: `${pem.slice(0, 9_999)}z${pem.slice(10_000)}yyy` } },
      ],
      ['mode', { sslMode: 'verify-ca' }],
    ])('that differ in the %s are different probes', async (_, over) => {
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ handler: login() })]);
      await clock.advance(100);
      scheduler.set('two', [aCheck({ handler: login(over) })]);
      expect(scheduler.stats()).toMatchObject({ checks: 2, probes: 2 });
      scheduler.set('one', [aCheck({ handler: login(over) })]);
      expect(scheduler.stats()).toMatchObject({ checks: 2, probes: 1 });
    });
  });

  describe('faults', () => {
    it('treats a probe that throws as inconclusive, reports the bug, and continues', async () => {
      script.play('a', 'throws', up);
      schedulerOf().set('one', [aCheck({ id: 'a' })]);
      await clock.advance(10 * SECOND);
      expect(said('a').map(({ kind, reason }) => [kind, reason])).toEqual([
        ['inconclusive', 'ProberFault'],
        ['up', 'Connected'],
      ]);
      expect(faults).toEqual([new Error('a bug in the probe')]);
    });

    it('abandons a probe that does not end, frees its slot and drops its late result', async () => {
      let answer: (verdict: Verdict) => void = () => undefined;
      let calls = 0;
      const probe = (): Promise<Verdict> => {
        calls += 1;
        return calls === 1 ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(up);
      };
      const scheduler = schedulerOf({
        probe,
        limits: { maxConcurrent: 1, maxPerHost: 1, maxPerHostAndNamespace: 1 },
      });
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(3 * SECOND);
      expect(said('a')).toEqual([overran]);
      expect(scheduler.stats()).toEqual({ checks: 1, probes: 1, running: 0, waiting: 0 });
      answer(down);
      await clock.advance(7 * SECOND);
      expect(said('a')).toEqual([overran, up]);
    });

    it('continues after a listener throws', async () => {
      const boom = new Error('listener');
      schedulerOf({
        onVerdict: () => {
          throw boom;
        },
      }).set('one', [aCheck({ id: 'a' })]);
      await clock.advance(20 * SECOND);
      expect(script.startsOf('a')).toHaveLength(3);
      expect(faults).toEqual([boom, boom, boom]);
    });
  });

  describe('stopping', () => {
    it('aborts the runs, waits for them, reports nothing more and starts nothing more', async () => {
      script.play('a', 'hangs');
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' }), aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await clock.advance(10);
      await scheduler.stop();
      scheduler.set('two', [aCheck({ id: 'c' })]);
      await clock.advance(60 * SECOND);
      expect(verdicts.map(({ id }) => id)).toEqual(['b']);
      expect([script.running, script.starts.length, script.aborted, clock.armed]).toEqual([0, 2, 1, 0]);
    });

    it('does not wait without limit for a probe that ignores the signal', async () => {
      script.play('a', 'never settles');
      const scheduler = schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await clock.advance(10);
      const end = scheduler.stop();
      await clock.advance(1_000);
      await end;
      expect(clock.armed).toBe(0);
    });
  });

  it('keeps its limits, and reports only checks that are set, whatever is set and however probes behave', async () => {
    const behaviour = fc.constantFrom<Behaviour>('hangs', 'throws', 'never settles', up, down, {
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
        clock = new ManualClock();
        script = new ScriptedProbe(clock);
        const wanted = new Map<string, Set<string>>();
        const limits = { maxConcurrent: 4, maxPerHost: 2, maxPerHostAndNamespace: 2 };
        const scheduler = schedulerOf({
          limits,
          onVerdict: (owner, { id }) => expect(wanted.get(owner)).toContain(id),
        });
        for (const { owner, checks, fresh, pauseMs } of acts) {
          const list = checks.map(({ port, host, periodMs }) =>
            aCheck({ id: `${owner} ${host}:${port}`, ip: `10.0.0.${host}`, port, timing: { periodMs } }),
          );
          checks.forEach((each, i) => script.play(list[i]?.id ?? '', each.behaviour));
          wanted.set(owner, new Set(list.map(({ id }) => id)));
          scheduler.set(owner, list, { fresh });
          await clock.advance(pauseMs);
          const stats = scheduler.stats();
          expect(stats.checks).toBe([...wanted.values()].reduce((sum, { size }) => sum + size, 0));
          expect(stats.probes).toBeLessThanOrEqual(stats.checks);
          expect(stats.running).toBeLessThanOrEqual(4);
          expect(stats.waiting).toBeGreaterThanOrEqual(0);
        }
        expect(
          faults.filter((error) => !(error instanceof Error && error.message === 'a bug in the probe')),
        ).toEqual([]);
        for (const owner of wanted.keys()) scheduler.remove(owner);
        await clock.advance(10 * SECOND);
        expect(scheduler.stats()).toEqual({ checks: 0, probes: 0, running: 0, waiting: 0 });
        expect(clock.armed).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
