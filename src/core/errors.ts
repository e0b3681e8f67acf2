/**
 * Kinds of the operator's errors. The reason of an error is also the condition reason and the metric label.
 *
 * | kind      | meaning                                    | the queue                                              |
 * |-----------|--------------------------------------------|--------------------------------------------------------|
 * | transient | may pass by itself (409, 429, 5xx, reset)  | retries with backoff                                   |
 * | waiting   | due at a known time; not an error          | retries at that time                                   |
 * | terminal  | only a change of the spec or cluster helps | retries slowly, because no watch reports such a change |
 */
export type ErrorKind = 'transient' | 'waiting' | 'terminal';

/**
 * End of a refusal: it passes by itself (`passes`), or a person must act (`stalls`): a spec, a policy, a
 * quota, a role or another object must change. A refusal that stalls is the condition Stalled, with which
 * GitOps tools fail at once.
 */
export type Remedy = 'passes' | 'stalls';

/**
 * All reasons of an OperatorError, by origin, and whether they stall. The set is closed, because a reason is
 * a condition reason, an Event reason and a metric label. Text of others (an admission webhook may write any
 * text into `Status.reason`) stays in the message.
 */
export const errorReasons = {
  /** `StatusReason` of apimachinery, which the API server returns in its responses. */
  server: {
    AlreadyExists: 'passes',
    BadRequest: 'stalls',
    Conflict: 'passes',
    Expired: 'passes',
    Forbidden: 'stalls',
    Gone: 'passes',
    InternalError: 'passes',
    Invalid: 'stalls',
    MethodNotAllowed: 'stalls',
    NotAcceptable: 'stalls',
    NotFound: 'passes',
    RequestEntityTooLarge: 'stalls',
    ServerTimeout: 'passes',
    ServiceUnavailable: 'passes',
    StoreReadError: 'passes',
    Timeout: 'passes',
    TooManyRequests: 'passes',
    /** Response 401 of an admission policy: without a valid token no status can be written at all. */
    Unauthorized: 'stalls',
    UnsupportedMediaType: 'stalls',
  },
  /** Reasons for responses whose own reason is too general. */
  answer: { NamespaceTerminating: 'passes', UnexpectedStatus: 'passes' },
  /** A request without a response. */
  request: {
    Cancelled: 'passes',
    ConnectionLost: 'passes',
    DeadlineExceeded: 'passes',
    NoCluster: 'passes',
    NoCredentials: 'passes',
    Superseded: 'passes',
    Unreachable: 'passes',
  },
  /** A watch that ends without a response. */
  watch: { BrokenLine: 'passes', HistoryLost: 'passes', NoFirstBookmark: 'passes', Silent: 'passes' },
  /** The operator itself. */
  operator: { Bug: 'passes', NotLeader: 'passes', SweepingSlices: 'passes', Terminating: 'passes' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Remedy>>>>;

type Origins = typeof errorReasons;
export type ErrorReason = { readonly [O in keyof Origins]: keyof Origins[O] }[keyof Origins];

const remedies = Object.assign({}, ...Object.values(errorReasons)) as Readonly<Record<ErrorReason, Remedy>>;

/** All reasons, in the order of the table. */
export const allErrorReasons = Object.keys(remedies) as readonly ErrorReason[];

/** Returns true when the error lasts until a person acts. */
export const errorStalls = ({ reason }: OperatorError): boolean => remedies[reason] === 'stalls';

export interface OperatorErrorOptions {
  readonly kind: ErrorKind;
  readonly reason: ErrorReason;
  /**
   * Lowest number of milliseconds to wait; always set for `waiting`, and for `transient` if the server set it
   * (Retry-After).
   */
  readonly afterMs?: number;
  /** HTTP status of the API server's response; undefined: no response. */
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

/** Returns true if no response arrived: the request or its response may have been lost. */
export const isUnanswered = ({ status, reason }: OperatorError): boolean =>
  status === undefined && unanswered.includes(reason);

const unanswered: readonly ErrorReason[] = ['Unreachable', 'ConnectionLost', 'DeadlineExceeded'];

/**
 * Returns true when the API server refused this write itself, so that a part of it may be accepted.
 *
 * | response                       | refused                                   |
 * |--------------------------------|-------------------------------------------|
 * | none (network, deadline)       | no                                        |
 * | 401, 404, 408, 409, 410, 429   | no: it depends on the moment or the state |
 * | any other, 5xx of webhooks too | yes                                       |
 */
export const isRefusal = ({ kind, status }: OperatorError): boolean =>
  kind === 'terminal' || (status !== undefined && status >= 400 && !passing.includes(status));

const passing: readonly number[] = [401, 404, 408, 409, 410, 429];
