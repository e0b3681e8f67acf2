/**
 * Repeats a query until the answer holds, for facts that no watch reports, such as a connection or a name. A
 * query that fails does not hold. Fails after `deadlineMs` with the last answer, or with the last failure.
 */
export async function eventually<T>(
  fact: string,
  ask: () => Promise<T> | T,
  holds: (answer: T) => boolean,
  deadlineMs = 10_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const last = await attempt(ask);
    if ('answer' in last && holds(last.answer)) return last.answer;
    if (performance.now() > end) throw notSo(fact, deadlineMs, last);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
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
  const seen = 'answer' in last ? JSON.stringify(last.answer) : String(last.failure);
  return new Error(`not so within ${deadlineMs} ms: ${fact}\nseen last: ${seen}`, { cause });
}
