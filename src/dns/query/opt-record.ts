import { extendedErrorText } from './extended-errors.ts';

/** Fields of the OPT record of a response that the operator uses (RFC 6891 section 6.1). */
export interface Opt {
  /** Bits of the response code above the four of the header. */
  readonly rcodeBits: number;
  /** Text of the first extended error (RFC 8914). */
  readonly error: string | undefined;
}

export const optType = 41;
const extendedErrorOption = 15;

/** Maximum size of a response over UDP. It passes every path without fragments (DNS flag day 2020). */
const payloadBytes = 1232;

/**
 * OPT record of a query: root, type, class (the size above), extended code, version and flags (none), no
 * options.
 */
const opt = Buffer.from([0, 0, optType, payloadBytes >> 8, payloadBytes & 0xff, 0, 0, 0, 0, 0, 0]);

const additionalCount = 10;

/** Returns a copy of the query with an OPT record. */
export function withOpt(query: Buffer): Buffer {
  const message = Buffer.concat([query, opt]);
  message.writeUInt16BE(1, additionalCount);
  return message;
}

/**
 * Returns the OPT record of a response; undefined if there is none, or it is malformed.
 *
 * @param begin offset of the end of the question
 */
export function readOpt(response: Buffer, begin: number): Opt | undefined {
  if (response.length < begin || response.readUInt16BE(additionalCount) === 0) return undefined;
  const before = response.readUInt16BE(6) + response.readUInt16BE(8);
  const all = before + response.readUInt16BE(additionalCount);
  for (let i = 0, at = begin; i < all; i++) {
    const record = recordAt(response, at);
    if (record === undefined) return undefined;
    if (i >= before && record.type === optType) return read(response, record);
    at = record.end;
  }
  return undefined;
}

interface RecordHead {
  readonly type: number;
  readonly ttlAt: number;
  readonly end: number;
}

const read = (response: Buffer, { ttlAt, end }: RecordHead): Opt => ({
  rcodeBits: (response[ttlAt] ?? 0) << 4,
  error: extendedError(response.subarray(ttlAt + 6, end)),
});

/** Returns undefined if the message ends before the record does. */
function recordAt(message: Buffer, begin: number): RecordHead | undefined {
  const at = nameEnd(message, begin);
  if (at + 10 > message.length) return undefined;
  const end = at + 10 + message.readUInt16BE(at + 8);
  return end > message.length ? undefined : { type: message.readUInt16BE(at), ttlAt: at + 4, end };
}

/** Returns the offset of the end of a name. A pointer ends a name (RFC 1035 section 4.1.4). */
function nameEnd(message: Buffer, begin: number): number {
  for (let at = begin; ;) {
    const length = message[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
}

function extendedError(options: Buffer): string | undefined {
  for (let at = 0; at + 4 <= options.length;) {
    const data = options.subarray(at + 4, at + 4 + options.readUInt16BE(at + 2));
    const isError = options.readUInt16BE(at) === extendedErrorOption && data.length >= 2;
    if (isError) return extendedErrorText(data.readUInt16BE(0), data.subarray(2));
    at += 4 + data.length;
  }
  return undefined;
}
