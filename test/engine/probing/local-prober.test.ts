import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { LocalProber } from '../../../src/engine/probing/local-prober.ts';
import { RunTally } from '../../../src/engine/probing/run-tally.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { aCheck, ScriptedProbe } from '../../support/fakes/scripted-probe.ts';
import { down, up } from '../../support/builders/verdicts.ts';

const namespace = 'shop';
const set = { namespace, fresh: () => true };
const certified = (certificateExpiresAt: number): Verdict => ({ ...up, certificateExpiresAt });

describe('LocalProber', () => {
  let clock: ManualClock;
  let script: ScriptedProbe;
  let tally: RunTally;
  let reports: string[];
  let prober: LocalProber;

  beforeEach(() => {
    clock = new ManualClock();
    script = new ScriptedProbe(clock);
    tally = new RunTally();
    reports = [];
    prober = new LocalProber({
      ...{ clock, random: () => 0.5, probe: script.probe, tally },
      limits: { maxConcurrent: 16, maxPerHost: 8, maxPerHostAndNamespace: 2 },
      onChanged: (owner, { id }, before, after) =>
        reports.push(`${owner}/${id} ${before.state} to ${after.state}`),
      onNotable: (owner, { id }, { certificateExpiresAt }) =>
        reports.push(`${owner}/${id} ends at ${certificateExpiresAt}`),
      onCost: (owner, { id }, cost) => reports.push(`${owner}/${id} costs ${cost} ms`),
      onFault: () => reports.push('fault'),
    });
    prober.start();
  });

  describe('with a shorter period for retries', () => {
    const timing = { periodMs: 10_000, retryMs: 1_000, failureThreshold: 3, successThreshold: 2 };
    const gaps = (id: string): number[] => {
      const starts = script.startsOf(id);
      // The second run of a new check is earlier than a period after the first.
      return starts.slice(2).map((at, i) => Math.round((at - (starts[i + 1] ?? 0)) / 1_000));
    };

    it('probes sooner from the first failure on until the address is unhealthy, and then each period', async () => {
      script.play('a', up, up, down, down, down, down, down);
      prober.set('one', [aCheck({ id: 'a', timing })], set);
      await clock.advance(45_000);
      expect(gaps('a')).toEqual([10, 1, 1, 10, 10]);
      expect(reports).toEqual(['one/a unknown to healthy', 'one/a healthy to unhealthy']);
    });

    it('probes sooner until a recovering address is healthy, and each period after a single failure', async () => {
      script.play('a', down, up, up, up, down, up, up);
      prober.set('one', [aCheck({ id: 'a', timing })], set);
      await clock.advance(50_000);
      expect(gaps('a').slice(0, 5)).toEqual([1, 10, 10, 1, 10]);
      expect(reports).toEqual(['one/a unknown to unhealthy', 'one/a unhealthy to healthy']);
    });

    it('probes each period if its thresholds are 1', async () => {
      script.play('a', up, up, down, down, up, up);
      const one = { ...timing, failureThreshold: 1, successThreshold: 1 };
      prober.set('one', [aCheck({ id: 'a', timing: one })], set);
      await clock.advance(60_000);
      expect(gaps('a').every((gap) => gap >= 9)).toBe(true);
    });

    it('is another probe than one without it', async () => {
      const { retryMs: _, ...without } = timing;
      prober.set('one', [aCheck({ id: 'a', timing })], set);
      prober.set('two', [aCheck({ id: 'a', timing: without })], set);
      await clock.advance(1_000);
      expect(script.startsOf('a')).toHaveLength(2);
    });
  });

  it('reports transitions and no other verdict, and counts every run', async () => {
    script.play('a', up, down, down, down, down);
    prober.set('one', [aCheck({ id: 'a' })], set);
    await clock.advance(60_000);
    expect(reports).toEqual(['one/a unknown to healthy', 'one/a healthy to unhealthy']);
    const counted = tally.rows().map(({ reason, results }) => [reason, results.up + results.down]);
    expect(counted).toEqual([
      ['Connected', 1],
      ['Refused', script.starts.length - 1],
    ]);
  });

  it('reports the end of a certificate when it changes, and once a minute', async () => {
    script.play('a', certified(1), certified(1), certified(2));
    prober.set('one', [aCheck({ id: 'a' })], set);
    await clock.advance(59_000);
    expect(reports.filter((each) => each.includes('ends'))).toEqual(['one/a ends at 1', 'one/a ends at 2']);
    await clock.advance(30_000);
    expect(reports.filter((each) => each.includes('ends'))).toHaveLength(3);
  });

  it('forgets the health of a check that is not set any more, and of an owner', async () => {
    const [a, b] = [aCheck({ id: 'a' }), aCheck({ id: 'b', ip: '10.0.0.2' })];
    prober.set('one', [a, b], set);
    await clock.advance(1_000);
    prober.set('one', [b], set);
    expect([prober.healthOf('one')('a'), prober.healthOf('one')('b')?.state]).toEqual([undefined, 'healthy']);
    prober.forget('one');
    expect([prober.healthOf('one')('b'), prober.stats().checks]).toEqual([undefined, 0]);
  });
});
