import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { timedBy } from '../../../src/core/probing/probe-timing.ts';
import { factorFor, withLongerPeriods } from '../../../src/core/probing/period-factor.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';

const rest = { initialDelaySeconds: 0, successThreshold: 1, failureThreshold: 3 };

describe('the times of a probe', () => {
  it.each([
    [{}, 10_000, 1_000, undefined],
    [{ periodSeconds: 5, timeoutSeconds: 2 }, 5_000, 2_000, undefined],
    [{ periodMilliseconds: 100 }, 100, 100, undefined],
    [{ periodMilliseconds: 250, timeoutMilliseconds: 100 }, 250, 100, undefined],
    [{ periodSeconds: 10, retryPeriodSeconds: 1 }, 10_000, 1_000, 1_000],
    [{ periodSeconds: 10, retryPeriodMilliseconds: 200 }, 10_000, 1_000, 200],
    [{ periodSeconds: 1, retryPeriodSeconds: 1 }, 1_000, 1_000, undefined],
    [{ periodMilliseconds: 500, retryPeriodSeconds: 1 }, 500, 500, undefined],
  ])('of %j are in milliseconds', (given, periodMs, timeoutMs, retryMs) => {
    const { timing, cut } = timedBy({ ...rest, ...given });
    expect([timing.periodMs, timing.timeoutMs, timing.retryMs]).toEqual([periodMs, timeoutMs, retryMs]);
    expect(cut).toBeUndefined();
  });

  it('report a timeout that is shorter than in the spec', () => {
    expect(timedBy({ ...rest, periodMilliseconds: 100, timeoutMilliseconds: 2_500 })).toMatchObject({
      timing: { timeoutMs: 100 },
      cut: 'timeout 0.1 s instead of 2.5 s (at most the period, and at most 60 s)',
    });
  });

  it('are stretched together, and retries remain at least as frequent as periods', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 60_000 }),
        fc.integer({ min: 100, max: 60_000 }),
        fc.double({ min: 1, max: 50, noNaN: true }),
        (a, b, needed) => {
          const [retryMs, periodMs] = [Math.min(a, b), Math.max(a, b)];
          const factor = factorFor(needed);
          const { timing } = withLongerPeriods(aCheck({ timing: { periodMs, retryMs } }), factor);
          expect(timing.periodMs).toBe(Math.round(periodMs * factor));
          expect(timing.retryMs).toBe(Math.round(retryMs * factor));
          expect(timing.retryMs ?? Infinity).toBeLessThanOrEqual(timing.periodMs);
        },
      ),
    );
  });
});
