import type { Handler } from './check.ts';
import { handlerTraits } from './handler-kinds.ts';
import type { Reason } from './reasons.ts';
import type { Verdict } from './verdict.ts';
import type { Role } from '../role.ts';

/** Returns true when a probe with this handler may report a role, now or once its Secret exists. */
function mayReportRole(handler: Handler): boolean {
  const { reportsRole } = handlerTraits[handler.kind];
  if (reportsRole !== 'withLogin') return reportsRole === 'always';
  return logsIn(handler) || (handler.kind === 'postgres' && handler.user !== undefined);
}

/**
 * Returns the verdict with the reason that matters for roles. A server that is up and reports no role may
 * change its role unnoticed, whatever the cause: a missing right, a limit, another database, a query that it
 * does not answer. Only this function decides that, and not the error handling of each protocol.
 *
 * | verdict                                                     | credentials | a role was reported before | reason                                                    |
 * |-------------------------------------------------------------|-------------|----------------------------|-----------------------------------------------------------|
 * | down, inconclusive                                          | any         | any                        | same                                                      |
 * | up, with a role                                             | any         | any                        | same                                                      |
 * | up, and the server answered that it has none (`isRoleless`) | any         | any                        | same                                                      |
 * | up, without a role, CredentialsWithheld                     | yes         | any                        | same                                                      |
 * | up, without a role                                          | yes         | any                        | AuthFailed                                                |
 * | up, without a role                                          | no          | yes                        | AuthRequired                                              |
 * | up, without a role                                          | no          | no                         | same                                                      |
 * | up, of a handler that reports no role                       | -           | yes                        | same, and `isRoleless`: another handler reported the role |
 *
 * Other verdicts of handlers that report no role, and verdicts with one of these two reasons, are not
 * changed. For the effect of the reasons see `warningFor`.
 */
export function withLoginReason(handler: Handler, verdict: Verdict, previousRole?: Role): Verdict {
  if (verdict.kind !== 'up' || verdict.role !== undefined || verdict.isRoleless === true) return verdict;
  if (!mayReportRole(handler))
    return previousRole === undefined ? verdict : Object.freeze({ ...verdict, isRoleless: true });
  if (logsIn(handler))
    return verdict.reason === 'CredentialsWithheld' ? verdict : withReason(verdict, 'AuthFailed');
  return previousRole === undefined || verdict.reason === 'AuthFailed'
    ? verdict
    : withReason(verdict, 'AuthRequired');
}

const logsIn = (handler: Handler): boolean =>
  ('credentials' in handler ? handler.credentials : undefined) !== undefined;

const withReason = (verdict: Verdict, reason: Reason): Verdict =>
  verdict.reason === reason ? verdict : Object.freeze({ ...verdict, reason });
