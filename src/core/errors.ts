/**
 * The errors of the operator. The reason is at once the condition reason and the metric label.
 *
 * | kind      | meaning                                    | what the queue does              |
 * |-----------|--------------------------------------------|----------------------------------|
 * | transient | may pass by itself (409, 429, 5xx, reset)   | tries again with backoff         |
 * | waiting   | will be due at a known time; not an error   | tries again then                 |
 * | terminal  | only a change of the spec or cluster helps  | nothing until the key comes again |
 */
export type ErrorKind = 'transient' | 'waiting' | 'terminal';

export interface OperatorErrorOptions {
  readonly kind: ErrorKind;
  /** CamelCase, from a closed set per origin. */
  readonly reason: string;
  /** Milliseconds to wait at least; of `waiting` always, of `transient` when the server said so (Retry-After). */
  readonly afterMs?: number;
  /** The HTTP status where the API server answered. */
  readonly status?: number;
  readonly cause?: unknown;
}

export class OperatorError extends Error {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly afterMs: number | undefined;
  readonly status: number | undefined;

  constructor(message: string, options: OperatorErrorOptions) {
    super(message, { cause: options.cause });
    this.name = 'OperatorError';
    this.kind = options.kind;
    this.reason = options.reason;
    this.afterMs = options.afterMs;
    this.status = options.status;
  }
}
