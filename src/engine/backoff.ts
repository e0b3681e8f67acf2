import type { Random } from './ports.ts';

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

export const defaultBackoff: Backoff = { baseMs: 50, capMs: 60_000 };

/** After the n-th failure in a row (n from 1): doubles from `baseMs` up to `capMs`, of which half is random, so that those who failed together do not come back together. */
export function backoffMs({ baseMs, capMs }: Backoff, failures: number, random: Random): number {
  const full = Math.min(capMs, baseMs * 2 ** (failures - 1));
  return full * (0.5 + random() / 2);
}

const slow = { baseMs: 60_000, capMs: 600_000, steady: 10 };

/**
 * Returns how long a refusal waits until it is tried again: between half a minute and a minute the first ten times in a row, so
 * that a policy which is put right is seen within a minute; then twice as long each time, up to ten minutes.
 */
export const slowBackoffMs = (failures: number, random: Random): number =>
  backoffMs(slow, Math.max(1, failures - slow.steady + 1), random);
