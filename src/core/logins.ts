import type { Handler } from './check.ts';
import type { Reason, Role, Verdict } from './verdict.ts';

/** Probe kinds that ask for the role of a server. */
const askForRoles: ReadonlySet<Handler['kind']> = new Set(['postgres', 'mysql', 'redis', 'mongodb']);

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
 * | up, without a role          | yes         | any                        | AuthFailed   |
 * | up, without a role          | no          | yes                        | AuthRequired |
 * | up, without a role          | no          | no                         | same         |
 *
 * Handlers that ask for no role, and verdicts with one of these two reasons, are left as they are. What the reasons lead
 * to: `remarkOf`.
 */
export function reported(handler: Handler, verdict: Verdict, told?: Role): Verdict {
  if (verdict.kind !== 'up' || verdict.role !== undefined || verdict.isRoleless === true) return verdict;
  if (!askForRoles.has(handler.kind)) return verdict;
  if (logsIn(handler)) return withReason(verdict, 'AuthFailed');
  return told === undefined || verdict.reason === 'AuthFailed'
    ? verdict
    : withReason(verdict, 'AuthRequired');
}

const logsIn = (handler: Handler): boolean =>
  ('credentials' in handler ? handler.credentials : undefined) !== undefined;

const withReason = (verdict: Verdict, reason: Reason): Verdict =>
  verdict.reason === reason ? verdict : Object.freeze({ ...verdict, reason });
