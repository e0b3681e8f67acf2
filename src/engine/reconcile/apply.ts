import type { Action } from '../../core/kubernetes/action.ts';
import { isRefusal, isUnanswered, OperatorError } from '../../core/errors.ts';
import type { PlanStep } from '../../core/kubernetes/plan-step.ts';
import type { Writer } from '../ports.ts';

/** A write that did not succeed. */
export interface FailedWrite {
  readonly action: Action;
  readonly error: OperatorError;
}

/**
 * Performs lists of steps concurrently, so that a refused Service delays no other. Returns the failed writes
 * of each list.
 */
export const applyAll = (
  writer: Writer,
  lists: readonly (readonly PlanStep[])[],
): Promise<readonly (readonly FailedWrite[])[]> =>
  Promise.all(lists.map((steps) => performSteps(writer, steps)));

/**
 * After this many requests without an answer the rest of a list is abandoned, because the API server is not
 * available.
 */
const MAX_UNANSWERED = 2;

/**
 * Performs the steps of one list one after another, by the table of core/kubernetes/plan-step.ts.
 *
 * | result of a write                      | the steps after it             |
 * |----------------------------------------|--------------------------------|
 * | success                                | continue                       |
 * | a refusal, or any other error          | those that do not need it continue |
 * | a refusal of a Service, whose alternative body is accepted | continue   |
 * | no answer, for the second time         | are abandoned                  |
 * | a new Service in place of another one is refused | are abandoned: the next run keeps the present one |
 * | Superseded, NotLeader                  | are abandoned: another run, or another replica, makes a new plan |
 */
async function performSteps(writer: Writer, steps: readonly PlanStep[]): Promise<readonly FailedWrite[]> {
  const missing = new Set<PlanStep>();
  const failed: FailedWrite[] = [];
  const attempt = async (action: Action): Promise<OperatorError | undefined> => {
    const error = await perform(writer, action);
    if (error !== undefined) failed.push({ action, error });
    return error;
  };
  for (const step of steps) {
    const isHeld = step.needs.some((need) => missing.has(need));
    const error = isHeld ? undefined : await attemptEither(step.action, attempt);
    if (isHeld || error !== undefined) missing.add(step);
    const isPartial = isHeld || (error !== undefined && isRefusal(error));
    if (isPartial && step.instead !== undefined) await attempt(step.instead);
    if (isOver(failed) || (error !== undefined && step.action.op === 'creatable')) break;
  }
  return failed;
}

/**
 * Attempts an action and, if the API server refuses a Service, its alternative body. Returns the error if
 * neither was accepted.
 */
async function attemptEither(
  action: Action,
  attempt: (action: Action) => Promise<OperatorError | undefined>,
): Promise<OperatorError | undefined> {
  const error = await attempt(action);
  const { op } = action;
  const other = op === 'applyService' || op === 'creatable' ? action.otherwise : undefined;
  if (error?.kind !== 'terminal' || other === undefined || (op !== 'applyService' && op !== 'creatable'))
    return error;
  return attempt({ op, service: other });
}

/** Performs one action. Returns its error; undefined: it succeeded. */
export async function perform(writer: Writer, action: Action): Promise<OperatorError | undefined> {
  try {
    await writer.perform(action);
    return undefined;
  } catch (error) {
    return asOperatorError(error);
  }
}

/** Returns true when the rest of a list is abandoned. */
export function isOver(failed: readonly FailedWrite[]): boolean {
  const errors = failed.map(({ error }) => error);
  if (errors.some(({ reason }) => reason === 'Superseded' || reason === 'NotLeader')) return true;
  return errors.filter(isUnanswered).length >= MAX_UNANSWERED;
}

const asOperatorError = (error: unknown): OperatorError =>
  error instanceof OperatorError
    ? error
    : new OperatorError(String(error), { kind: 'transient', reason: 'Bug', cause: error });

/** Returns the error that decides when the next run is: the one that is retried soonest. */
export const mostUrgentError = (errors: readonly OperatorError[]): OperatorError | undefined =>
  errors.find((e) => e.kind === 'transient') ?? errors.find((e) => e.kind === 'waiting') ?? errors[0];
