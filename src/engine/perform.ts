import type { Action } from '../core/action.ts';
import { OperatorError } from '../core/errors.ts';
import type { Writer } from './ports.ts';

/** Each list in its order, the lists side by side: one Service that is refused holds back no other. */
export async function performAll(
  writer: Writer,
  lists: readonly (readonly Action[])[],
): Promise<readonly OperatorError[]> {
  const results = await Promise.allSettled(
    lists.map(async (actions) => {
      for (const action of actions) await writer.perform(action);
    }),
  );
  return results.flatMap((result) => (result.status === 'rejected' ? [asOperatorError(result.reason)] : []));
}

const asOperatorError = (error: unknown): OperatorError =>
  error instanceof OperatorError
    ? error
    : new OperatorError(String(error), { kind: 'transient', reason: 'Bug', cause: error });

/** The one that decides when to look again: what may pass is retried soonest, what cannot pass is not. */
export const foremost = (errors: readonly OperatorError[]): OperatorError | undefined =>
  errors.find((e) => e.kind === 'transient') ?? errors.find((e) => e.kind === 'waiting') ?? errors[0];
