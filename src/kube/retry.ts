import { OperatorError } from '../core/errors.ts';
import type { Verb } from './verb.ts';

const baseMs = 100;
const maxMs = 2_000;
/** A longer wait is the queue's business: it holds no request open meanwhile. */
export const patienceMs = 5_000;

/**
 * Milliseconds to wait before the same request goes out again; undefined: do not.
 *
 * | failure                    | get, list, update, patch, apply, delete | create                     |
 * |----------------------------|------------------------------------------|----------------------------|
 * | 429                        | Retry-After, else backoff                | the same: it was not done  |
 * | Unreachable (never sent)   | backoff                                  | backoff                    |
 * | 5xx                        | Retry-After, else backoff                | no: it may have been done  |
 * | ConnectionLost             | backoff                                  | no: it may have been done  |
 * | 401, first attempt         | at once, with fresh credentials          | the same                   |
 * | DeadlineExceeded, all else | no                                       | no                         |
 *
 * An update that was done before its answer got lost meets a 409 at the second try: its resourceVersion fences it.
 *
 * @param attempt how many have failed, from 1
 * @param random uniform in [0, 1)
 */
export function retryDelay(verb: Verb, error: unknown, attempt: number, random: number): number | undefined {
  if (!(error instanceof OperatorError) || error.kind !== 'transient') return undefined;
  if (error.status === 401) return attempt === 1 ? 0 : undefined;
  if (!isRetriable(error, verb === 'create')) return undefined;
  const backoffMs = Math.min(maxMs, baseMs * 2 ** (attempt - 1)) * (0.5 + random);
  const delayMs = Math.max(error.afterMs ?? 0, backoffMs);
  return delayMs > patienceMs ? undefined : delayMs;
}

function isRetriable(error: OperatorError, creates: boolean): boolean {
  if (error.status === 429 || error.reason === 'Unreachable') return true;
  if (creates) return false;
  return error.reason === 'ConnectionLost' || (error.status ?? 0) >= 500;
}
