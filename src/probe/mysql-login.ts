import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Connection, ConnectionOptions } from 'mysql2';
import type { Check, Credentials, MysqlHandler, TlsOptions } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { classifyErrno, closedEarly, codeOf, verdict } from './classify.ts';
import { closePolitely } from './close.ts';
import { classifyHttpError } from './http-error.ts';
import type { Limit } from './limit.ts';
import { classifyServerError, isAboutTheAccount, noTls, wrongProtocol } from './mysql-errors.ts';
import { isGalera, judge, mayBeGalera, replicationStatement } from './mysql-state.ts';
import { galeraStatement, statusStatement, variablesStatement } from './mysql-state.ts';
import type { MysqlState, Row } from './mysql-state.ts';

export interface Login {
  readonly check: Check;
  readonly handler: MysqlHandler;
  readonly credentials: Credentials;
  readonly limit: Limit;
}

/** The verdict, and whether the server saw the end of the handshake: one that did not is counted against us. */
export interface LoginResult {
  readonly verdict: Verdict;
  readonly isFinished: boolean;
}

/** Nothing that is asked here has a longer answer. */
const maxBytes = 1_000_000;

/** Loaded by the first check that logs in, before its time runs: that is not the server's fault. */
export const loadClient = async () => (await import('mysql2')).default;

/** Logs in, asks for state and replication, and says goodbye; ends when the limit stops it. Never rejects for the server's sake. */
export async function logIn(login: Login): Promise<LoginResult> {
  const { check, handler, limit } = login;
  const mysql = await loadClient();
  if (limit.stopped !== undefined) return { verdict: limit.stopped, isFinished: true };
  const name = (handler.tls?.serverName ?? check.host).replace(/\.$/, '');
  const socket = dial(check, name);
  const connection = mysql.createConnection(optionsOf(login, name, socket));
  const session = new Session(connection, socket);
  const isFinished = session.isWelcome.then(
    () => true,
    (error: unknown) => errorNumber(error) >= 1000,
  );
  try {
    const stopped = new Promise<LoginResult>((resolve) => {
      limit.onStop = (said) => resolve({ verdict: said, isFinished: false });
    });
    const asked = session.state().then(judge, (error: unknown) => classify(error, session, login, name));
    const answered = asked.then(async (said) => ({ verdict: said, isFinished: await isFinished }));
    return await Promise.race([answered, stopped]);
  } finally {
    await session.close();
  }
}

/** mysql2 would dial a name; this is the IP, and the name that it takes for the certificate's where that is an address. */
function dial({ ip, port }: Check, name: string): Socket {
  return Object.assign(connect({ host: ip, port, noDelay: true }), { _host: name });
}

function optionsOf({ credentials, handler }: Login, name: string, socket: Socket): ConnectionOptions {
  return {
    host: name,
    user: credentials.username,
    password: credentials.password,
    stream: socket,
    // The limit of the run is enough, and politer.
    connectTimeout: 0,
    // Else it makes code of the names of columns, which the server gives.
    disableEval: true,
    // The server must not be able to ask for files of ours.
    flags: ['-LOCAL_FILES'],
    ...(handler.tls === undefined ? {} : { ssl: sslOf(handler.tls) }),
  };
}

/** An object of its own for each run: mysql2 keeps TLS sessions by it, and a resumed one shows no certificate. */
function sslOf({
  ca,
  certificate,
  key,
  insecureSkipVerify,
}: TlsOptions): NonNullable<ConnectionOptions['ssl']> {
  const verifies = insecureSkipVerify !== true;
  return {
    rejectUnauthorized: verifies,
    verifyIdentity: verifies,
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  };
}

/** What of mysql2's connection is not in its types. */
interface Parser {
  sequenceId: number;
  handlePacket: (packet: { readonly sequenceId: number } | undefined) => void;
}

/** One connection of mysql2, whose errors cannot escape. */
class Session {
  readonly isWelcome: Promise<void>;
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #failed: Promise<never>;

  constructor(connection: Connection, socket: Socket) {
    this.#connection = connection;
    this.#socket = socket;
    this.#failed = new Promise((_, reject) => this.#watch(reject));
    this.#failed.catch(() => undefined);
    this.isWelcome = Promise.race([
      new Promise<void>((resolve, reject) =>
        connection.connect((error) => (error ? reject(error) : resolve())),
      ),
      this.#failed,
    ]);
  }

  get secured(): TLSSocket | undefined {
    const { stream } = this.#connection as unknown as { readonly stream: unknown };
    return stream instanceof TLSSocket ? stream : undefined;
  }

  async state(): Promise<MysqlState> {
    await this.isWelcome;
    const variables = new Map(named(await this.#ask(variablesStatement)));
    if (mayBeGalera(variables))
      for (const [name, value] of named(await this.#ask(galeraStatement).catch(unknown)))
        variables.set(name, value);
    const status = isGalera(variables) ? pairs(await this.#ask(statusStatement)) : new Map<string, string>();
    const channels = await this.#ask(replicationStatement(variables.get('version') ?? '')).catch(refused);
    return { variables, status, channels };
  }

  async close(): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => this.#connection.end(() => resolve())),
      this.#failed.catch(() => undefined),
      // Without an answer there is nobody to take leave of.
      new Promise<void>((resolve) => setImmediate(resolve)),
    ]);
    await new Promise<void>((resolve) => closePolitely(this.secured ?? this.#socket, resolve));
  }

  /** mysql2 parses inside its `data` listener: what it throws there would end this process. */
  #watch(reject: (error: unknown) => void): void {
    this.#connection.on('error', reject);
    const parser = this.#connection as unknown as Parser;
    const handle = parser.handlePacket.bind(parser);
    parser.handlePacket = (packet) => {
      // It would complain of a wrong one on standard error, and go on.
      if (packet !== undefined) parser.sequenceId = packet.sequenceId;
      try {
        handle(packet);
      } catch {
        reject(unreadable());
      }
    };
    this.#socket.on('data', () => {
      if (this.#socket.bytesRead <= maxBytes) return;
      reject(unreadable());
      this.#socket.destroy();
    });
    this.#socket.on('close', () => reject(Object.assign(new Error(), { code: 'PROTOCOL_CONNECTION_LOST' })));
  }

  #ask(sql: string): Promise<readonly Row[]> {
    const rows = new Promise<readonly Row[]>((resolve, reject) => {
      this.#connection.query(sql, (error, found) => (error ? reject(error) : resolve(rowsOf(found))));
    });
    return Promise.race([rows, this.#failed]);
  }
}

function rowsOf(found: unknown): readonly Row[] {
  return Array.isArray(found)
    ? found.filter((row): row is Row => typeof row === 'object' && row !== null)
    : [];
}

/** The first row, by the names of its columns. */
function named([row = {}]: readonly Row[]): readonly (readonly [string, string])[] {
  return Object.entries(row).map(([name, value]) => [name, String(value)]);
}

function pairs(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(rows.map((row) => [String(row.Variable_name), String(row.Value)]));
}

const notGranted: ReadonlySet<number> = new Set([1142, 1227]);

function refused(error: unknown): MysqlState['channels'] {
  if (!notGranted.has(errorNumber(error))) throw error;
  return { refused: `${errorNumber(error)}: ${textOf(error)}` };
}

/** NDB is a cluster too, and has no such variable. */
function unknown(error: unknown): readonly Row[] {
  if (errorNumber(error) !== 1193) throw error;
  return [];
}

function unreadable(): Error {
  return Object.assign(new Error('unreadable'), { code: 'UNREADABLE' });
}

function errorNumber(error: unknown): number {
  return typeof error === 'object' && error !== null && 'errno' in error ? Number(error.errno) : 0;
}

function textOf(error: unknown, property = 'sqlMessage'): string {
  const value = typeof error === 'object' && error !== null ? (error as Row)[property] : undefined;
  return typeof value === 'string' ? value : '';
}

/** Of mysql2, whose names are its own. */
const byCode: Readonly<Record<string, Verdict>> = {
  PROTOCOL_CONNECTION_LOST: closedEarly,
  HANDSHAKE_NO_SSL_SUPPORT: noTls,
  AUTH_SWITCH_PLUGIN_ERROR: verdict(
    'up',
    'AuthFailed',
    'the account needs an authentication plugin that is not known here',
  ),
};

/**
 * Errors of the server as without credentials, but that AuthFailed says: it is alive, and refuses these. Up, for a changed
 * password must not take a database away from all.
 */
function classify(error: unknown, session: Session, { handler }: Login, name: string): Verdict {
  const code = errorNumber(error);
  if (code >= 1000) {
    const said = { code, state: textOf(error, 'sqlState'), text: textOf(error) };
    return isAboutTheAccount(said)
      ? verdict('up', 'AuthFailed', `${code}: ${said.text}`)
      : classifyServerError(said, handler.saturatedIs);
  }
  if (codeOf(error) === 'HANDSHAKE_SSL_ERROR') {
    const reason: unknown = session.secured?.authorizationError;
    return classifyHttpError({ code: typeof reason === 'string' ? reason : 'ERR_TLS_HANDSHAKE' }, name);
  }
  const known = byCode[codeOf(error)];
  if (known !== undefined) return known;
  // What is left is thrown by mysql2's parser.
  return code < 0 ? classifyErrno(error) : wrongProtocol;
}
