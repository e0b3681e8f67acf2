import { Socket } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import type { Check, Credentials, PostgresHandler } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { Budget } from '../connection/budget.ts';
import { responded, verdict } from '../verdict/verdicts.ts';
import {
  fixOfPostgres,
  mayRevealPassword,
  withheld,
  withheldMessage,
} from '../connection/password-exposure.ts';
import type { CpuMeter } from '../connection/cpu-meter.ts';
import { closeGracefully } from '../connection/close.ts';
import type { Fallbacks } from '../connection/fallbacks.ts';
import { createDeadline } from '../connection/deadline.ts';
import type { Deadline } from '../connection/deadline.ts';
import { progressOf, withProgress } from '../connection/progress.ts';
import {
  endOfLogin,
  isAboutTheQuery,
  tooManyIterations,
  verdictOfLogin,
  notPostgres,
} from './login-errors.ts';
import type { LoginStep } from './login-errors.ts';
import { guardStream, maxMessages } from './postgres-guard.ts';
import type { RefuseFn } from './postgres-guard.ts';
import { connectPreferringTls } from './sslmode-prefer.ts';
import type { ConnectionAttempt } from './sslmode-prefer.ts';
import { roleQuery, stateQuery, verdictOfRow } from './state-query.ts';
import { serverNameOf, tlsConnectOptions } from '../connection/tls.ts';
import type { TlsPolicy } from '../connection/tls.ts';
import { meterTap, TappedConnection } from '../connection/tapped-connection.ts';
import type { Connection, Tap } from '../connection/tapped-connection.ts';

export interface PostgresLogin {
  readonly check: Check;
  readonly handler: PostgresHandler;
  readonly credentials: Credentials;
  readonly tlsPolicy: TlsPolicy | undefined;
  readonly database: string;
  readonly applicationName: string;
  readonly fallbacks: Fallbacks;
  /** Budget of all connections of the run. */
  readonly budget: Budget;
}

/**
 * Logs in through `pg`, runs one query, logs out. A refused login is `up`, `AuthFailed`, without a role: the
 * server is healthy, and a password that is changed on the servers first must not remove all addresses.
 */
export async function logInToPostgres(login: PostgresLogin, signal: AbortSignal): Promise<Verdict> {
  // Loaded by the first check that logs in, before its time starts, because loading is not a delay of the
  // server.
  const { Client: ClientOfPg } = await import('pg');
  const limit = createDeadline(login.check.timing.timeoutMs, signal);
  const connectOnce = (one: PostgresLogin): Promise<ConnectionAttempt> =>
    new Promise((resolve) => new LoginConnection(ClientOfPg, one, limit, resolve).start());
  try {
    const connect = async (isSecure: boolean): Promise<ConnectionAttempt> =>
      limit.stopped === undefined
        ? connectOnce(isSecure ? login : { ...login, tlsPolicy: undefined })
        : { verdict: limit.stopped, end: 'other' };
    const { check, handler, tlsPolicy, fallbacks } = login;
    if (handler.sslMode === 'prefer') return await connectPreferringTls(check, fallbacks, connect);
    return (await connect(tlsPolicy !== undefined)).verdict;
  } finally {
    limit.release();
  }
}

const tooManyMessages = verdict(
  'down',
  'WrongProtocol',
  `the server sent more than ${String(maxMessages)} messages`,
);

/** Members of pg's client that its types do not have. */
interface Inner {
  readonly connection: {
    readonly stream: Connection;
    on(event: 'sslconnect' | 'authenticationOk', listener: () => void): void;
  };
}

/**
 * One connection. Resolves when it is closed, or at once when the limit is reached; then it closes after the
 * verdict.
 */
class LoginConnection {
  readonly #login: PostgresLogin;
  readonly #limit: Deadline;
  readonly #resolve: (attempt: ConnectionAttempt) => void;
  readonly #socket = new Socket();
  readonly #client: Client;
  readonly #connection: Inner['connection'];
  #step: LoginStep;
  #isOver = false;

  constructor(
    ClientOfPg: typeof Client,
    login: PostgresLogin,
    limit: Deadline,
    resolve: (attempt: ConnectionAttempt) => void,
  ) {
    this.#login = login;
    this.#limit = limit;
    this.#resolve = resolve;
    this.#step = login.tlsPolicy === undefined ? 'secure' : 'begun';
    const counting = meterTap(login.budget, () => this.#exceed());
    const counted = new Counted(this.#socket, counting, login.budget.meter);
    this.#client = new ClientOfPg(configOf(login, counted));
    this.#connection = (this.#client as unknown as Inner).connection;
  }

  start(): void {
    const { credentials, tlsPolicy, budget } = this.#login;
    this.#limit.onStop = (stop) => {
      const attempt = this.#end(stop, 'other');
      this.#resolve(attempt);
      this.#finish(attempt);
    };
    this.#client.on('error', this.#fail);
    const isAllowed = mayRevealPassword(credentials, tlsPolicy?.verify);
    const refuse: RefuseFn = (why) => this.#refuse(why);
    const connection = this.#connection;
    const release = guardStream(connection.stream, {
      raw: tlsPolicy === undefined ? 0 : 1,
      isAllowed,
      refuse,
    });
    connection.on('sslconnect', () => {
      release();
      budget.beginHandshake();
      connection.stream.once('secureConnect', () => this.#secured());
      guardStream(connection.stream, { raw: 0, isAllowed, refuse });
    });
    connection.on('authenticationOk', () => (this.#step = 'in'));
    queryState(this.#client, this.#login).then((verdict) => this.#leave(verdict), this.#fail);
  }

  readonly #fail = (error: unknown): void =>
    this.#finish(this.#end(verdictOfLogin(error, this.#login, this.#step), endOfLogin(error, this.#step)));

  #secured(): void {
    this.#step = 'secure';
    this.#login.budget.endHandshake();
  }

  #exceed(): void {
    const { exceeded = notPostgres } = this.#login.budget;
    this.#connection.stream.destroy();
    this.#socket.destroy();
    this.#finish(this.#end(exceeded, 'other'));
  }

  #refuse(why: Parameters<RefuseFn>[0]): void {
    if (why === 'asks for the password') this.#finish({ verdict: keptBack(this.#login), end: 'other' });
    else if (why === 'too many iterations') this.#finish({ verdict: tooManyIterations, end: 'other' });
    else if (why === 'broken')
      this.#finish(this.#end(notPostgres, this.#step === 'begun' ? 'no TLS' : 'other'));
    else {
      this.#login.budget.exceed(tooManyMessages);
      this.#exceed();
    }
  }

  /** Sends Terminate, then FIN. */
  #leave(verdict: Verdict): void {
    if (!this.#isOver) void this.#client.end().catch(() => undefined);
    this.#finish(this.#end(verdict, 'other'));
  }

  #end(cause: Verdict, how: ConnectionAttempt['end']): ConnectionAttempt {
    const question = this.#step === 'in' ? 'the query' : 'the login';
    const progress = progressOf(this.#connection.stream, question);
    return { verdict: withProgress(cause, progress, this.#login.check), end: how };
  }

  #finish(attempt: ConnectionAttempt): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#limit.onStop = () => this.#resolve(attempt);
    closeGracefully(this.#connection.stream, () => this.#resolve(attempt));
  }
}

/** Queries the complete state, or the role alone if the server has refused the rest. */
async function queryState(client: Client, { check, fallbacks }: PostgresLogin): Promise<Verdict> {
  await client.connect();
  if (fallbacks.get(check, 'role alone') === undefined) {
    try {
      return await answerTo(client, stateQuery);
    } catch (error) {
      if (!isAboutTheQuery(error)) throw error;
      fallbacks.remember(check, 'role alone');
    }
  }
  return answerTo(client, roleQuery);
}

const answerTo = async (client: Client, question: string): Promise<Verdict> =>
  verdictOfRow((await client.query<Record<string, unknown>>(question)).rows[0]);

function configOf(login: PostgresLogin, stream: Counted): ClientConfig {
  const { check, credentials, database, applicationName, tlsPolicy } = login;
  return {
    host: check.ip,
    port: check.port,
    user: credentials.username,
    password: credentials.password,
    database,
    application_name: applicationName,
    ssl: tlsPolicy === undefined ? false : tlsConnectOptions(tlsPolicy, serverNameOf(check, tlsPolicy.tls)),
    stream: () => stream,
  };
}

/**
 * Returns the verdict when the password is withheld: that of a probe without credentials, because the server
 * accepts sessions.
 */
const keptBack = ({ tlsPolicy }: PostgresLogin): Verdict =>
  withheld(responded, withheldMessage(tlsPolicy?.verify, fixOfPostgres));

/** Stream that pg connects. Its bytes are counted before pg, and before TLS, receives them. */
class Counted extends TappedConnection {
  readonly #socket: Socket;

  constructor(socket: Socket, tap: Tap, meter: CpuMeter) {
    super(socket, tap, meter);
    this.#socket = socket;
    socket.once('connect', () => this.emit('connect'));
  }

  connect(port: number, host: string): void {
    this.#socket.connect({ port, host });
  }

  setNoDelay(noDelay: boolean): void {
    this.#socket.setNoDelay(noDelay);
  }
}
