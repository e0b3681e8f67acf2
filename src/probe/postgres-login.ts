import { Socket } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import type { Check, Credentials, PostgresHandler } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { classifyErrno, closedEarly, codeOf, proberFault, responded, verdict } from './classify.ts';
import { fixOfPostgres, mayReveal, withheld, withheldMessage } from './clear-text.ts';
import { closePolitely } from './close.ts';
import { classifyHttpError } from './http-error.ts';
import type { Fallbacks } from './fallbacks.ts';
import { createLimit } from './limit.ts';
import type { Limit } from './limit.ts';
import { progressOf, withProgress } from './progress.ts';
import { rulingOf, verdictOfError } from './postgres-errors.ts';
import type { ServerError } from './postgres-errors.ts';
import { prefer } from './postgres-prefer.ts';
import type { Attempt } from './postgres-prefer.ts';
import { askRoleOnly, askState, stateOf } from './postgres-state.ts';
import { asksForPassword, vetted } from './postgres-vetted.ts';
import { nameOf, secretsOf } from './secure.ts';
import type { Securing } from './secure.ts';

export interface Login {
  readonly check: Check;
  readonly handler: PostgresHandler;
  readonly credentials: Credentials;
  readonly securing: Securing | undefined;
  readonly database: string;
  readonly applicationName: string;
  readonly fallbacks: Fallbacks;
}

/**
 * Logs in through `pg`, asks one question, logs out. A refused login is `up`, `AuthFailed`, without a role: the server is
 * well, and a password that is changed there first must not take all addresses away.
 */
export async function logIn(login: Login, signal: AbortSignal): Promise<Verdict> {
  // Loaded by the first check that logs in, before its time runs: that is not the server's fault.
  const { Client: ClientOfPg } = await import('pg');
  const limit = createLimit(login.check.timing.timeoutMs, signal);
  try {
    const connect = async (isSecure: boolean): Promise<Attempt> =>
      limit.stopped === undefined
        ? converseThrough(ClientOfPg, isSecure ? login : { ...login, securing: undefined }, limit)
        : { verdict: limit.stopped, end: 'other' };
    const { check, handler, securing, fallbacks } = login;
    if (handler.sslMode === 'prefer') return await prefer(check, fallbacks, connect);
    return (await connect(securing !== undefined)).verdict;
  } finally {
    limit.release();
  }
}

const noTls = verdict('down', 'TlsFailed', 'the server offers no TLS');
const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not PostgreSQL');

/** The parts of pg's client that its types leave out. */
interface Inner {
  readonly connection: {
    readonly stream: Socket;
    on(event: 'sslconnect' | 'authenticationOk', listener: () => void): void;
  };
}

/** How far a login got. */
type Step = 'begun' | 'secure' | 'in';

/** Resolves when the connection is closed, or at once when the limit is reached; then it closes behind us. */
function converseThrough(ClientOfPg: typeof Client, login: Login, limit: Limit): Promise<Attempt> {
  return new Promise((resolve) => {
    const client = new ClientOfPg(configOf(login));
    const { connection } = client as unknown as Inner;
    let step: Step = login.securing === undefined ? 'secure' : 'begun';
    let isOver = false;
    const end = (cause: Verdict, how: Attempt['end']): Attempt => {
      const question = step === 'in' ? 'the query' : 'the login';
      return { verdict: withProgress(cause, progressOf(connection.stream, question), login.check), end: how };
    };
    const finish = (attempt: Attempt) => {
      if (isOver) return;
      isOver = true;
      limit.onStop = () => resolve(attempt);
      closePolitely(connection.stream, () => resolve(attempt));
    };
    limit.onStop = (stop) => {
      const attempt = end(stop, 'other');
      resolve(attempt);
      finish(attempt);
    };
    const fail = (error: unknown) => finish(end(verdictOf(error, login, step), endOf(error, step)));
    client.on('error', fail);
    const refuse: Refuse = (why) =>
      finish(
        why === 'asks for the password'
          ? { verdict: keptBack(login), end: 'other' }
          : end(wrongProtocol, step === 'begun' ? 'no TLS' : 'other'),
      );
    const isAllowed = mayReveal(login.credentials, login.securing?.verify);
    guard(connection.stream, { raw: login.securing === undefined ? 0 : 1, isAllowed, refuse });
    connection.on('sslconnect', () => {
      connection.stream.once('secureConnect', () => (step = 'secure'));
      guard(connection.stream, { raw: 0, isAllowed, refuse });
    });
    connection.on('authenticationOk', () => (step = 'in'));
    ask(client, login).then((verdict) => {
      // Terminate goes first, then our FIN.
      if (!isOver) void client.end().catch(() => undefined);
      finish(end(verdict, 'other'));
    }, fail);
  });
}

/** Asks for all of the state, or for the role alone where the server has refused the rest. */
async function ask(client: Client, { check, fallbacks }: Login): Promise<Verdict> {
  await client.connect();
  if (fallbacks.get(check, 'role alone') === undefined) {
    try {
      return await answerTo(client, askState);
    } catch (error) {
      if (!isAboutTheQuestion(error)) throw error;
      fallbacks.remember(check, 'role alone');
    }
  }
  return answerTo(client, askRoleOnly);
}

const answerTo = async (client: Client, question: string): Promise<Verdict> =>
  stateOf((await client.query<Record<string, unknown>>(question)).rows[0]);

/** Returns true where the session continues and the server is healthy: it lacks the subject of the question, or refuses it to this account. A timeout does not count. */
const isAboutTheQuestion = (error: unknown): boolean =>
  isDatabaseError(error) && error.severity === 'ERROR' && rulingOf(serverError(error)).subject === 'account';

function configOf(login: Login): ClientConfig {
  const { check, credentials, database, applicationName, securing } = login;
  return {
    host: check.ip,
    port: check.port,
    user: credentials.username,
    password: credentials.password,
    database,
    application_name: applicationName,
    ssl: securing === undefined ? false : secretsOf(securing, nameOf(check, securing.tls)),
    stream: () => new Socket(),
  };
}

/** Of all that a server may say; a login and one row are some 2 kB. */
const maxBytes = 65_536;

/** The server accepts sessions, and gets no password: the verdict of a probe without credentials. */
const keptBack = ({ securing }: Login): Verdict =>
  withheld(responded, withheldMessage(securing?.verify, fixOfPostgres));

type Refuse = (why: 'broken' | 'asks for the password') => void;

interface Guarding {
  /** So many bytes, the answer about TLS, pass as they are. */
  readonly raw: number;
  /** The password may be revealed to this server. */
  readonly isAllowed: boolean;
  readonly refuse: Refuse;
}

/** Lets pg see whole messages that may come, and nothing else: also no question that it would answer with a password in clear. */
function guard(stream: Socket, { raw: first, isAllowed, refuse }: Guarding): void {
  const emit = stream.emit.bind(stream) as (event: string | symbol, ...args: unknown[]) => boolean;
  let waiting: Buffer = Buffer.alloc(0);
  let bytes = 0;
  let raw = first;
  const take = (chunk: Buffer): number | undefined => {
    bytes += chunk.length;
    waiting = Buffer.concat([waiting, chunk]);
    // More than the answer about TLS would be taken for encrypted (CVE-2021-23222).
    if (raw > 0) return waiting.length === raw ? raw : undefined;
    return bytes > maxBytes ? undefined : vetted(waiting);
  };
  let isBroken = false;
  const pass = (chunk: Buffer): boolean => {
    if (isBroken) return true;
    const length = take(chunk);
    const whole = waiting.subarray(0, length);
    const isAsking = raw === 0 && !isAllowed && length !== undefined && asksForPassword(whole);
    isBroken = length === undefined || isAsking;
    if (isBroken) refuse(isAsking ? 'asks for the password' : 'broken');
    if (isBroken || length === undefined || length === 0) return true;
    waiting = waiting.subarray(length);
    raw = 0;
    return emit('data', whole);
  };
  stream.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const [chunk] = args;
    return event === 'data' && Buffer.isBuffer(chunk) ? pass(chunk) : emit(event, ...args);
  };
}

function endOf(error: unknown, step: Step): Attempt['end'] {
  if (step === 'begun') return 'no TLS';
  return step === 'secure' && isDatabaseError(error) ? 'refused' : 'other';
}

function verdictOf(error: unknown, login: Login, step: Step): Verdict {
  const { handler, check, securing } = login;
  if (!isError(error)) return proberFault('the login failed without an error');
  if (isDatabaseError(error)) return verdictOfDatabase(error, handler, step);
  if (/does not support SSL/.test(error.message)) return noTls;
  if (/establishing an SSL connection/.test(error.message)) return wrongProtocol;
  if (/^Connection terminated/.test(error.message)) return closedEarly;
  // pg's own words, of an answer that it did not expect; they may quote it.
  if (codeOf(error) === '') return wrongProtocol;
  return securing === undefined
    ? classifyErrno(error)
    : classifyHttpError(error, nameOf(check, securing.tls));
}

interface Failure {
  readonly message: string;
  readonly detail?: unknown;
  readonly routine?: unknown;
}

interface DatabaseFailure extends Failure {
  readonly severity: string;
}

/** Told by its looks: an error of Node's may come from elsewhere than this realm. */
function isError(error: unknown): error is Failure {
  return (
    typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
  );
}

const isDatabaseError = (error: unknown): error is DatabaseFailure =>
  isError(error) && 'severity' in error && typeof error.severity === 'string';

function serverError(error: Failure): ServerError {
  const { message: text, detail, routine } = error;
  return {
    sqlstate: codeOf(error),
    text,
    ...(typeof detail === 'string' && { detail }),
    ...(typeof routine === 'string' && { routine }),
  };
}

function verdictOfDatabase(error: Failure, { saturatedIs }: PostgresHandler, step: Step): Verdict {
  const said = serverError(error);
  if (!/^[0-9A-Z]{5}$/.test(said.sqlstate)) return wrongProtocol;
  const stage = step === 'in' ? 'postgres query' : 'postgres startup';
  return verdictOfError(said, saturatedIs, { stage, logsIn: true });
}
