import type { Timing } from '../core/check.ts';
import type { Random } from './ports.ts';

/** A planned run is put off by at most this part of the period, so that checks do not move in step. */
const JITTER = 0.05;

/** Two runs are at least a period less this part of it apart. */
const LATE = 0.1;

/**
 * When a check is run first. `fresh`: it is new, and its address waits to be published: after its initial delay.
 * Otherwise it is known from an earlier process: anywhere in one period, so that a start is no burst.
 */
export function firstRun(timing: Timing, fresh: boolean, now: number, random: Random): number {
  return now + (fresh ? timing.initialDelayMs : random() * timing.periodMs);
}

export interface Ran {
  /** The instant the rhythm meant, without jitter. */
  readonly phase: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The next instant of the rhythm: a period after the last one, however long the run took, and at once where that
 * has passed (runs of a check never overlap). After a late start the instants that would follow too soon are left out:
 * verdicts count toward a threshold a period apart, never as instant retries; missed runs are not made up for. The rhythm
 * stays where it was, so that what was late together (the process was busy) is not in step from then on.
 */
export function nextPhase(ran: Ran, periodMs: number): number {
  const soonest = ran.startedAt + (1 - LATE) * periodMs;
  const periods = Math.max(1, Math.ceil((soonest - ran.phase) / periodMs));
  return Math.max(ran.endedAt, ran.phase + periods * periodMs);
}

/**
 * The same after the first run of a new check: half to a whole period later. What was created together is probed
 * together once and never again. No threshold is met sooner by it, for the first verdict decides by itself.
 */
export function secondPhase(ran: Ran, periodMs: number, random: Random): number {
  return nextPhase(ran, periodMs * (1 - random() / 2));
}

/** The instant at which the run of `phase` is planned: up to 5 % of a period after it. Two runs are 95 to 105 % of a period apart. */
export function jittered(phase: number, now: number, periodMs: number, random: Random): number {
  return phase > now ? phase + random() * JITTER * periodMs : phase;
}
