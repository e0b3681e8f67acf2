import { setTimeout as sleep } from 'node:timers/promises';

export interface Wait {
  /** Text of the failure. By default the condition itself. */
  readonly fact?: string;
  readonly deadlineMs?: number;
}

/**
 * Repeats a query until the answer holds, for facts that no watch reports, such as a connection or a name. A
 * query that fails does not hold. Fails after the deadline with the last answer, or with the last failure.
 */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  holds: (answer: T) => boolean,
  { fact = holds.toString(), deadlineMs = 10_000 }: Wait = {},
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const last = await attempt(ask);
    if ('answer' in last && holds(last.answer)) return last.answer;
    if (performance.now() > end) throw notSo(fact, deadlineMs, last);
    await sleep(20);
  }
}

/** Waits until a fact holds. Fails with its description after the deadline. */
export async function until(
  fact: string,
  isSo: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  await eventually(isSo, (so) => so, { fact, deadlineMs });
}

async function attempt<T>(ask: () => Promise<T> | T): Promise<{ answer: T } | { failure: unknown }> {
  try {
    return { answer: await ask() };
  } catch (failure) {
    return { failure };
  }
}

function notSo(fact: string, deadlineMs: number, last: { answer: unknown } | { failure: unknown }): Error {
  const cause = 'failure' in last ? last.failure : undefined;
  const seen = 'answer' in last ? JSON.stringify(last.answer, undefined, 1) : String(last.failure);
  return new Error(`not so within ${deadlineMs} ms: ${fact}\nseen last: ${seen}`, { cause });
}
