import { OperatorError } from '../core/errors.ts';

/** The key is done with. `afterMs`: look again then at the latest (absent: when it is added again). */
export interface Done {
  readonly ok: true;
  readonly afterMs?: number;
}

/** The run failed, and something changes by the mere passing of time: look again in `afterMs` at the latest, whatever the error says. */
export interface Failed {
  readonly ok: false;
  readonly error: OperatorError;
  readonly afterMs: number;
}

/** What one run of a key came to. */
export type Outcome = Done | Failed | OperatorError;

/** What went wrong; undefined: nothing. */
export function errorOf(outcome: Outcome): OperatorError | undefined {
  if (outcome instanceof OperatorError) return outcome;
  return outcome.ok ? undefined : outcome.error;
}

/** A `waiting` error should say how long; one that does not waits this long. */
const WAIT_MS = 1_000;

/**
 * In how many milliseconds the key is looked at again; undefined: when it is added.
 *
 * | outcome            | next                                         |
 * |--------------------|----------------------------------------------|
 * | ok                 | afterMs, if given                            |
 * | waiting            | afterMs (1 s when not given)                 |
 * | transient          | max(backoff, afterMs)                        |
 * | terminal           | slow backoff: a minute, later ten; what refuses (a policy, a quota, a Secret, another Service) changes without a word to us |
 * | Failed             | the earlier of its error's and its afterMs   |
 */
export function nextMs(outcome: Outcome, waits: Waits): number | undefined {
  if (outcome instanceof OperatorError) return retryMs(outcome, waits);
  if (outcome.ok) return outcome.afterMs;
  return Math.min(outcome.afterMs, retryMs(outcome.error, waits));
}

/** How long a failure waits, given how many there were in a row. */
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
