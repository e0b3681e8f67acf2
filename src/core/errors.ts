/**
 * The errors of the operator. The reason is at once the condition reason and the metric label.
 *
 * | kind      | meaning                                    | what the queue does              |
 * |-----------|--------------------------------------------|----------------------------------|
 * | transient | may pass by itself (409, 429, 5xx, reset)   | tries again with backoff         |
 * | waiting   | will be due at a known time; not an error   | tries again then                 |
 * | terminal  | only a change of the spec or cluster helps  | tries again slowly: no watch reports such a change   |
 */
export type ErrorKind = 'transient' | 'waiting' | 'terminal';

/**
 * All reasons of an OperatorError, by origin. The set is closed, because a reason is a condition reason, an Event reason
 * and a metric label: the words of others (an admission webhook may write any text into `Status.reason`) stay in the message.
 */
export const errorReasons = {
  /** `StatusReason` of apimachinery, which the API server puts into its answers. */
  server: [
    'AlreadyExists',
    'BadRequest',
    'Conflict',
    'Expired',
    'Forbidden',
    'Gone',
    'InternalError',
    'Invalid',
    'MethodNotAllowed',
    'NotAcceptable',
    'NotFound',
    'RequestEntityTooLarge',
    'ServerTimeout',
    'ServiceUnavailable',
    'StoreReadError',
    'Timeout',
    'TooManyRequests',
    'Unauthorized',
    'UnsupportedMediaType',
  ],
  /** Reasons for answers whose own reason is too general. */
  answer: ['NamespaceTerminating', 'UnexpectedStatus'],
  /** A request without an answer. */
  request: [
    'Cancelled',
    'ConnectionLost',
    'DeadlineExceeded',
    'NoCluster',
    'NoCredentials',
    'Superseded',
    'Unreachable',
  ],
  /** A watch that ends without an answer. */
  watch: ['BrokenLine', 'HistoryLost', 'NoFirstBookmark', 'Silent'],
  /** The operator itself. */
  operator: ['Bug', 'NotLeader', 'SweepingSlices', 'Terminating'],
} as const;

export type ErrorReason = (typeof errorReasons)[keyof typeof errorReasons][number];

export interface OperatorErrorOptions {
  readonly kind: ErrorKind;
  readonly reason: ErrorReason;
  /** Milliseconds to wait at least; of `waiting` always, of `transient` when the server said so (Retry-After). */
  readonly afterMs?: number;
  /** The HTTP status where the API server answered. */
  readonly status?: number;
  readonly cause?: unknown;
}

export class OperatorError extends Error {
  readonly kind: ErrorKind;
  readonly reason: ErrorReason;
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

/** Returns true where no answer came: the request, or its answer, may have been lost on the way. */
export const isUnanswered = ({ status, reason }: OperatorError): boolean =>
  status === undefined && unanswered.includes(reason);

const unanswered: readonly ErrorReason[] = ['Unreachable', 'ConnectionLost', 'DeadlineExceeded'];

/**
 * Returns true when the API server has refused this very write, so that a part of it may be accepted.
 *
 * | answer                          | refused                                    |
 * |---------------------------------|--------------------------------------------|
 * | none (network, deadline)        | no                                         |
 * | 401, 404, 408, 409, 410, 429    | no: another moment, another state          |
 * | any other, 5xx of webhooks too  | yes                                        |
 */
export const isRefusal = ({ kind, status }: OperatorError): boolean =>
  kind === 'terminal' || (status !== undefined && status >= 400 && !passing.includes(status));

const passing: readonly number[] = [401, 404, 408, 409, 410, 429];
