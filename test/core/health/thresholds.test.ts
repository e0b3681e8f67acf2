import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applyVerdict } from '../../../src/core/health/thresholds.ts';
import { unknownHealth, type Health } from '../../../src/core/health/state.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { up } from '../../support/builders/verdicts.ts';

const down: Verdict = { kind: 'down', reason: 'Refused', message: 'nobody listens' };
const slow: Verdict = { kind: 'down', reason: 'Timeout', message: '' };
const unsure: Verdict = { kind: 'inconclusive', reason: 'ProberFault', message: 'no descriptors' };

const at = (wall: number) => ({ now: 0, wall });
const healthy: Health = { state: 'healthy', consecutive: 0, since: 1, reason: 'Connected', message: '' };
const unhealthy: Health = {
  state: 'unhealthy',
  consecutive: 0,
  since: 1,
  reason: 'Refused',
  message: 'nobody listens',
};

describe('step', () => {
  const thresholds = { successThreshold: 2, failureThreshold: 3 };

  it.each([
    ['nothing known, up: healthy at once', unknownHealth(1), up, 'healthy', 0, 'changed'],
    ['nothing known, down: unhealthy at once', unknownHealth(1), down, 'unhealthy', 0, 'changed'],
    ['nothing known, inconclusive: still nothing', unknownHealth(1), unsure, 'unknown', 0, 'unchanged'],
    ['healthy, up: as it was', healthy, up, 'healthy', 0, 'unchanged'],
    ['healthy, first down', healthy, down, 'healthy', 1, 'pending'],
    [
      'healthy, the threshold of downs: unhealthy',
      { ...healthy, consecutive: 2 },
      down,
      'unhealthy',
      0,
      'changed',
    ],
    [
      'healthy, up after two downs: the run begins anew',
      { ...healthy, consecutive: 2 },
      up,
      'healthy',
      0,
      'unchanged',
    ],
    [
      'healthy, inconclusive after two downs: the run stands',
      { ...healthy, consecutive: 2 },
      unsure,
      'healthy',
      2,
      'unchanged',
    ],
    ['unhealthy, first up', unhealthy, up, 'unhealthy', 1, 'pending'],
    [
      'unhealthy, the threshold of ups: healthy',
      { ...unhealthy, consecutive: 1 },
      up,
      'healthy',
      0,
      'changed',
    ],
    [
      'unhealthy, down after an up: the run begins anew',
      { ...unhealthy, consecutive: 1 },
      down,
      'unhealthy',
      0,
      'unchanged',
    ],
  ] as const)('%s', (_, before, verdict, state, run, transition) => {
    const result = applyVerdict(before, verdict, thresholds, at(7));
    expect(result.transition).toBe(transition);
    expect(result.health).toMatchObject({ state, consecutive: run, since: transition === 'changed' ? 7 : 1 });
  });

  it('has the reason, message and time of the verdict that set the state', () => {
    const { health } = applyVerdict(healthy, down, { successThreshold: 1, failureThreshold: 1 }, at(99));
    expect(health).toEqual({
      state: 'unhealthy',
      consecutive: 0,
      since: 99,
      reason: 'Refused',
      message: 'nobody listens',
    });
  });

  it('keeps the reason when an unhealthy address fails in another way', () => {
    expect(applyVerdict(unhealthy, slow, thresholds, at(99)).health).toBe(unhealthy);
  });
});

describe('any sequence of verdicts', () => {
  const verdict = fc.constantFrom(up, down, slow, unsure);
  const conclusive = fc.constantFrom(up, down, slow);
  const thresholds = fc.record({
    successThreshold: fc.integer({ min: 1, max: 5 }),
    failureThreshold: fc.integer({ min: 1, max: 5 }),
  });
  const start = fc.constantFrom(unknownHealth(0), healthy, unhealthy);
  type Thresholds = Parameters<typeof applyVerdict>[2];

  const walk = (from: Health, verdicts: readonly Verdict[], t: Thresholds): Health =>
    verdicts.reduce((health, said, i) => applyVerdict(health, said, t, at(i + 10)).health, from);

  it('never changes a known state before its threshold of consecutive verdicts', () => {
    fc.assert(
      fc.property(start, fc.array(verdict, { maxLength: 40 }), thresholds, (from, verdicts, t) => {
        let health = from;
        const seen: Verdict['kind'][] = [];
        for (const said of verdicts) {
          const next = applyVerdict(health, said, t, at(5));
          if (said.kind !== 'inconclusive') seen.push(said.kind);
          const flipped = next.health.state !== health.state;
          const another = next.health.reason !== health.reason;
          expect(next.transition === 'changed').toBe(flipped || another);
          if (flipped && health.state !== 'unknown') {
            const needed = next.health.state === 'healthy' ? t.successThreshold : t.failureThreshold;
            const last = seen.slice(-needed);
            expect(last).toHaveLength(needed);
            expect(new Set(last)).toEqual(new Set([next.health.state === 'healthy' ? 'up' : 'down']));
          }
          health = next.health;
        }
      }),
    );
  });

  it('ends in the same health with inconclusive verdicts in between', () => {
    const strewn = fc.array(fc.tuple(conclusive, fc.nat({ max: 3 })), { maxLength: 30 });
    fc.assert(
      fc.property(start, strewn, thresholds, (from, pairs, t) => {
        const plain = pairs.map(([said]) => said);
        const mixed = pairs.flatMap(([said, extra]) => [said, ...Array<Verdict>(extra).fill(unsure)]);
        const { state, consecutive } = walk(from, plain, t);
        expect(walk(from, mixed, t)).toMatchObject({ state, consecutive });
      }),
    );
  });

  it('ends in the state of the last full run of consecutive verdicts', () => {
    fc.assert(
      fc.property(start, fc.array(verdict), thresholds, fc.boolean(), (from, before, t, well) => {
        const needed = well ? t.successThreshold : t.failureThreshold;
        const end = walk(from, [...before, ...Array<Verdict>(needed).fill(well ? up : down)], t);
        expect(end.state).toBe(well ? 'healthy' : 'unhealthy');
      }),
    );
  });
});
