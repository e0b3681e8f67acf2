import type { Timing } from '../../core/probing/check.ts';
import { TICK_MS } from '../../util/deadline-timer.ts';
import type { Random } from '../../util/clock.ts';

/**
 * Jitter: a planned run is delayed by at most this part of the period, so that checks are not synchronised.
 */
const JITTER = 0.05;

/**
 * A run that starts later than this part of its period shifts the phase, so that the next run does not follow
 * too soon. As much time again is not counted if the run waited for a slot: a silent check of the same IP,
 * with the default timeout, must not make each later probe of the others late.
 */
const LATE = 0.1;

/**
 * The same as a time, and as a part of a short period: timers are late by this time now and then. A period of 100 ms
 * would otherwise become 130 ms on a busy machine, because each late run is delayed again.
 */
const USUAL_LATE_MS = 25;
const MAX_LATE = 0.25;

/** Ticks delay a run by at most this part of its period. */
const TICK = 0.05;

/** A late run delays the next one by at most this additional part of the period. */
const SPREAD = 0.5;

/**
 * Returns the first instant of a check. `fresh`: it is new, and its address waits to be published: after its
 * initial delay. Otherwise an earlier process has published it: at a random instant within one period, so
 * that a start causes no burst, and within `withinMs` if that is given.
 */
export function firstRun(
  { initialDelayMs, periodMs }: Timing,
  { fresh, withinMs = periodMs }: { readonly fresh: boolean; readonly withinMs?: number | undefined },
  now: number,
  random: Random,
): number {
  return now + (fresh ? initialDelayMs : random() * Math.min(periodMs, withinMs));
}

/** After the machine was suspended, overdue runs are spread over at most this time. */
const MAX_CATCH_UP_MS = 10_000;

/**
 * Returns the instant of an overdue check after the machine was suspended: within ten seconds, and within one
 * period.
 */
export function catchUp(periodMs: number, now: number, random: Random): number {
  return now + random() * Math.min(periodMs, MAX_CATCH_UP_MS);
}

/** Returns the time between two firings of the timer that suffices for this check. */
export const tickOf = ({ periodMs, retryMs = periodMs }: Timing): number =>
  Math.min(TICK_MS, TICK * Math.min(periodMs, retryMs));

export interface FinishedRun {
  /** Planned instant, without jitter. */
  readonly phase: number;
  /** Time when it began to wait for a slot. */
  readonly dueAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * Returns the next phase: a period after the last one, however long the run took, and at once if that has
 * passed (runs of a check never overlap). After a late start the phase is set again: verdicts that count
 * toward a threshold are a period apart, never instant retries, and missed runs are not repeated. The next
 * run is then delayed by a random part of twice the lateness. Otherwise probes that were late together,
 * because the process was busy for seconds, would stay synchronised and be late again.
 */
export function nextPhase(ran: FinishedRun, periodMs: number, random: Random): number {
  const lateMs = ran.startedAt - ran.phase;
  const allowedMs = Math.max(LATE * periodMs, Math.min(USUAL_LATE_MS, MAX_LATE * periodMs));
  if (lateMs - Math.min(ran.startedAt - ran.dueAt, allowedMs) <= allowedMs)
    return Math.max(ran.endedAt, ran.phase + periodMs);
  const spreadMs = random() * Math.min(2 * lateMs, SPREAD * periodMs);
  return Math.max(ran.endedAt, ran.startedAt + periodMs + spreadMs);
}

/**
 * Returns the next phase after the first run of a new check: half to a whole period later. Checks that were
 * created together are probed together only once. This reaches no threshold sooner, because the first verdict
 * decides by itself.
 */
export function secondPhase(ran: FinishedRun, periodMs: number, random: Random): number {
  return nextPhase(ran, periodMs * (1 - random() / 2), random);
}

/**
 * Returns the instant at which the run of `phase` is planned: up to 5 % of a period after it. Two runs are 95
 * to 105 % of a period apart.
 */
export function jittered(phase: number, now: number, periodMs: number, random: Random): number {
  return phase > now ? phase + random() * JITTER * periodMs : phase;
}
