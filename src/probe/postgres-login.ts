import { Socket } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import type { Check, Credentials, PostgresHandler } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { classifyErrno, closedEarly, codeOf, proberFault, verdict } from './classify.ts';
import { closePolitely } from './close.ts';
import { classifyHttpError } from './http-error.ts';
import { createLimit } from './limit.ts';
import type { Limit } from './limit.ts';
import { progressOf, withProgress } from './progress.ts';
import { refusesLogin, verdictOfError } from './postgres-errors.ts';
import { askRoleOnly, askState, stateOf } from './postgres-state.ts';
import { vetted } from './postgres-vetted.ts';
import { nameOf, secretsOf } from './secure.ts';
import type { Securing } from './secure.ts';

export interface Login {
  readonly check: Check;
  readonly handler: PostgresHandler;
  readonly credentials: Credentials;
  readonly securing: Securing | undefined;
  readonly database: string;
  readonly applicationName: string;
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
    const attempt = async (securing: Securing | undefined) =>
      limit.stopped ?? (await converseThrough(ClientOfPg, login, securing, limit));
    const first = await attempt(login.securing);
    return first === noTls && login.handler.sslMode === 'prefer' ? await attempt(undefined) : first;
  } finally {
    limit.release();
  }
}

const noTls = verdict('down', 'TlsFailed', 'the server offers no TLS');
const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not PostgreSQL');

/** The parts of pg's client that its types leave out. */
interface Inner {
  readonly connection: { readonly stream: Socket; on(event: 'sslconnect', listener: () => void): void };
}

/** Resolves when the connection is closed, or at once when the limit is reached; then it closes behind us. */
function converseThrough(
  ClientOfPg: typeof Client,
  login: Login,
  securing: Securing | undefined,
  limit: Limit,
): Promise<Verdict> {
  return new Promise((resolve) => {
    const client = new ClientOfPg(configOf(login, securing));
    const { connection } = client as unknown as Inner;
    let isOver = false;
    let isWelcome = false;
    const told = (end: Verdict): Verdict => {
      const question = isWelcome ? 'the query' : 'the login';
      return withProgress(end, progressOf(connection.stream, question), login.check);
    };
    const finish = (cause: Verdict) => {
      if (isOver) return;
      isOver = true;
      const end = told(cause);
      limit.onStop = () => resolve(end);
      closePolitely(connection.stream, () => resolve(end));
    };
    limit.onStop = (stop) => {
      resolve(told(stop));
      finish(stop);
    };
    client.on('error', (error) => finish(verdictOf(error, login)));
    const broken = () => finish(wrongProtocol);
    guard(connection.stream, securing === undefined ? 0 : 1, broken);
    connection.on('sslconnect', () => guard(connection.stream, 0, broken));
    client.on('connect', () => (isWelcome = true));
    ask(client).then(
      (end) => {
        // Terminate goes first, then our FIN.
        if (!isOver) void client.end().catch(() => undefined);
        finish(end);
      },
      (error: unknown) => finish(verdictOf(error, login)),
    );
  });
}

async function ask(client: Client): Promise<Verdict> {
  await client.connect();
  try {
    return stateOf((await client.query<Record<string, unknown>>(askState)).rows[0]);
  } catch (error) {
    if (!lacksFunctions.has(codeOf(error))) throw error;
    return stateOf((await client.query<Record<string, unknown>>(askRoleOnly)).rows[0]);
  }
}

/** SQLSTATEs of a server that does not have what we ask about, or not for us: feature, function, object, table, permission. */
const lacksFunctions: ReadonlySet<string> = new Set(['0A000', '42883', '42704', '42P01', '42501', '55000']);

function configOf(login: Login, securing: Securing | undefined): ClientConfig {
  const { check, credentials, database, applicationName } = login;
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

/** Lets pg see whole messages that may come, and nothing else. `first` bytes, the answer about TLS, pass as they are. */
function guard(stream: Socket, first: number, onBroken: () => void): void {
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
    isBroken = length === undefined;
    if (length === undefined) onBroken();
    if (length === undefined || length === 0) return true;
    const whole = waiting.subarray(0, length);
    waiting = waiting.subarray(length);
    raw = 0;
    return emit('data', whole);
  };
  stream.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const [chunk] = args;
    return event === 'data' && Buffer.isBuffer(chunk) ? pass(chunk) : emit(event, ...args);
  };
}

function verdictOf(error: unknown, login: Login): Verdict {
  const { handler, check, securing } = login;
  if (!isError(error)) return proberFault('the login failed without an error');
  if ('severity' in error) return verdictOfDatabase(error, handler);
  if (/does not support SSL/.test(error.message)) return noTls;
  if (/establishing an SSL connection/.test(error.message)) return wrongProtocol;
  if (/^Connection terminated/.test(error.message)) return closedEarly;
  // pg's own words, of an answer that it did not expect; they may quote it.
  if (codeOf(error) === '') return wrongProtocol;
  return securing === undefined
    ? classifyErrno(error)
    : classifyHttpError(error, nameOf(check, securing.tls));
}

/** Told by its looks: an error of Node's may come from elsewhere than this realm. */
function isError(error: unknown): error is { readonly message: string; readonly detail?: unknown } {
  return (
    typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
  );
}

function verdictOfDatabase(
  error: { readonly message: string; readonly detail?: unknown },
  handler: PostgresHandler,
): Verdict {
  const sqlstate = codeOf(error);
  if (!/^[0-9A-Z]{5}$/.test(sqlstate)) return wrongProtocol;
  if (refusesLogin({ sqlstate, text: error.message }))
    return verdict('up', 'AuthFailed', `${sqlstate} ${error.message}`);
  const detail = typeof error.detail === 'string' ? error.detail : '';
  return verdictOfError({ sqlstate, text: error.message, detail }, handler.saturatedIs);
}
