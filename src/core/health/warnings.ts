import type { Health } from './state.ts';
import { lookUp } from '../look-up.ts';
import { reasons, verdictReasons, type Warning } from '../probing/reasons.ts';
import type { Verdict } from '../probing/verdict.ts';
import type { Role } from '../role.ts';

const plainSuccesses: readonly string[] = reasons.filter(
  (reason) => verdictReasons[reason].isPlainSuccess === true,
);

/** Returns true if there is nothing to report. Empty: restored, and no verdict since. */
export const isPlainSuccess = (reason: string): boolean => reason === '' || plainSuccesses.includes(reason);

/**
 * Steps the reason that is shown, by a verdict that leaves the state unchanged.
 *
 * | state            | verdict                                              | reason and message after                          |
 * |------------------|------------------------------------------------------|---------------------------------------------------|
 * | any              | inconclusive Cancelled                               | same                                              |
 * | any              | down                                                 | same; the count of another reason starts again    |
 * | unhealthy        | any                                                  | same: those of the verdict that made it unhealthy |
 * | healthy, unknown | with the reason that is shown                        | same                                              |
 * | healthy, unknown | up Connected or Responded, and one of these is shown | same                                              |
 * | healthy, unknown | up Connected or Responded, and another one is shown  | those of the verdict, at once                     |
 * | healthy, unknown | up or inconclusive with any other reason             | those of the verdict, after failureThreshold consecutive verdicts |
 *
 * So a login that is refused now and then causes no write, and a login that succeeds again is shown at once.
 */
export function updateReportedReason(health: Health, verdict: Verdict, failureThreshold: number): Health {
  const { reason, message } = verdict;
  if (reason === 'Cancelled') return health;
  const { pendingReason, ...rest } = health;
  const isSame = reason === health.reason || (isPlainSuccess(reason) && isPlainSuccess(health.reason));
  if (verdict.kind === 'down' || health.state === 'unhealthy' || isSame)
    return pendingReason === undefined ? health : rest;
  const run = pendingReason?.reason === reason ? pendingReason.run + 1 : 1;
  const isDue = isPlainSuccess(reason) || run >= failureThreshold;
  return isDue ? { ...rest, reason, message } : { ...rest, pendingReason: { reason, run } };
}

/**
 * Returns the warning of an address that is not unhealthy, by the table of reasons; undefined: there is none.
 *
 * @param role the last role that a probe reported
 */
export function warningFor(reason: string, role: Role | undefined): Warning | undefined {
  const warning = lookUp(verdictReasons, reason)?.warning;
  return warning?.needsRole === true && role === undefined ? undefined : warning;
}
