import type { Timing } from '../core/check.ts';
import type { Random } from './ports.ts';

/** A planned run is put off by at most this part of the period, so that checks do not move in step. */
const JITTER = 0.05;

/**
 * A run that starts later than this part of its period moves the rhythm, so that the next one does not follow too soon.
 * As much again does not count where it waited for a slot: a silent check of the same IP, at the default timeout, must
 * not make each later probe of the others late.
 */
const LATE = 0.1;

/** What was late is put off by at most this part of the period more. */
const SPREAD = 0.5;

/**
 * When a check is run first. `fresh`: it is new, and its address waits to be published: after its initial delay.
 * Otherwise it is known from an earlier process: anywhere in one period, so that a start is no burst, and within `withinMs`
 * where that is given.
 */
export function firstRun(
  { initialDelayMs, periodMs }: Timing,
  { fresh, withinMs = periodMs }: { readonly fresh: boolean; readonly withinMs?: number | undefined },
  now: number,
  random: Random,
): number {
  return now + (fresh ? initialDelayMs : random() * Math.min(periodMs, withinMs));
}

/** After a standstill overdue runs are spread over at most this time. */
const MAX_CATCH_UP_MS = 10_000;

/** When an overdue check runs after the machine stood still: within ten seconds, and within one period. */
export function catchUp(periodMs: number, now: number, random: Random): number {
  return now + random() * Math.min(periodMs, MAX_CATCH_UP_MS);
}

export interface Ran {
  /** The instant the rhythm meant, without jitter. */
  readonly phase: number;
  /** When it began to wait for a slot. */
  readonly dueAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The next instant of the rhythm: a period after the last one, however long the run took, and at once where that
 * has passed (runs of a check never overlap). After a late start the rhythm begins anew: verdicts count toward a
 * threshold a period apart, never as instant retries; missed runs are not made up for. Not a period later to the
 * millisecond, but up to twice as much more as it was late: what was late together, for the process was busy for seconds,
 * would else be in step from then on, and late each time.
 */
export function nextPhase(ran: Ran, periodMs: number, random: Random): number {
  const lateMs = ran.startedAt - ran.phase;
  const allowedMs = LATE * periodMs;
  if (lateMs - Math.min(ran.startedAt - ran.dueAt, allowedMs) <= allowedMs)
    return Math.max(ran.endedAt, ran.phase + periodMs);
  const spreadMs = random() * Math.min(2 * lateMs, SPREAD * periodMs);
  return Math.max(ran.endedAt, ran.startedAt + periodMs + spreadMs);
}

/**
 * The same after the first run of a new check: half to a whole period later. What was created together is probed
 * together once and never again. No threshold is met sooner by it, for the first verdict decides by itself.
 */
export function secondPhase(ran: Ran, periodMs: number, random: Random): number {
  return nextPhase(ran, periodMs * (1 - random() / 2), random);
}

/** The instant at which the run of `phase` is planned: up to 5 % of a period after it. Two runs are 95 to 105 % of a period apart. */
export function jittered(phase: number, now: number, periodMs: number, random: Random): number {
  return phase > now ? phase + random() * JITTER * periodMs : phase;
}
