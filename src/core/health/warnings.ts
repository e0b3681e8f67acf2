import type { Health } from './state.ts';
import type { Verdict } from '../probing/verdict.ts';
import type { Role } from '../role.ts';

/** Reasons of a plain success: nothing to report. Empty: seeded, and no verdict since. */
const plainSuccessReasons: readonly string[] = ['Connected', 'Responded', ''];

export const isPlainSuccess = (reason: string): boolean => plainSuccessReasons.includes(reason);

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

/** Meaning of a reason for an address that is not unhealthy. */
export interface Warning {
  /** Reason of the condition Degraded. */
  readonly degraded: (typeof degradedReasons)[number];
  /** Text of the Event, with `{}` in the place of the address; undefined: no Event. */
  readonly text?: string;
}

/** Reasons of the condition Degraded, the most severe first. */
export const degradedReasons = [
  'LoginsRefused',
  'PrimaryReadOnly',
  'AddressesSaturated',
  'ProbesFailing',
] as const;

/**
 * Returns what is reported for a reason of an address that is not unhealthy; undefined: nothing.
 *
 * | reason              | the last role is known | Degraded           | Warning Event when it begins                              |
 * |---------------------|------------------------|--------------------|-----------------------------------------------------------|
 * | AuthFailed          | any                    | LoginsRefused      | yes: a switch of roles cannot be seen any more            |
 * | CredentialsWithheld | any                    | LoginsRefused      | yes: the same                                             |
 * | AuthRequired        | yes                    | LoginsRefused      | yes: the same                                             |
 * | AuthRequired        | no                     | -                  | no: this is all that a probe without a login can find out |
 * | ReadOnly            | any                    | PrimaryReadOnly    | yes                                                       |
 * | Saturated           | any                    | AddressesSaturated | yes                                                       |
 * | ProberFault         | any                    | ProbesFailing      | no: the fault is the operator's, and affects all addresses at once |
 * | any other           | any                    | -                  | -                                                         |
 *
 * @param role the last role that a probe reported
 */
export function warningFor(reason: string, role: Role | undefined): Warning | undefined {
  switch (reason) {
    case 'AuthFailed':
      return { degraded: 'LoginsRefused', text: 'login to {} refused' };
    case 'CredentialsWithheld':
      return { degraded: 'LoginsRefused', text: 'credentials not sent to {}' };
    case 'AuthRequired':
      return role && { degraded: 'LoginsRefused', text: '{} requires a login' };
    case 'ReadOnly':
      return { degraded: 'PrimaryReadOnly', text: '{} refuses writes' };
    case 'Saturated':
      return { degraded: 'AddressesSaturated', text: '{} has no free connection' };
    case 'ProberFault':
      return { degraded: 'ProbesFailing' };
    default:
      return undefined;
  }
}
