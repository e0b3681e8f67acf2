import { errorReasons, OperatorError } from '../core/errors.ts';
import type { ErrorReason } from '../core/errors.ts';

/** What was asked, for the message. */
export interface Asked {
  readonly verb: string;
  readonly resource: string;
  readonly name?: string | undefined;
}

/** The API server's `Status` object, as far as it is read here. Admission webhooks write parts of it: nothing is trusted. */
interface Status {
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: {
    readonly retryAfterSeconds?: unknown;
    readonly causes?: unknown;
  } | null;
}

/** Where the server gives no reason of its own. The statuses are those of apimachinery's `api/errors`. */
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

/** The same request gets the same answer until a spec, a policy, a quota or a role changes. */
const terminalStatuses: ReadonlySet<number> = new Set([400, 403, 405, 406, 413, 415, 422]);

/**
 * The answer of the API server as one of our errors. The reason is the server's own (`Status.reason`) where it is one of
 * apimachinery's; any other text there is a webhook's, and the status gives the reason.
 *
 * | status                       | kind      | wait at least                                   |
 * |------------------------------|-----------|-------------------------------------------------|
 * | 400, 403, 405, 406, 413, 415, 422 | terminal |                                             |
 * | 401, 404, 408, 409, 410      | transient |                                                 |
 * | 429, 5xx                     | transient | Retry-After, or `details.retryAfterSeconds`      |
 * | other                        | transient |                                                 |
 *
 * @param retryAfter the header as received: whole seconds (the API server never sends a date)
 */
export function statusError(asked: Asked, status: number, body: string, retryAfter?: string): OperatorError {
  const answer = parseStatus(body);
  const ending = causesOf(answer).some((cause) => cause?.reason === 'NamespaceTerminating');
  const reason = ending ? 'NamespaceTerminating' : reasonIn(answer, status);
  const message = `${describe(asked)}: ${textOf(answer) ?? `the API server answered ${status}`}`;
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

/** An answer's text ends up in conditions, Events and logs, and a webhook may write megabytes. */
const maxTextChars = 2_000;

/** The server's message, or the reason where a webhook wrote its message there; undefined: neither. */
function textOf({ reason, message }: Status): string | undefined {
  const given = [message, reason].find((text) => typeof text === 'string' && text !== '');
  if (typeof given !== 'string') return undefined;
  return given.length <= maxTextChars ? given : `${given.slice(0, maxTextChars)}…`;
}

/** Failures in which no byte of the request can have reached the server: even a create may be tried again. */
const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * A failure below HTTP. Always transient.
 *
 * | code                                                  | reason          |
 * |-------------------------------------------------------|-----------------|
 * | refused, no route, no such name, connect timeout       | Unreachable     |
 * | anything else (reset, closed, TLS, a broken answer)    | ConnectionLost  |
 */
export function networkError(asked: Asked, cause: unknown): OperatorError {
  const reason = wasNeverSent(cause) ? 'Unreachable' : 'ConnectionLost';
  const why = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
  return new OperatorError(`${describe(asked)}: ${why}`, { kind: 'transient', reason, cause });
}

export function deadlineError(asked: Asked, deadlineMs: number): OperatorError {
  return new OperatorError(`${describe(asked)}: no answer within ${deadlineMs} ms`, {
    kind: 'transient',
    reason: 'DeadlineExceeded',
  });
}

export function cancelledError(asked: Asked): OperatorError {
  return new OperatorError(`${describe(asked)}: cancelled`, { kind: 'transient', reason: 'Cancelled' });
}

/** A newer reason came while the request waited for its turn: what it would have written is being computed anew. */
export function supersededError(asked: Asked): OperatorError {
  return new OperatorError(`${describe(asked)}: superseded`, {
    kind: 'waiting',
    reason: 'Superseded',
    afterMs: 0,
  });
}

export function wasNeverSent(cause: unknown): boolean {
  return neverSent.has(codeOf(cause));
}

/** True of an OperatorError with this HTTP status. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof OperatorError && error.status !== undefined && statuses.includes(error.status);
}

/** The watch's history is gone, or the server knows less than we do: only a new list helps. */
export function needsList(error: unknown): boolean {
  if (!(error instanceof OperatorError)) return false;
  return error.status === 410 || /too large resource version/i.test(error.message);
}

/** The server does not know this kind of request, or has it switched off. */
export function isNotOffered(error: unknown): boolean {
  return error instanceof OperatorError && (error.status === 400 || error.status === 422);
}

function describe(asked: Asked): string {
  return [asked.verb, asked.resource, asked.name].filter(Boolean).join(' ');
}

function parseStatus(body: string): Status {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** Nobody's `Retry-After` puts a backend off for longer. */
const maxWaitMs = 60_000;

function causesOf({ details }: Status): readonly ({ readonly reason?: unknown } | null)[] {
  const causes = details?.causes;
  return Array.isArray(causes) ? (causes as ({ readonly reason?: unknown } | null)[]) : [];
}

function waitOf(status: number, answer: Status, retryAfter: string | undefined): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const asked = retryAfter ?? answer.details?.retryAfterSeconds;
  // An object of a broken answer may have no primitive value, and Number would throw.
  const seconds = typeof asked === 'string' || typeof asked === 'number' ? Number(asked) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(maxWaitMs, seconds * 1000) : undefined;
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return '';
  const { code, cause: inner } = cause as { code?: unknown; cause?: unknown };
  return typeof code === 'string' ? code : codeOf(inner);
}
