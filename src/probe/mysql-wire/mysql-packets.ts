/**
 * Packets of the connection phase of MySQL and MariaDB, as bytes. Numbers are little endian.
 *
 *     packet      length(3) sequence(1) payload              each side answers with the received sequence plus one
 *
 *     greeting    0A version\0 thread(4) nonce(8) 00 capabilities(2)
 *                 [charset(1) status(2) capabilities(2) nonceLength(1) reserved(10) nonce(max(13, length - 8)) plugin\0]
 *     ERR         FF code(2) [# state(5)] text               in place of the greeting it often has no state
 *     OK          00 ...
 *     switch      FE plugin\0 nonce                          or FE alone: the hash of MySQL 4.0
 *     more        01 data                                    data of the plugin
 *
 *     TLS request capabilities(4) maximum(4) charset(1) 00(23)
 *     response    capabilities(4) maximum(4) charset(1) 00(23) user\0 answerLength(1) answer [plugin\0]
 *     quit        01
 *
 * Sources: MySQL sql/auth/sql_authentication.cc, MariaDB sql/sql_acl.cc and "Connection phase" in the manuals
 * of both.
 */

export interface Packet {
  readonly payload: Buffer;
  /** Bytes on the wire, including the header. */
  readonly size: number;
}

export interface Greeting {
  readonly capabilities: number;
  /** Authentication plugin that the server begins with. Empty before MySQL 5.5. */
  readonly plugin: string;
}

export interface MysqlError {
  readonly code: number;
  /** SQLSTATE, or empty. */
  readonly state: string;
  readonly text: string;
}

export const capability = {
  /** A server of MariaDB treats a client without it as a client with MariaDB's extensions. */
  longPassword: 0x1,
  protocol41: 0x200,
  tls: 0x800,
  transactions: 0x2000,
  secureConnection: 0x8000,
  pluginAuth: 0x80000,
} as const;

/** Maximum payload of a packet of the handshake. */
export const maxPayload = 8 * 1024;
const headerSize = 4;
/** latin1_swedish_ci, which all servers since 4.1 support. We send ASCII only. */
const charset = 8;

/**
 * Reads the first packet. Returns `more` while it is incomplete, and `alien` when it cannot be the packet
 * with this sequence number. Errors may have another number: some are sent in place of a packet, by code that
 * does not have its number.
 */
export function readPacket(received: Buffer, sequence: number): Packet | 'more' | 'alien' {
  if (received.length < headerSize) return 'more';
  const length = received.readUIntLE(0, 3);
  if (length === 0 || length > maxPayload) return 'alien';
  const size = headerSize + length;
  if (received.length < size) return 'more';
  if (received[3] !== sequence && received[headerSize] !== 0xff) return 'alien';
  return { payload: received.subarray(headerSize, size), size };
}

/** Reads a greeting. Undefined: not a greeting of protocol 10, or of a server before 4.1. */
export function readGreeting(payload: Buffer): Greeting | undefined {
  const afterVersion = payload.indexOf(0, 1) + 1;
  const at = afterVersion + 4 + 8 + 1;
  if (payload[0] !== 0x0a || afterVersion === 0 || payload.length < at + 18) return undefined;
  const capabilities = (payload.readUInt16LE(at) | (payload.readUInt16LE(at + 5) << 16)) >>> 0;
  const needed = capability.protocol41 | capability.secureConnection;
  if ((capabilities & needed) !== needed) return undefined;
  const nonceLength = payload[at + 7] ?? 0;
  const afterNonce = at + 18 + Math.max(13, nonceLength - 8);
  const isNamed = (capabilities & capability.pluginAuth) !== 0;
  return { capabilities, plugin: isNamed ? readName(payload, afterNonce) : '' };
}

/** Reads an ERR packet. Undefined: another packet. */
export function readError(payload: Buffer): MysqlError | undefined {
  if (payload[0] !== 0xff || payload.length < 3) return undefined;
  const code = payload.readUInt16LE(1);
  // Errors of servers begin at 1000. 0xFFFF is not an error but a progress report.
  if (code < 1000 || code === 0xffff) return undefined;
  const hasState = payload[3] === 0x23 && payload.length >= 9;
  const state = hasState ? payload.toString('latin1', 4, 9) : '';
  return { code, state, text: payload.toString('utf8', hasState ? 9 : 3) };
}

/** Returns the plugin of an authentication switch. */
export function readSwitch(payload: Buffer): string {
  return payload.length === 1 ? 'mysql_old_password' : readName(payload, 1);
}

export function tlsRequest(greeting: Greeting, sequence: number): Buffer {
  return packet(sequence, responseHead(greeting, true));
}

/** Returns the complete HandshakeResponse41. */
export function handshakeResponse(
  greeting: Greeting,
  sequence: number,
  { user, plugin, answer, isSecure }: ResponseOptions,
): Buffer {
  const isNamed = (greeting.capabilities & capability.pluginAuth) !== 0;
  return packet(
    sequence,
    Buffer.concat([
      responseHead(greeting, isSecure),
      Buffer.from(`${user}\0`, 'latin1'),
      Buffer.of(answer.length),
      answer,
      Buffer.from(isNamed ? `${plugin}\0` : '', 'latin1'),
    ]),
  );
}

export interface ResponseOptions {
  readonly user: string;
  readonly plugin: string;
  /** Maximum 250 bytes. */
  readonly answer: Uint8Array;
  readonly isSecure: boolean;
}

export function packet(sequence: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence & 0xff;
  return Buffer.concat([header, payload]);
}

/** COM_QUIT, the first packet of a command. */
export const quit: Uint8Array = packet(0, Buffer.of(1));

function responseHead({ capabilities }: Greeting, isSecure: boolean): Buffer {
  const { longPassword, protocol41, transactions, secureConnection, pluginAuth, tls } = capability;
  const known = protocol41 | transactions | secureConnection | pluginAuth | (isSecure ? tls : 0);
  const head = Buffer.alloc(32);
  head.writeUInt32LE(((capabilities & known) | longPassword) >>> 0, 0);
  head.writeUInt32LE(0xff_ffff, 4);
  head[8] = charset;
  return head;
}

/** Reads up to the zero byte or the end, because MySQL 5.5 omits the zero. */
function readName(payload: Buffer, start: number): string {
  const end = payload.indexOf(0, start);
  return payload.toString('latin1', start, end === -1 ? payload.length : end);
}
