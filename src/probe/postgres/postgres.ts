import type { Check, PostgresHandler } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import { proberFault, responded, verdict } from '../verdict/verdicts.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import type { Protocol, Step } from '../connection/protocol.ts';
import { createFallbacks } from '../connection/fallbacks.ts';
import type { Fallbacks } from '../connection/fallbacks.ts';
import { reporting } from '../connection/login-verdicts.ts';
import { verdictOfError } from './postgres-errors.ts';
import { logInToPostgres } from './postgres-login.ts';
import {
  maxAnswerBytes,
  readPostgresMessage,
  sslRequest,
  startupPacket,
  terminate,
} from './postgres-messages.ts';
import type { PostgresMessage } from './postgres-messages.ts';
import { createMysqlPorts } from '../mysql/mysql-ports.ts';
import { connectPreferringTls } from './sslmode-prefer.ts';
import type { ConnectionAttempt } from './sslmode-prefer.ts';
import type { Probe } from '../connection/probe.ts';
import { createSecureContextCache } from '../connection/tls.ts';
import type { TlsPolicy, SecureContextCache } from '../connection/tls.ts';

/** User name in the log of a server that logs connections. The role need not exist. */
const defaultUser = 'external_backend_probe';
const defaultDatabase = 'postgres';
const applicationName = 'external-backend-operator';

/**
 * Creates the probe of PostgreSQL and of servers with its protocol (PgBouncer, RDS Proxy). Without
 * credentials it begins a login, like pg_isready:
 *
 *     > 00 00 00 08 04 d2 16 2f                    SSLRequest, unless sslMode is disable
 *     < 53 (S) or 4e (N)                           then TLS, or not
 *     > length 00 03 00 00 "user" 0 … 0 0          startup packet; the server answers an SSLRequest alone before it checks
 *     <                                            whether it accepts sessions
 *     < 52 (R) length code                         authentication request: it accepts sessions. Up; the close is not logged
 *     < 52 length 0, 53 (S) …, 4b (K) …, 5a (Z)    no password requested: a session. Up; Terminate (58 00 00 00 04)
 *     < 45 (E) …                                   see `verdictOfError`
 *
 * | sslMode     | server answers S                     | server answers N          |
 * |-------------|--------------------------------------|---------------------------|
 * | disable     | (no request)                         | (no request)              |
 * | prefer      | TLS, any certificate                 | continues without         |
 * | require     | TLS, any certificate                 | down TlsFailed            |
 * | verify-ca   | TLS, a certificate of the authority  | down TlsFailed            |
 * | verify-full | TLS, and for the host's name         | down TlsFailed            |
 *
 * `prefer` makes a second connection without TLS when TLS fails or the first one is refused
 * (sslmode-prefer.ts). With credentials the probe makes a complete login and one query (postgres-login.ts).
 * The mode alone decides what is verified.
 */
export function createPostgres(fallbacks = createFallbacks(), guard = createMysqlPorts()): Probe {
  const contexts = createSecureContextCache();
  const probe = reporting((check, signal, meter) => {
    const { handler } = check;
    if (handler.kind !== 'postgres') return Promise.resolve(proberFault('not a postgres check'));
    const tlsPolicy = postgresTlsPolicy(handler, contexts);
    const { credentials, database = defaultDatabase } = handler;
    const budget = new Budget({ meter });
    return credentials === undefined
      ? probeAnonymously({ check, handler, tlsPolicy, fallbacks, budget }, signal)
      : logInToPostgres(
          {
            check,
            handler,
            credentials,
            tlsPolicy,
            database,
            applicationName,
            fallbacks,
            budget,
          },
          signal,
        );
  });
  return guard(probe);
}

interface AnonymousRun {
  readonly check: Check;
  readonly handler: PostgresHandler;
  readonly tlsPolicy: TlsPolicy | undefined;
  readonly fallbacks: Fallbacks;
  readonly budget: Budget;
}

async function probeAnonymously(
  { check, handler, tlsPolicy, fallbacks, budget }: AnonymousRun,
  signal: AbortSignal,
): Promise<Verdict> {
  const deadline = performance.now() + check.timing.timeoutMs;
  let within = check;
  const connect = async (isSecure: boolean): Promise<ConnectionAttempt> => {
    const protocol = postgresProtocol(isSecure ? handler : { ...handler, sslMode: 'disable' });
    const verdict = await runProtocol(within, signal, protocol, isSecure ? tlsPolicy : undefined, { budget });
    // Another connection has the remaining time.
    const timeoutMs = Math.max(1, Math.ceil(deadline - performance.now()));
    within = { ...check, timing: { ...check.timing, timeoutMs } };
    return { verdict, end: protocol.end };
  };
  if (handler.sslMode === 'prefer') return connectPreferringTls(check, fallbacks, connect);
  return (await connect(tlsPolicy !== undefined)).verdict;
}

/** Returns how to use TLS in the handler's mode. Undefined: no TLS. */
export function postgresTlsPolicy(
  { sslMode, tls = {} }: PostgresHandler,
  contexts: SecureContextCache,
): TlsPolicy | undefined {
  if (sslMode === 'disable') return undefined;
  const verify = sslMode === 'verify-full' ? 'full' : sslMode === 'verify-ca' ? 'ca' : 'none';
  return { tls, contexts, verify, commonName: true };
}

const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not of the PostgreSQL protocol');
const noTls = verdict('down', 'TlsFailed', 'the server does not offer TLS');
const more: Step = { kind: 'more' };
const byteS = 0x53;
const byteN = 0x4e;

/** Start of a login. `end`: how it ended. */
export interface PostgresProtocol extends Protocol {
  readonly end: ConnectionAttempt['end'];
}

/** Creates the protocol of one run. */
export function postgresProtocol(handler: PostgresHandler): PostgresProtocol {
  let asked: 'nothing' | 'tls' | 'session' = 'nothing';
  const session: Session = { open: false, refused: false, role: undefined, messages: 0 };
  const begin = (consumed: number): Step => {
    asked = 'session';
    const { user = defaultUser, database = defaultDatabase } = handler;
    const bytes = startupPacket({ user, database, application_name: applicationName });
    return { kind: 'send', bytes, consumed };
  };
  const readTlsAnswer = (received: Buffer): Step => {
    if (received.length === 0) return more;
    if (received[0] === byteS) {
      asked = 'nothing';
      return { kind: 'secure', consumed: 1 };
    }
    if (received[0] !== byteN) return refused(received, handler);
    return handler.sslMode === 'prefer' ? begin(1) : { kind: 'done', verdict: noTls };
  };
  let isPlain = handler.sslMode === 'disable';
  return {
    maxBytes: maxAnswerBytes,
    question: 'the login',
    get end() {
      if (asked !== 'session') return isPlain && handler.sslMode === 'disable' ? 'other' : 'no TLS';
      return session.refused ? 'refused' : 'other';
    },
    next: (received) => {
      if (asked === 'tls') return readTlsAnswer(received);
      if (asked === 'session') return readMessages(received, session, handler);
      if (isPlain) return begin(0);
      isPlain = true; // the next start of a session is inside TLS
      asked = 'tls';
      return { kind: 'send', bytes: sslRequest, consumed: 0 };
    },
  };
}

/**
 * Judges an error in place of `S` or `N`. It is not authenticated, so it makes no address healthy where TLS
 * is required.
 */
function refused(received: Buffer, handler: PostgresHandler): Step {
  if (received[0] !== 0x45) return { kind: 'done', verdict: wrongProtocol };
  const step = readMessages(received, { open: false, refused: false, role: undefined, messages: 0 }, handler);
  if (step.kind !== 'done' || step.verdict.kind !== 'up' || handler.sslMode === 'prefer') return step;
  return { kind: 'done', verdict: noTls };
}

/** Reads the new messages in order, each of them once. The first that decides ends the login. */
function readMessages(received: Buffer, session: Session, handler: PostgresHandler): Step {
  for (let at = 0; ;) {
    const read = readPostgresMessage(received, at);
    if (read === 'incomplete') return at === 0 ? more : { kind: 'send', bytes: nothing, consumed: at };
    session.messages += 1;
    if (session.messages > maxMessages) return tooManyMessages;
    const step = read === 'unknown' ? foreign : stepAfter(read.message, session, handler);
    if (step !== undefined) return step;
    if (read !== 'unknown') at = read.end;
  }
}

const nothing = Buffer.alloc(0);

/**
 * Maximum number of messages. A server sends about 20 until its session is ready, most of them parameters.
 */
const maxMessages = 64;
const tooManyMessages: Step = {
  kind: 'exceed',
  verdict: verdict(
    'down',
    'WrongProtocol',
    `the server sent more than ${String(maxMessages)} messages at the login`,
  ),
};

interface Session {
  /** The login succeeded without a password. */
  open: boolean;
  /** The server answered an error before that. */
  refused: boolean;
  role: Verdict['role'];
  messages: number;
}

const foreign: Step = { kind: 'done', verdict: wrongProtocol };

/**
 * Judges a message. A login without a password is not the end: errors about the database or a free slot
 * follow. A session also reports the role (PostgreSQL 14 and later).
 */
function stepAfter(message: PostgresMessage, session: Session, handler: PostgresHandler): Step | undefined {
  if (message.kind !== 'error') return session.open ? inside(message, session) : outside(message, session);
  session.refused = !session.open;
  return { kind: 'done', verdict: verdictOfError(message, handler.saturatedIs) };
}

function outside(message: PostgresMessage, session: Session): Step | undefined {
  if (message.kind === 'other' && message.early) return undefined;
  if (message.kind !== 'authentication') return foreign;
  if (message.code !== 0) return { kind: 'done', verdict: responded };
  session.open = true;
  return undefined;
}

function inside(message: PostgresMessage, session: Session): Step | undefined {
  if (message.kind === 'authentication') return foreign;
  if (message.kind === 'parameter' && message.name === 'in_hot_standby')
    session.role = message.value === 'on' ? 'Replica' : 'Primary';
  if (message.kind !== 'ready') return undefined;
  const { role } = session;
  return { kind: 'done', verdict: role ? { ...responded, role } : responded, finalBytes: terminate };
}
