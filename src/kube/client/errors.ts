import { errorReasons, OperatorError } from '../../core/errors.ts';
import type { ErrorReason } from '../../core/errors.ts';

/** Request, for the message of an error. */
export interface RequestInfo {
  readonly verb: string;
  readonly resource: string;
  readonly name?: string | undefined;
}

/**
 * Fields of the `Status` object of the API server. Admission webhooks write parts of it, so nothing in it is
 * trusted.
 */
interface Status {
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: {
    readonly retryAfterSeconds?: unknown;
    readonly causes?: unknown;
  } | null;
}

/** Reasons for answers without one. The statuses are those of `api/errors` in apimachinery. */
const reasonOfStatus: Readonly<Record<number, ErrorReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** Statuses after which the same request fails again until a spec, a policy, a quota or a role changes. */
const terminalStatuses: ReadonlySet<number> = new Set([400, 403, 405, 406, 413, 415, 422]);

/**
 * Converts an answer of the API server to an error. Its reason is `Status.reason`, if that is one of
 * apimachinery. Any other text there is from a webhook; then the status determines the reason.
 *
 * | status                       | kind      | wait at least                                   |
 * |------------------------------|-----------|-------------------------------------------------|
 * | 400, 403, 405, 406, 413, 415, 422 | terminal |                                             |
 * | 401, 404, 408, 409, 410      | transient |                                                 |
 * | 429, 5xx                     | transient | Retry-After, or `details.retryAfterSeconds`      |
 * | other                        | transient |                                                 |
 *
 * @param retryAfter the header Retry-After: whole seconds (the API server never sends a date)
 */
export function statusError(
  request: RequestInfo,
  status: number,
  body: string,
  retryAfter?: string,
): OperatorError {
  const answer = parseStatus(body);
  const ending = causesOf(answer).some((cause) => cause?.reason === 'NamespaceTerminating');
  const reason = ending ? 'NamespaceTerminating' : reasonIn(answer, status);
  const message = `${describe(request)}: ${textOf(answer) ?? `the API server answered ${status}`}`;
  const terminal = ending || terminalStatuses.has(status);
  const afterMs = terminal ? undefined : waitOf(status, answer, retryAfter);
  return new OperatorError(message, {
    kind: terminal ? 'terminal' : 'transient',
    reason,
    status,
    ...(afterMs === undefined ? {} : { afterMs }),
  });
}

const serverReasons: ReadonlySet<unknown> = new Set(Object.keys(errorReasons.server));

const isServerReason = (reason: unknown): reason is ErrorReason => serverReasons.has(reason);

const reasonIn = ({ reason }: Status, status: number): ErrorReason =>
  isServerReason(reason) ? reason : (reasonOfStatus[status] ?? 'UnexpectedStatus');

/**
 * Maximum length of a text of an answer. It becomes part of conditions, Events and logs, and a webhook may
 * send megabytes.
 */
const maxTextChars = 2_000;

/**
 * Returns the message of the answer, or its reason, where a webhook may have put its message; undefined:
 * neither.
 */
function textOf({ reason, message }: Status): string | undefined {
  const given = [message, reason].find((text) => typeof text === 'string' && text !== '');
  if (typeof given !== 'string') return undefined;
  return given.length <= maxTextChars ? given : `${given.slice(0, maxTextChars)}…`;
}

/**
 * Failures in which no byte of the request can have reached the server, so that even a create may be sent
 * again.
 */
const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Converts a failure below HTTP to an error. It is always transient.
 *
 * | code                                                  | reason          |
 * |-------------------------------------------------------|-----------------|
 * | refused, no route, no such name, connect timeout       | Unreachable     |
 * | anything else (reset, closed, TLS, a broken answer)    | ConnectionLost  |
 */
export function networkError(request: RequestInfo, cause: unknown): OperatorError {
  const reason = wasNeverSent(cause) ? 'Unreachable' : 'ConnectionLost';
  const why = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
  return new OperatorError(`${describe(request)}: ${why}`, { kind: 'transient', reason, cause });
}

/** Returns the error of a request without an answer in time. */
export function deadlineError(request: RequestInfo, deadlineMs: number): OperatorError {
  return new OperatorError(`${describe(request)}: no answer within ${deadlineMs} ms`, {
    kind: 'transient',
    reason: 'DeadlineExceeded',
  });
}

/** Returns the error of a request that its caller cancelled. */
export function cancelledError(request: RequestInfo): OperatorError {
  return new OperatorError(`${describe(request)}: cancelled`, { kind: 'transient', reason: 'Cancelled' });
}

/** Returns the error of a request that was given up because a newer reconcile replaces it. */
export function supersededError(request: RequestInfo): OperatorError {
  return new OperatorError(`${describe(request)}: superseded`, {
    kind: 'waiting',
    reason: 'Superseded',
    afterMs: 0,
  });
}

/** Returns true if no byte of the request can have reached the server. */
export function wasNeverSent(cause: unknown): boolean {
  return neverSent.has(codeOf(cause));
}

/** Returns true for an OperatorError with one of these HTTP statuses. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof OperatorError && error.status !== undefined && statuses.includes(error.status);
}

/**
 * Returns true if the history of the watch is no longer available, or the version is newer than that of the
 * server.
 */
export function needsList(error: unknown): boolean {
  if (!(error instanceof OperatorError)) return false;
  return error.status === 410 || /too large resource version/i.test(error.message);
}

/** Returns true if the server does not support this kind of request, or has it disabled. */
export function isUnsupported(error: unknown): boolean {
  return error instanceof OperatorError && (error.status === 400 || error.status === 422);
}

function describe(request: RequestInfo): string {
  return [request.verb, request.resource, request.name].filter(Boolean).join(' ');
}

function parseStatus(body: string): Status {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** Maximum delay of a backend by `Retry-After`. */
const maxWaitMs = 60_000;

function causesOf({ details }: Status): readonly ({ readonly reason?: unknown } | null)[] {
  const causes = details?.causes;
  return Array.isArray(causes) ? (causes as ({ readonly reason?: unknown } | null)[]) : [];
}

function waitOf(status: number, answer: Status, retryAfter: string | undefined): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const delay = retryAfter ?? answer.details?.retryAfterSeconds;
  // In a malformed answer it may be an object without a primitive value, for which Number throws.
  const seconds = typeof delay === 'string' || typeof delay === 'number' ? Number(delay) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(maxWaitMs, seconds * 1000) : undefined;
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return '';
  const { code, cause: inner } = cause as { code?: unknown; cause?: unknown };
  return typeof code === 'string' ? code : codeOf(inner);
}
