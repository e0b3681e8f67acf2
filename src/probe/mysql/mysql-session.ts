import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { Connection as Mysql2Connection } from 'mysql2';
import type { Verdict } from '../../core/probing/verdict.ts';
import { maxBytesBehind } from '../connection/budget.ts';
import type { Budget } from '../connection/budget.ts';
import { codeOf } from '../verdict/verdicts.ts';
import { closeGracefully } from '../connection/close.ts';
import type { Fallback } from '../connection/fallbacks.ts';
import { isLasting } from './mysql-errors.ts';
import { serverError } from './mysql2-errors.ts';
import { excessOfLength, PacketBounds } from './packet-bounds.ts';
import { groupStatement, isGalera, mayBeInGroup } from './mysql-state.ts';
import { replicationStatement, statusStatement, variablesStatement } from './mysql-state.ts';
import type { MysqlState, Row, Rows } from './mysql-state.ts';
import type { PendingStep } from './outstanding-logins.ts';
import { keepAliveMs } from '../connection/linger.ts';
import { progressOf } from '../connection/progress.ts';
import type { Progress } from '../connection/progress.ts';
import type { Connection } from '../connection/tapped-connection.ts';

/**
 * Maximum bytes of a run. A channel of a replica reports its sets of GTIDs, so a row may have several KiB,
 * and each channel repeats them. This is more than other protocols need.
 */
export const maxMysqlBytes = 256 * 1024;

/** Queries that the server refused for this check. */
export interface RememberedRefusals {
  get(fallback: Fallback): string | undefined;
  remember(fallback: Fallback, answer: string): void;
}

/** Packet of mysql2. Its payload is from `offset` to `end`. */
interface InnerPacket {
  readonly sequenceId: number;
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
}

/** Members of mysql2's connection that its types do not have. */
interface Inner {
  sequenceId: number;
  handlePacket: (packet: InnerPacket | undefined) => void;
  startTLS: (onSecure: (error?: Error) => void) => void;
  stream: Socket;
  readonly packetParser: {
    execute(received: Buffer): void;
    /** Length of the last packet that began. */
    readonly length: number;
  };
  _handleNetworkError(error: Error): void;
}

export interface MysqlSessionOptions {
  readonly connection: Mysql2Connection;
  readonly socket: Socket;
  /** Stream that mysql2 reads. It counts the bytes, and destroys the socket when there are too many. */
  readonly metered: Connection;
  /** Options of TLS. Undefined: no TLS. */
  readonly secrets: ConnectionOptions | undefined;
  readonly budget: Budget;
}

/** One connection of mysql2. Catches all its errors. */
export class MysqlSession {
  readonly loggedIn: Promise<void>;
  readonly #connection: Mysql2Connection;
  readonly #socket: Socket;
  readonly #metered: Connection;
  readonly #budget: Budget;
  readonly #bounds = new PacketBounds();
  #isOver = false;
  readonly #failed: Promise<never>;
  #isLoggedIn = false;
  #secured: TLSSocket | undefined;
  #tlsError: string | undefined;

  constructor({ connection, socket, metered, secrets, budget }: MysqlSessionOptions) {
    this.#connection = connection;
    this.#socket = socket;
    this.#metered = metered;
    this.#budget = budget;
    if (secrets !== undefined) this.#secureWith(secrets);
    this.#failed = new Promise((_, reject) => this.#watch(reject));
    this.#failed.catch(() => undefined);
    this.loggedIn = Promise.race([
      new Promise<void>((resolve, reject) =>
        connection.connect((error) => {
          // Packets after the one that ends the login are ignored.
          this.#isOver ||= Boolean(error);
          if (error) reject(error);
          else resolve();
        }),
      ),
      this.#failed,
    ]);
  }

  /** Code of the error that ended the TLS handshake. */
  get tlsError(): string | undefined {
    return this.#tlsError;
  }

  /** True after the login. */
  get isIn(): boolean {
    return this.#isLoggedIn;
  }

  async state(refusals: RememberedRefusals): Promise<MysqlState> {
    await this.loggedIn;
    this.#isLoggedIn = true;
    const variables = pairs(await this.#query(variablesStatement));
    const status = isGalera(variables)
      ? pairs(await this.#query(statusStatement))
      : new Map<string, string>();
    const group = mayBeInGroup(variables) ? await this.#queryOnce('no group', groupStatement, refusals) : [];
    const statement = replicationStatement(variables.get('version') ?? '');
    const channels = await this.#queryOnce('no channels', statement, refusals);
    return { variables, status, group, channels };
  }

  async close(): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => this.#connection.end(() => resolve())),
      this.#failed.catch(() => undefined),
      // Without an answer the server does not wait for the end of the session.
      new Promise<void>((resolve) => setImmediate(resolve)),
    ]);
    await new Promise<void>((resolve) => closeGracefully(this.#secured ?? this.#metered, resolve));
  }

  /** Last request to the server. */
  get pendingStep(): PendingStep {
    if (this.#isLoggedIn) return 'query';
    return this.#socket.bytesRead === 0 ? 'greeting' : 'login';
  }

  get progress(): Progress {
    return progressOf(this.#secured ?? this.#metered, this.#isLoggedIn ? 'a query' : 'the login');
  }

  /** True while the server may still answer. */
  get isOpen(): boolean {
    return !this.#socket.connecting && !this.#socket.destroyed;
  }

  /**
   * Closes like `close`, but first waits for the answer to the last request. Resolves to true when the
   * connection was closed without this answer.
   *
   * @param forMs maximum wait in milliseconds
   */
  linger(forMs: number): Promise<boolean> {
    this.#connection.end(() => undefined);
    this.#budget.narrow(maxBytesBehind);
    this.#socket.setKeepAlive(true, keepAliveMs).unref();
    return new Promise((resolve) => {
      let isLeft = false;
      const bound = setTimeout(() => {
        isLeft = true;
        closeGracefully(this.#secured ?? this.#metered, () => undefined);
      }, forMs).unref();
      this.#socket.once('close', () => {
        clearTimeout(bound);
        resolve(isLeft);
      });
    });
  }

  /**
   * Makes the TLS connection with the same offers and checks as every other protocol. The contexts of mysql2
   * offer finite-field DHE, are created for each run, and check DNS names only. The password is sent after
   * the checks.
   */
  #secureWith(secrets: ConnectionOptions): void {
    const inner = this.#connection as unknown as Inner;
    inner.startTLS = (onSecure) => {
      this.#metered.removeAllListeners('data');
      this.#budget.beginHandshake();
      let isSecure = false;
      const secured = connectTls({ ...secrets, socket: this.#metered }, () => {
        isSecure = true;
        this.#budget.endHandshake();
        onSecure();
      });
      secured.on('data', (data: Buffer) => {
        inner.packetParser.execute(data);
        this.#checkHeader();
      });
      secured.on('error', (error: Error) => {
        if (isSecure) {
          inner._handleNetworkError(error);
          return;
        }
        this.#tlsError = codeOf(error);
        onSecure(error);
      });
      this.#secured = secured;
      inner.stream = secured;
    };
  }

  /**
   * Catches errors of mysql2's parser, which runs in a `data` listener: an error there would end this
   * process.
   */
  #watch(reject: (error: unknown) => void): void {
    this.#connection.on('error', reject);
    const parser = this.#connection as unknown as Inner;
    const handle = parser.handlePacket.bind(parser);
    parser.handlePacket = (packet) => {
      if (this.#isOver || (packet !== undefined && !this.#accepts(packet))) return;
      // mysql2 would report a wrong number on standard error, and continue.
      if (packet !== undefined) parser.sequenceId = packet.sequenceId;
      try {
        handle(packet);
      } catch {
        reject(unreadable());
      }
    };
    this.#metered.on('data', () => this.#checkHeader());
    this.#socket.on('close', () => reject(Object.assign(new Error(), { code: 'PROTOCOL_CONNECTION_LOST' })));
  }

  /** Refuses a packet that is too long before its bytes arrive. */
  #checkHeader(): void {
    const { packetParser } = this.#connection as unknown as Inner;
    const excess = excessOfLength(packetParser.length);
    if (excess !== undefined) this.#exceed(excess);
  }

  /** Counts a packet. Returns false when it exceeds a bound. */
  #accepts({ buffer, offset, end }: InnerPacket): boolean {
    const excess = this.#bounds.add(buffer.subarray(offset, end), this.#isLoggedIn);
    if (excess !== undefined) this.#exceed(excess);
    return excess === undefined;
  }

  #exceed(excess: Verdict): void {
    this.#isOver = true;
    this.#budget.exceed(excess);
    this.#secured?.destroy();
    this.#metered.destroy();
  }

  /** Runs a query for which the account may lack the right, unless a refusal is remembered. */
  async #queryOnce(fallback: Fallback, sql: string, refusals: RememberedRefusals): Promise<Rows> {
    const known = refusals.get(fallback);
    if (known !== undefined) return { refused: known };
    try {
      return await this.#query(sql);
    } catch (error) {
      const details = serverError(error);
      if (!isLasting(details)) throw error;
      const refused = `${details.code}: ${details.text}`;
      refusals.remember(fallback, refused);
      return { refused };
    }
  }

  #query(sql: string): Promise<readonly Row[]> {
    const rows = new Promise<readonly Row[]>((resolve, reject) => {
      this.#connection.query(sql, (error, result) => (error ? reject(error) : resolve(rowsOf(result))));
    });
    return Promise.race([rows, this.#failed]);
  }
}

function rowsOf(result: unknown): readonly Row[] {
  return Array.isArray(result)
    ? result.filter((row): row is Row => typeof row === 'object' && row !== null)
    : [];
}

function pairs(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(rows.map((row) => [String(row.Variable_name), String(row.Value)]));
}

function unreadable(): Error {
  return Object.assign(new Error('unreadable'), { code: 'UNREADABLE' });
}
