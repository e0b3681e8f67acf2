import type { Spec } from '../../../src/api/external-backend.ts';
import type { Wanted } from './wanted.ts';

/** Longest durations, in milliseconds. */
export interface Bounds {
  /** From a verdict, or an edit, until all its effects are written. */
  readonly writeMs: number;
  /** Until an address that must not be published is removed. */
  readonly outMs: Readonly<Record<Exclude<Wanted['why'], ''>, number>>;
  /** Until an address that must be published is added. */
  readonly joinMs: number;
  /** Shortest time for which an address fails before it is removed. */
  readonly leastDeadMs: number;
  /** Verdicts of at most this age count together. */
  readonly windowMs: number;
  readonly failureThreshold: number;
}

/**
 * Duration of a run: a plan has some 6 consecutive writes, each in flight for at most 100 ms, and one settle
 * time.
 */
const writeMs = 1_500;
const defaults = { failureThreshold: 3, successThreshold: 1 };
/** A name is queried every 5 s. */
const refreshMs = 6_000;
/** Longest time between two runs, in periods. */
const late = 1.05;

/**
 * Computes the bounds of a spec. An address may fail just after a run, and the next run is `late` periods
 * later. failureThreshold consecutive failures follow, a period apart, and the last of them ends by its
 * timeout. The same holds when a term begins: the first run is within a period.
 *
 * @param before bounds of the spec before this edit, under which some processes may have begun
 */
export function boundsOf({ probe, targets }: Spec, before?: Bounds): Bounds {
  const { failureThreshold, successThreshold } = { ...defaults, ...probe };
  const [periodMs, timeoutMs] = [(probe?.periodSeconds ?? 10) * 1000, (probe?.timeoutSeconds ?? 1) * 1000];
  const nameMs = targets.some(({ host }) => /[a-z]/.test(host)) ? refreshMs : 0;
  const dead = (failureThreshold - 1 + late) * periodMs + timeoutMs + writeMs;
  const role = late * periodMs + timeoutMs + writeMs;
  // The second run of a new check is half a period to a period after its first.
  const leastDeadMs = Math.max(0, (failureThreshold - 1.5) * periodMs * 0.95);
  const joinMs =
    Math.max(failureThreshold, successThreshold) * periodMs * late +
    3 * periodMs +
    timeoutMs +
    writeMs +
    nameMs;
  const least = before ?? { leastDeadMs: Infinity, windowMs: 0, failureThreshold: 0 };
  return {
    writeMs: writeMs + timeoutMs,
    outMs: { dead: dead + nameMs, left: dead + nameMs, role, drained: writeMs, absent: writeMs },
    joinMs,
    leastDeadMs: Math.min(leastDeadMs, least.leastDeadMs),
    windowMs: Math.max((failureThreshold + 1) * periodMs * late, least.windowMs),
    failureThreshold: Math.max(failureThreshold, least.failureThreshold),
  };
}
