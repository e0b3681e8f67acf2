import type { Spec } from '../../../src/api/external-backend.ts';
import type { Wanted } from './wanted.ts';

/** How long anything may take, in milliseconds. */
export interface Bounds {
  /** From a verdict, or an edit, until all that follows from it is written. */
  readonly writeMs: number;
  /** Until an address that does not belong there has left. */
  readonly outMs: Readonly<Record<Exclude<Wanted['why'], ''>, number>>;
  /** Until an address that belongs there is in. */
  readonly joinMs: number;
  /** How long an address is dead at least before it leaves. */
  readonly leastDeadMs: number;
  /** Verdicts of at most this age count together. */
  readonly windowMs: number;
  readonly failureThreshold: number;
}

/** Of a run: a plan has some 6 writes one after the other, each under way for 100 ms at most, and one settle time. */
const writeMs = 1_500;
const defaults = { periodSeconds: 10, failureThreshold: 3, successThreshold: 1, timeoutSeconds: 1 };
/** A name is asked every 5 s. */
const refreshMs = 6_000;
/** Two runs are at most this much apart, in periods. */
const late = 1.05;

/**
 * An address may die just after a run, whose next is `late` periods away; failureThreshold of them in a row, a period
 * apart, the last of which ends by its timeout. The same holds where a term begins: the first run is within a period.
 *
 * @param before of the spec before this edit: what takes at least so long may have begun under it
 */
export function boundsOf({ probe, targets }: Spec, before?: Bounds): Bounds {
  const { periodSeconds, failureThreshold, successThreshold, timeoutSeconds } = { ...defaults, ...probe };
  const [periodMs, timeoutMs] = [periodSeconds * 1000, timeoutSeconds * 1000];
  const nameMs = targets.some(({ host }) => /[a-z]/.test(host)) ? refreshMs : 0;
  const dead = (failureThreshold - 1 + late) * periodMs + timeoutMs + writeMs;
  const role = late * periodMs + timeoutMs + writeMs;
  // A run of a new check is half a period to a period after its first.
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
