import type { Random } from '../../util/clock.ts';

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

export const defaultBackoff: Backoff = { baseMs: 50, capMs: 60_000 };

/**
 * Returns the delay after the n-th failure in a row (n from 1): it doubles from `baseMs` up to `capMs`. Half
 * of it is random, so that keys that failed together are not retried together.
 */
export function backoffMs({ baseMs, capMs }: Backoff, failures: number, random: Random): number {
  const full = Math.min(capMs, baseMs * 2 ** (failures - 1));
  return full * (0.5 + random() / 2);
}

const slow = { baseMs: 60_000, capMs: 600_000, steady: 10 };

/**
 * Returns the delay after a refusal. The first ten times in a row it is between half a minute and a minute,
 * so that a corrected policy is noticed within a minute. Then it doubles each time, up to ten minutes.
 */
export const slowBackoffMs = (failures: number, random: Random): number =>
  backoffMs(slow, Math.max(1, failures - slow.steady + 1), random);
