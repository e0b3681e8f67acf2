import { OperatorError } from '../../core/errors.ts';

/**
 * The run succeeded. `afterMs`: milliseconds until the next run at the latest (absent: when the key is added
 * again).
 */
export interface Success {
  readonly ok: true;
  readonly requeueAfterMs?: number;
}

/**
 * The run failed, and a deadline comes in `afterMs`: the next run is then at the latest, whatever the error
 * requires.
 */
export interface Failed {
  readonly ok: false;
  readonly error: OperatorError;
  readonly requeueAfterMs: number;
}

/** Result of one run of a key. */
export type Outcome = Success | Failed | OperatorError;

/** Returns the error of an outcome; undefined: none. */
export function errorOf(outcome: Outcome): OperatorError | undefined {
  if (outcome instanceof OperatorError) return outcome;
  return outcome.ok ? undefined : outcome.error;
}

/** Returns the outcome with the next run after this time at the latest; undefined: as the outcome is. */
export function noLaterThan(outcome: Outcome, ms: number | undefined): Outcome {
  if (ms === undefined) return outcome;
  if (outcome instanceof OperatorError) return { ok: false, error: outcome, requeueAfterMs: ms };
  return { ...outcome, requeueAfterMs: Math.min(outcome.requeueAfterMs ?? Infinity, ms) };
}

/** Delay of a `waiting` error without `afterMs`. */
const WAIT_MS = 1_000;

/**
 * Milliseconds until the next run of the key; undefined: when it is added.
 *
 * | outcome            | next                                         |
 * |--------------------|----------------------------------------------|
 * | ok                 | afterMs, if given                            |
 * | waiting            | afterMs (1 s when not given)                 |
 * | transient          | max(backoff, afterMs)                        |
 * | terminal           | slow backoff: a minute, later ten; no watch reports changes of what refuses (a policy, a quota, a Secret, another Service) |
 * | Failed             | the earlier of its error's and its afterMs   |
 */
export function requeueDelayMs(outcome: Outcome, waits: Waits): number | undefined {
  if (outcome instanceof OperatorError) return retryMs(outcome, waits);
  if (outcome.ok) return outcome.requeueAfterMs;
  return Math.min(outcome.requeueAfterMs, retryMs(outcome.error, waits));
}

/** Delays of a failure, by the number of failures in a row. */
export interface Waits {
  readonly backoffMs: () => number;
  readonly slowMs: () => number;
}

function retryMs({ kind, afterMs }: OperatorError, { backoffMs, slowMs }: Waits): number {
  switch (kind) {
    case 'terminal':
      return slowMs();
    case 'waiting':
      return afterMs ?? WAIT_MS;
    case 'transient':
      return Math.max(afterMs ?? 0, backoffMs());
  }
}
