import type { Check, PostgresHandler } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { classifyErrno, closedEarly, codeOf, proberFault, verdict } from '../verdict/verdicts.ts';
import { classifyHttpError } from '../connection/errors.ts';
import { serverNameOf } from '../connection/tls.ts';
import type { TlsPolicy } from '../connection/tls.ts';
import { postgresErrorClass, verdictOfError } from './postgres-errors.ts';
import type { PostgresError } from './postgres-errors.ts';
import type { ConnectionAttempt } from './sslmode-prefer.ts';

const noTls = verdict('down', 'TlsFailed', 'the server does not offer TLS');
export const notPostgres = verdict('down', 'WrongProtocol', 'the answer is not of the PostgreSQL protocol');
/**
 * The bound of pg (`scramMaxIterations`) too. 100,000 take 40 ms in a thread pool that the whole process
 * shares.
 */
export const tooManyIterations = verdict(
  'up',
  'AuthFailed',
  'the server asks for more than 100000 iterations of SCRAM, which are not computed: lower scram_iterations',
);

/** Stage that a login reached. */
export type LoginStep = 'begun' | 'secure' | 'in';

/** The parts of a login that decide the verdict of its errors. */
interface FailedLogin {
  readonly check: Check;
  readonly handler: PostgresHandler;
  readonly tlsPolicy: TlsPolicy | undefined;
}

/**
 * Returns true when the session continues and the server is healthy, but lacks what was queried or refuses it
 * to this account. False for a timeout.
 */
export const isAboutTheQuery = (error: unknown): boolean =>
  isDatabaseError(error) &&
  error.severity === 'ERROR' &&
  postgresErrorClass(serverError(error)).subject === 'account';

/** Returns how a login ended, for the mode `prefer`. */
export function endOfLogin(error: unknown, step: LoginStep): ConnectionAttempt['end'] {
  if (step === 'begun') return 'no TLS';
  return step === 'secure' && isDatabaseError(error) ? 'refused' : 'other';
}

/** Returns the verdict of an error of pg. */
export function verdictOfLogin(error: unknown, login: FailedLogin, step: LoginStep): Verdict {
  const { handler, check, tlsPolicy } = login;
  if (!isError(error)) return proberFault('the login failed without an error');
  if (isDatabaseError(error)) return verdictOfDatabase(error, handler, step);
  if (/does not support SSL/.test(error.message)) return noTls;
  if (/establishing an SSL connection/.test(error.message)) return notPostgres;
  if (/^Connection terminated/.test(error.message)) return closedEarly;
  if (/exceeds scramMaxIterations/.test(error.message)) return tooManyIterations;
  // A text of pg about an unexpected answer, which it may quote.
  if (codeOf(error) === '') return notPostgres;
  return tlsPolicy === undefined
    ? classifyErrno(error)
    : classifyHttpError(error, serverNameOf(check, tlsPolicy.tls), step !== 'begun');
}

interface Failure {
  readonly message: string;
  readonly detail?: unknown;
  readonly routine?: unknown;
}

interface DatabaseFailure extends Failure {
  readonly severity: string;
}

/** Checks the shape, because an error of Node may be from another realm. */
function isError(error: unknown): error is Failure {
  return (
    typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
  );
}

const isDatabaseError = (error: unknown): error is DatabaseFailure =>
  isError(error) && 'severity' in error && typeof error.severity === 'string';

function serverError(error: Failure): PostgresError {
  const { message: text, detail, routine } = error;
  return {
    sqlstate: codeOf(error),
    text,
    ...(typeof detail === 'string' && { detail }),
    ...(typeof routine === 'string' && { routine }),
  };
}

function verdictOfDatabase(error: Failure, { saturatedIs }: PostgresHandler, step: LoginStep): Verdict {
  const details = serverError(error);
  if (!/^[0-9A-Z]{5}$/.test(details.sqlstate)) return notPostgres;
  const stage = step === 'in' ? 'postgres query' : 'postgres startup';
  return verdictOfError(details, saturatedIs, { stage, logsIn: true });
}
