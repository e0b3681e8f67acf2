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
