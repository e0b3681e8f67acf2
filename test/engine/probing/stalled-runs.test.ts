import { beforeEach, describe, expect, it } from '@jest/globals';

import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { ProbeScheduler } from '../../../src/engine/probing/scheduler.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { down, timedOut } from '../../support/builders/verdicts.ts';
import { aCheck, ScriptedProbe } from '../../support/fakes/scripted-probe.ts';

const limits = { maxConcurrent: 16, maxPerHost: 8, maxPerHostAndNamespace: 2 };

describe('a probe with a timeout of one second, of a process that stands still,', () => {
  let clock: ManualClock;
  let script: ScriptedProbe;
  let verdicts: Verdict[];

  beforeEach(async () => {
    clock = new ManualClock();
    script = new ScriptedProbe(clock);
    verdicts = [];
    const scheduler = new ProbeScheduler({
      ...{ clock, limits, probe: script.probe, random: () => 0.5 },
      onVerdict: (_, __, verdict) => verdicts.push(verdict),
    });
    scheduler.start();
    script.play('a', 'hangs');
    scheduler.set('one', [aCheck({ id: 'a' })], { namespace: 'shop' });
    await clock.advance(0);
    expect(script.running).toBe(1);
  });

  it.each<[string, number, number, object]>([
    ['for less than a quarter of it at its end', 900, 280, timedOut],
    ['for more than a quarter of it at its end', 900, 360, { kind: 'inconclusive', reason: 'ProberFault' }],
    ['for less than a quarter of it in between', 100, 240, timedOut],
    ['for more than a quarter of it in between', 100, 360, { kind: 'inconclusive', reason: 'ProberFault' }],
  ])('%s', async (_, before, stallMs, expected) => {
    await clock.advance(before);
    clock.jump(stallMs);
    await clock.advance(1_000);
    expect(verdicts).toEqual([expect.objectContaining(expected)]);
  });

  it('is down where the server refuses, because that is an answer', async () => {
    script.play('a', { afterMs: 700, verdict: down });
    await clock.advance(10_500);
    clock.jump(600);
    await clock.advance(1_000);
    expect(verdicts).toEqual([timedOut, down]);
  });

  it('before it began is down at its timeout', async () => {
    await clock.advance(5_000);
    clock.jump(1_000);
    await clock.advance(8_000);
    expect(verdicts).toEqual([timedOut, timedOut]);
  });
});
