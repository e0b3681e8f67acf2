import { OperatorError } from '../../core/errors.ts';
import type { Verb } from './verb.ts';

const baseMs = 100;
const maxMs = 2_000;
/**
 * Longest delay of a retry in the client. For a longer one the backend goes back to the queue, and holds no
 * place.
 */
export const maxInlineDelayMs = 5_000;

/**
 * Returns the milliseconds to wait before the same request is sent again; undefined: it is not retried.
 *
 * | failure                    | get, list, update, patch, apply, delete | create                     |
 * |----------------------------|------------------------------------------|----------------------------|
 * | 429                        | Retry-After, else backoff                | the same: not executed     |
 * | Unreachable (never sent)   | backoff                                  | backoff                    |
 * | 5xx                        | Retry-After, else backoff                | no: perhaps executed       |
 * | ConnectionLost             | backoff                                  | no: perhaps executed       |
 * | 401, first attempt         | at once, with fresh credentials          | the same                   |
 * | DeadlineExceeded, all else | no                                       | no                         |
 *
 * If an update was executed and its answer was lost, the second attempt gets a 409 because of its
 * resourceVersion.
 *
 * @param attempt number of failed attempts, from 1
 * @param random uniform in [0, 1)
 */
export function retryDelay(verb: Verb, error: unknown, attempt: number, random: number): number | undefined {
  if (!(error instanceof OperatorError) || error.kind !== 'transient') return undefined;
  if (error.status === 401) return attempt === 1 ? 0 : undefined;
  if (!isRetriable(error, verb === 'create')) return undefined;
  const backoffMs = Math.min(maxMs, baseMs * 2 ** (attempt - 1)) * (0.5 + random);
  const delayMs = Math.max(error.afterMs ?? 0, backoffMs);
  return delayMs > maxInlineDelayMs ? undefined : delayMs;
}

function isRetriable(error: OperatorError, creates: boolean): boolean {
  if (error.status === 429 || error.reason === 'Unreachable') return true;
  if (creates) return false;
  return error.reason === 'ConnectionLost' || (error.status ?? 0) >= 500;
}
