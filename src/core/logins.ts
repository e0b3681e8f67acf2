import type { Handler } from './check.ts';
import type { Reason, Role, Verdict } from './verdict.ts';

/** Returns true when a probe of this handler may report a role, now or once its Secret is there. */
function mayReportRole(handler: Handler): boolean {
  switch (handler.kind) {
    case 'redis':
    case 'mongodb':
    case 'unready':
      return true;
    case 'postgres':
      return handler.credentials !== undefined || handler.user !== undefined;
    case 'mysql':
      return handler.credentials !== undefined;
    default:
      return false;
  }
}

/**
 * Returns the verdict with what it means for roles. A server that is up and has reported no role may be switched unseen,
 * however the conversation ended: a right, a limit, another database, a question that it does not answer. This is decided
 * here alone, and not by the errors of each protocol.
 *
 * | verdict                     | credentials | a role was reported before | reason       |
 * |-----------------------------|-------------|----------------------------|--------------|
 * | down, inconclusive          | any         | any                        | same         |
 * | up, with a role             | any         | any                        | same         |
 * | up, and the server answered that it has none (`isRoleless`) | any | any | same       |
 * | up, without a role, CredentialsWithheld | yes | any                      | same         |
 * | up, without a role          | yes         | any                        | AuthFailed   |
 * | up, without a role          | no          | yes                        | AuthRequired |
 * | up, without a role          | no          | no                         | same         |
 *
 * | up, of a handler that reports no role | -  | yes                        | same, and `isRoleless`: the role is another handler's |
 *
 * Other verdicts of handlers that report no role, and verdicts with one of these two reasons, are left as they are. What the
 * reasons lead to: `remarkOf`.
 */
export function reported(handler: Handler, verdict: Verdict, told?: Role): Verdict {
  if (verdict.kind !== 'up' || verdict.role !== undefined || verdict.isRoleless === true) return verdict;
  if (!mayReportRole(handler))
    return told === undefined ? verdict : Object.freeze({ ...verdict, isRoleless: true });
  if (logsIn(handler))
    return verdict.reason === 'CredentialsWithheld' ? verdict : withReason(verdict, 'AuthFailed');
  return told === undefined || verdict.reason === 'AuthFailed'
    ? verdict
    : withReason(verdict, 'AuthRequired');
}

const logsIn = (handler: Handler): boolean =>
  ('credentials' in handler ? handler.credentials : undefined) !== undefined;

const withReason = (verdict: Verdict, reason: Reason): Verdict =>
  verdict.reason === reason ? verdict : Object.freeze({ ...verdict, reason });
