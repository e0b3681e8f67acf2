import { connect } from 'node:net';
import type { ConnectionOptions as SecureOptions } from 'node:tls';
import type { ConnectionOptions } from 'mysql2';
import type { Check, Credentials, MysqlHandler } from '../../core/probing/check.ts';
import { lookUp } from '../../core/look-up.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import { classifyErrno, closedEarly, codeOf, timedOut, verdict } from '../verdict/verdicts.ts';
import type { CpuMeter } from '../connection/cpu-meter.ts';
import { classifyHttpError } from '../connection/errors.ts';
import { withheld } from '../connection/password-exposure.ts';
import type { Deadline } from '../connection/deadline.ts';
import type { Fallback, Fallbacks } from '../connection/fallbacks.ts';
import { classifyServerError, noTls, wrongProtocol } from './mysql-errors.ts';
import { pluginsOf } from './mysql-plugins.ts';
import type { PluginOptions } from './mysql-plugins.ts';
import { maxMysqlBytes, MysqlSession } from './mysql-session.ts';
import { errorNumber, serverError } from './mysql2-errors.ts';
import { verdictOfState } from './mysql-state.ts';
import type { OutstandingLogins } from './outstanding-logins.ts';
import { withProgress } from '../connection/progress.ts';
import {
  serverNameOf,
  tlsConnectOptions,
  tlsPolicyOf,
  unusableCertificates,
  verificationOf,
} from '../connection/tls.ts';
import type { SecureContextCache } from '../connection/tls.ts';
import { meteredConnection } from '../connection/tapped-connection.ts';
import type { Connection } from '../connection/tapped-connection.ts';

export interface MysqlLogin {
  readonly check: Check;
  readonly handler: MysqlHandler;
  readonly credentials: Credentials;
  readonly limit: Deadline;
  readonly outstanding: OutstandingLogins;
  readonly fallbacks: Fallbacks;
  readonly contexts: SecureContextCache;
  readonly meter: CpuMeter | undefined;
}

/** Verdict of a login. */
export interface LoginResult {
  readonly verdict: Verdict;
  /**
   * True when the server received the complete handshake. A server counts an incomplete one as an error of
   * this client.
   */
  readonly isFinished: boolean;
  /** Final value of `isFinished`: a login that continues after the verdict may still finish. */
  readonly finishes: Promise<boolean>;
}

/**
 * Loads the client, before the time of the first check that logs in starts, because loading is not a delay of
 * the server.
 */
export const loadClient = async () => (await import('mysql2')).default;

/**
 * Logs in, queries state and replication, and logs out. Ends when the limit stops it. Never rejects because
 * of the server.
 */
export async function logInToMysql(login: MysqlLogin): Promise<LoginResult> {
  const { check, handler, limit, outstanding, fallbacks } = login;
  const mysql = await loadClient();
  const secrets = limit.stopped ?? secretsFor(login);
  if (secrets !== undefined && 'kind' in secrets)
    return { verdict: secrets, isFinished: true, finishes: Promise.resolve(true) };
  const name = serverNameOf(check, handler.tls);
  const socket = connect({ host: check.ip, port: check.port, noDelay: true });
  const { authPlugins, settle } = withholding(login, mysql.authPlugins);
  const budget = new Budget({ bytes: maxMysqlBytes, meter: login.meter });
  const stream = meteredConnection(socket, budget);
  const connection = mysql.createConnection({ ...optionsOf(login, stream), authPlugins });
  const session = new MysqlSession({ connection, socket, metered: stream, secrets, budget });
  const finishes = session.loggedIn.then(
    () => true,
    (error: unknown) => errorNumber(error) >= 1000,
  );
  const stop = new Promise<'stopped'>((resolve) => {
    limit.onStop = () => resolve('stopped');
  });
  const described = (end: Verdict): Verdict => budget.exceeded ?? withProgress(end, session.progress, check);
  const refusals = {
    get: (fallback: Fallback) => fallbacks.get(check, fallback),
    remember: (fallback: Fallback, answer: string) => fallbacks.remember(check, fallback, answer),
  };
  const asked = session
    .state(refusals)
    .then(verdictOfState, (error: unknown) => described(classify(error, session, login, name)));
  const result = await Promise.race([asked, stop]);
  if (result !== 'stopped') {
    if (result.kind === 'up') outstanding.answered(check);
    await session.close();
    return { verdict: settle(result), isFinished: await finishes, finishes };
  }
  if (limit.stopped === timedOut && session.isOpen)
    return { verdict: waitFor(session, login), isFinished: false, finishes };
  const end = described(limit.stopped ?? timedOut);
  await session.close();
  return { verdict: end, isFinished: false, finishes };
}

/**
 * Returns plugins that do not reveal the password, and a function for the verdict after they withheld it.
 * Then the login is not tried again for a while.
 */
function withholding({ check, credentials, handler, fallbacks }: MysqlLogin, known: PluginOptions['known']) {
  let kept: string | undefined;
  const verified = handler.tls && verificationOf(handler.tls);
  const onWithheld = (message: string) => (kept ??= message);
  const settle = (result: Verdict): Verdict => {
    if (kept === undefined) return result;
    if (result.role === undefined) fallbacks.remember(check, 'no login', kept);
    return withheld(result, kept);
  };
  return { authPlugins: pluginsOf({ credentials, verified, known, onWithheld }), settle };
}

/** Returns the options of TLS if the check has TLS, or the verdict if its certificates cannot be used. */
function secretsFor({ check, handler: { tls }, contexts }: MysqlLogin): SecureOptions | Verdict | undefined {
  try {
    return tls && tlsConnectOptions(tlsPolicyOf(tls, contexts), serverNameOf(check, tls));
  } catch (error) {
    return unusableCertificates(error);
  }
}

/** Lets the session continue after the verdict, until the server answers. */
function waitFor(session: MysqlSession, { check, outstanding }: MysqlLogin): Verdict {
  const linger = outstanding.linger(check, () => session.pendingStep, 0);
  const verdict = linger.begin();
  void session.linger(linger.forMs).then((isLeft) => linger.end(isLeft));
  return verdict;
}

function optionsOf({ check, credentials, handler }: MysqlLogin, stream: Connection): ConnectionOptions {
  return {
    host: check.ip,
    user: credentials.username,
    password: credentials.password,
    stream,
    // The limit of the run is sufficient, and ends the connection without a reset.
    connectTimeout: 0,
    // Otherwise it generates code from the names of columns, which the server sends.
    disableEval: true,
    // The server must not be able to read files of the operator.
    flags: ['-LOCAL_FILES'],
    // Requests TLS; the session makes the TLS connection.
    ...(handler.tls === undefined ? {} : { ssl: {} }),
  };
}

/** Verdicts by error code of mysql2. */
const byCode: Readonly<Record<string, Verdict>> = {
  PROTOCOL_CONNECTION_LOST: closedEarly,
  HANDSHAKE_NO_SSL_SUPPORT: noTls,
  AUTH_SWITCH_PLUGIN_ERROR: verdict(
    'up',
    'AuthFailed',
    'the account needs an authentication plugin that the probe does not support',
  ),
};

function classify(error: unknown, session: MysqlSession, { handler }: MysqlLogin, name: string): Verdict {
  if (errorNumber(error) >= 1000) {
    const stage = session.isIn ? 'mysql query' : 'mysql login';
    return classifyServerError(serverError(error), handler.saturatedIs, { stage, logsIn: true });
  }
  if (codeOf(error) === 'HANDSHAKE_SSL_ERROR')
    return classifyHttpError({ code: session.tlsError ?? 'ERR_TLS_HANDSHAKE' }, name);
  if (codeOf(error).startsWith('ERR_SSL_')) return classifyHttpError(error, name, true);
  const known = lookUp(byCode, codeOf(error));
  if (known !== undefined) return known;
  // The remaining errors are from the parser of mysql2.
  return errorNumber(error) < 0 ? classifyErrno(error) : wrongProtocol;
}
