import type { Check } from './check.ts';

/** Factors by which periods are stretched, in each power of ten: few, so that they change seldom. */
const steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8];

/** A lower factor is used only if it leaves this much room, so that factors do not change back and forth. */
const SLACK = 1.2;

/** Returns the lowest step that is at least `needed`; 1 if nothing must be stretched. */
export function factorFor(needed: number): number {
  if (needed <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(needed));
  const lowest = steps.find((step) => step * power >= needed * (1 - 1e-9));
  return (lowest ?? 10) * power;
}

/** Returns the next factor: a higher one at once, a lower one only with some room. */
export function nextFactor(needed: number, before: number): number {
  if (needed > before) return factorFor(needed);
  const lower = factorFor(needed * SLACK);
  return lower < before ? lower : before;
}

/**
 * Returns the check with longer periods. Timeouts and thresholds remain, so a failure is noticed later by the
 * same factor.
 */
export function withLongerPeriods(check: Check, factor: number): Check {
  const { periodMs, retryMs } = check.timing;
  const times = {
    periodMs: Math.round(periodMs * factor),
    ...(retryMs !== undefined && { retryMs: Math.round(retryMs * factor) }),
  };
  return { ...check, timing: { ...check.timing, ...times } };
}
