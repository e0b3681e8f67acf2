import { lookUp } from '../../core/look-up.ts';

/**
 * Replies of RESP 2, for the answers to AUTH, PING and INFO:
 *
 * | bytes                      | reply                           |
 * |----------------------------|---------------------------------|
 * | `+` text `\r\n`            | status                          |
 * | `-` text `\r\n`            | error                           |
 * | `$` length `\r\n` text `\r\n` | bulk                         |
 * | anything else              | unknown                         |
 */
export type Reply = KnownReply | { readonly kind: 'unknown' };

export interface KnownReply {
  readonly kind: 'status' | 'error' | 'bulk';
  /** Text without the frame. */
  readonly text: string;
  /** Length of the reply, including the frame. */
  readonly bytes: number;
}

/**
 * Maximum lengths. The text of DENIED has about 1,000 bytes; `INFO replication` with 500 replicas has less
 * than the second.
 */
const maxLineBytes = 4096;
const maxBulkBytes = 64 * 1024;
export const maxReplyBytes = maxBulkBytes + maxLineBytes;

const unknown: Reply = { kind: 'unknown' };
const kinds: Readonly<Record<string, 'status' | 'error' | 'bulk'>> = {
  '+': 'status',
  '-': 'error',
  $: 'bulk',
};

/** Returns the first reply in the buffer, or undefined while it is incomplete. */
export function readReply(received: Buffer): Reply | undefined {
  if (received.length === 0) return undefined;
  const kind = lookUp(kinds, String.fromCharCode(received.readUInt8(0)));
  if (kind === undefined) return unknown;
  const line = received.subarray(0, maxLineBytes);
  const end = line.indexOf('\r\n');
  if (end === -1) return received.length < maxLineBytes ? undefined : unknown;
  const text = received.toString('latin1', 1, end);
  return kind === 'bulk' ? readBulk(received, text, end + 2) : { kind, text, bytes: end + 2 };
}

function readBulk(received: Buffer, length: string, start: number): Reply | undefined {
  if (!/^\d{1,6}$/.test(length) || Number(length) > maxBulkBytes) return unknown;
  const end = start + Number(length);
  if (received.length < end + 2) return undefined;
  if (received.toString('latin1', end, end + 2) !== '\r\n') return unknown;
  return { kind: 'bulk', text: received.toString('latin1', start, end), bytes: end + 2 };
}

/** Returns `*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n`, for example. */
export function encodeCommand(...words: readonly string[]): Uint8Array {
  const parts = words.map((word) => `$${String(Buffer.byteLength(word))}\r\n${word}\r\n`);
  return Buffer.from(`*${String(words.length)}\r\n${parts.join('')}`);
}
