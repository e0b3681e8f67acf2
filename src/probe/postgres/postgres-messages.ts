import { lookUp } from '../../core/look-up.ts';

/**
 * Messages of a PostgreSQL server before and during a login (protocol 3, "Message Formats" of its manual).
 *
 *     type  length (4 bytes, itself included)  body
 *     R     8..2000    code (4 bytes; 0: logged in, otherwise the authentication method), more that depends on the code
 *     E, N  6..30000   fields: letter, text, 0; after the last one another 0. `C` is the SQLSTATE, `M` the message, `D` the detail, `R` the function
 *     S     6..2000    name, 0, value, 0
 *     K     8..300     data for a cancel request
 *     Z     5          state of the transaction
 *     v     12..2000   the protocol version that the server supports in place of the requested one
 *
 * Lengths are bounded about as in libpq (fe-connect.c). A postmaster that cannot fork sends `E`, a line of
 * text, 0, without a length, as in protocol 2 (report_fork_failure_to_client).
 */
export type PostgresMessage =
  | { readonly kind: 'authentication'; readonly code: number }
  | ErrorMessage
  | { readonly kind: 'parameter'; readonly name: string; readonly value: string }
  | { readonly kind: 'ready' }
  /** Ignored here. `early`: allowed before the authentication. */
  | { readonly kind: 'other'; readonly early: boolean };

export interface ErrorMessage {
  readonly kind: 'error';
  /** Empty in the form of protocol 2. */
  readonly sqlstate: string;
  readonly text: string;
  readonly detail: string;
  readonly routine: string;
}

/** Maximum length of a message, and space for the messages before and after it. */
export const maxAnswerBytes = 32_768;

const lengths: Readonly<Record<string, readonly [least: number, most: number]>> = {
  R: [8, 2_000],
  E: [6, 30_000],
  N: [6, 30_000],
  S: [6, 2_000],
  K: [8, 300],
  Z: [5, 5],
  v: [12, 2_000],
};

export interface Read {
  readonly message: PostgresMessage;
  /** Offset of the next message. */
  readonly end: number;
}

/**
 * Reads the message at `start`. The result depends only on its bytes, and never on how many of them arrived
 * at once.
 */
export function readPostgresMessage(received: Buffer, start: number): Read | 'incomplete' | 'unknown' {
  if (received.length <= start) return 'incomplete';
  const type = String.fromCharCode(received.readUInt8(start));
  const bounds = lookUp(lengths, type);
  if (bounds === undefined) return 'unknown';
  if (received.length < start + 5) return 'incomplete';
  const length = received.readUInt32BE(start + 1);
  if (length < bounds[0] || length > bounds[1])
    return type === 'E' ? readOldError(received, start) : 'unknown';
  const end = start + 1 + length;
  if (received.length < end) return 'incomplete';
  const message = toMessage(type, received.subarray(start + 5, end));
  return message === undefined ? 'unknown' : { message, end };
}

function toMessage(type: string, body: Buffer): PostgresMessage | undefined {
  switch (type) {
    case 'R':
      return { kind: 'authentication', code: body.readUInt32BE(0) };
    case 'E':
      return toError(body);
    case 'S':
      return toParameter(body);
    case 'Z':
      return { kind: 'ready' };
    default:
      return { kind: 'other', early: type !== 'K' };
  }
}

function toError(body: Buffer): ErrorMessage | undefined {
  const fields = new Map<string, string>();
  let at = 0;
  for (; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at);
    if (end < 0) return undefined;
    fields.set(String.fromCharCode(body.readUInt8(at)), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  const sqlstate = fields.get('C') ?? '';
  if (at !== body.length - 1 || !/^[0-9A-Z]{5}$/.test(sqlstate)) return undefined;
  const [text = '', detail = '', routine = ''] = ['M', 'D', 'R'].map((field) => fields.get(field));
  return { kind: 'error', sqlstate, text, detail, routine };
}

function toParameter(body: Buffer): PostgresMessage | undefined {
  const [name, value, rest] = body.toString('latin1').split('\0');
  return name === undefined || value === undefined || rest !== ''
    ? undefined
    : { kind: 'parameter', name, value };
}

const maxOldError = 1_000;

/** Reads `E`, a line of text, 0. In every language it has no control characters except white space. */
function readOldError(received: Buffer, start: number): Read | 'incomplete' | 'unknown' {
  for (let at = start + 1; at < received.length; at += 1) {
    const byte = received.readUInt8(at);
    if (byte === 0) {
      const text = received.toString('utf8', start + 1, at);
      const message: PostgresMessage = {
        kind: 'error',
        sqlstate: '',
        text: text.trim(),
        detail: '',
        routine: '',
      };
      return text.endsWith('\n') ? { message, end: at + 1 } : 'unknown';
    }
    if ((byte < 0x20 && !/\s/.test(String.fromCharCode(byte))) || at - start > maxOldError) return 'unknown';
  }
  return 'incomplete';
}

/** Requests TLS. The server answers with one byte, `S` or `N`. */
export const sslRequest: Uint8Array = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/**
 * Ends an established session. Never sent in place of a password, because the server logs that as a protocol
 * violation.
 */
export const terminate: Uint8Array = Uint8Array.of(0x58, 0, 0, 0, 4);

/** Returns `length  0 3 0 0  name 0 value 0 … 0`: protocol 3.0 and the parameters. */
export function startupPacket(parameters: Readonly<Record<string, string>>): Uint8Array {
  let text = '\0\0\0\0\0\x03\0\0';
  for (const [name, value] of Object.entries(parameters)) text += `${name}\0${value}\0`;
  const packet = Buffer.from(`${text}\0`);
  packet.writeUInt32BE(packet.length, 0);
  return packet;
}
