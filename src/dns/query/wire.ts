import { ipText } from '../../api/ip.ts';
import { optType } from './opt-record.ts';

/** Record types as numbers (RFC 1035 section 3.2.2, RFC 3596, RFC 2782). */
export const recordTypes = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33 } as const;

/** Names in lower case, without the trailing dot; the root is ''. */
export interface ResourceRecord {
  readonly name: string;
  readonly ttlMs: number;
  readonly data: ResourceData;
}

export type ResourceData =
  /** Canonical text; undefined for an IPv4-mapped address, which is unusable. */
  | { readonly type: 'A' | 'AAAA'; readonly address: string | undefined }
  | { readonly type: 'CNAME'; readonly target: string }
  | { readonly type: 'SOA'; readonly minimumMs: number }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly host: string;
    };

export interface Sections {
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
}

export const headerBytes = 12;
const internet = 1;
/** Maximum length of a name in bytes, without the root (RFC 1035 section 2.3.4). Its text is one shorter. */
const longestName = 254;
const longestLabel = 63;
const pointerBits = 0xc0;
const recursionDesired = 0x0100;
const dot = 0x2e;
const backslash = 0x5c;

/**
 * Returns a query for the name (absolute, without the trailing dot), with id 0: see `withId`. Returns
 * undefined if it is not a DNS name: labels have 1 to 63 bytes, the name has at most 253 (RFC 1035 section
 * 2.3.4), and no character may be confused with a dot, a space or an escape in a text.
 */
export function encodeQuery(name: string, type: keyof typeof recordTypes): Buffer | undefined {
  if (name.length >= longestName) return undefined;
  const query = Buffer.allocUnsafe(questionEnd(name)); // so every byte is written
  query.fill(0, 0, headerBytes);
  query.writeUInt16BE(recursionDesired, 2);
  query.writeUInt16BE(1, 4);
  query[query.length - 5] = 0;
  query.writeUInt16BE(recordTypes[type], query.length - 4);
  query.writeUInt16BE(internet, query.length - 2);
  // From the end, so that the length of each label is known at its place: that of the dot before the label.
  let length = 0;
  for (let i = name.length - 1; i >= -1; i--) {
    const code = i < 0 ? dot : name.charCodeAt(i);
    if (code === dot) {
      if (length === 0 || length > longestLabel) return undefined;
      query[headerBytes + 1 + i] = length;
      length = 0;
    } else {
      if (!isPlain(code)) return undefined;
      query[headerBytes + 1 + i] = code;
      length += 1;
    }
  }
  return query;
}

/**
 * Returns the offset of the end of the question, in a query of `encodeQuery` for the name and in its
 * responses.
 */
export const questionEnd = (name: string): number => headerBytes + name.length + 2 + 4;

/** Returns true for printable ASCII except the space and the backslash. The caller handles dots. */
const isPlain = (code: number): boolean => code > 0x20 && code < 0x7f && code !== backslash;

/**
 * Returns the records of the answer section and the authority section that have class IN and one of the types
 * above. The additional section is not read. Returns undefined if any of it is malformed. Nothing is read
 * behind the end of the message, and the work is bounded by its length.
 *
 * @param begin offset of the first record: see `questionEnd`
 */
export function readSections(response: Buffer, begin: number): Sections | undefined {
  const reader = new Reader(response, begin);
  try {
    const answers = reader.resources(response.readUInt16BE(6));
    return { answers, authorities: reader.resources(response.readUInt16BE(8)) };
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** Thrown and caught in this file only. */
class Malformed extends Error {}

/** Reads a message in order. Throws Malformed. */
class Reader {
  readonly #message: Buffer;
  #at: number;

  constructor(message: Buffer, at: number) {
    this.#message = message;
    this.#at = at;
  }

  resources(count: number): readonly ResourceRecord[] {
    const records: ResourceRecord[] = [];
    for (let left = count; left > 0; left--) {
      const name = this.#name();
      const type = this.#uint16();
      // OPT belongs to the additional section (RFC 6891). Some servers append their records to the whole
      // query.
      if (type === optType) throw new Malformed('OPT in front of records');
      const isInternet = this.#uint16() === internet;
      const ttlMs = millis(this.#uint32());
      const end = this.#uint16() + this.#at;
      const data = isInternet ? this.#data(type) : undefined;
      if (data === undefined) this.#at = end;
      else records.push({ name, ttlMs, data });
      if (this.#at !== end || end > this.#message.length) throw new Malformed('length of a record');
    }
    return records;
  }

  #data(type: number): ResourceData | undefined {
    switch (type) {
      case recordTypes.A:
        return { type: 'A', address: ipText(this.#bytes(4)) };
      case recordTypes.AAAA:
        return { type: 'AAAA', address: ipText(this.#bytes(16)) };
      case recordTypes.CNAME:
        return { type: 'CNAME', target: this.#name() };
      case recordTypes.SRV:
        return this.#service();
      case recordTypes.SOA:
        return { type: 'SOA', minimumMs: this.#soaMinimum() };
      default:
        return undefined;
    }
  }

  /** Reads the data of an SRV record (RFC 2782). */
  #service(): ResourceData {
    const priority = this.#uint16();
    const weight = this.#uint16();
    const port = this.#uint16();
    return { type: 'SRV', priority, weight, port, host: this.#name() };
  }

  /**
   * Reads the minimum of an SOA record: after two names, the last of five numbers (RFC 1035 section 3.3.13).
   */
  #soaMinimum(): number {
    this.#name();
    this.#name();
    this.#bytes(16);
    return this.#uint32() * 1_000;
  }

  #uint16(): number {
    return this.#message.readUInt16BE(this.#take(2));
  }

  #uint32(): number {
    return this.#message.readUInt32BE(this.#take(4));
  }

  #bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#message.subarray(at, at + length);
  }

  /** Skips this number of bytes. Returns the offset of the first one. */
  #take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#message.length) throw new Malformed('end of the message');
    return at;
  }

  #name(): string {
    const { text, end } = readName(this.#message, this.#at);
    this.#at = end;
    return text;
  }
}

/**
 * Reads a name with its pointers (RFC 1035 section 4.1.4). Returns the offset of its end too. A pointer must
 * point to before the labels that it follows, so every name ends. Bytes that are not plain are written as
 * `\DDD` (RFC 1035 section 5.1), so no two names have the same text.
 */
function readName(message: Buffer, begin: number): { readonly text: string; readonly end: number } {
  const text: number[] = [];
  let end: number | undefined;
  let start = begin;
  let bytes = 0;
  for (let at = begin; ;) {
    const length = byteAt(message, at);
    if (length >= pointerBits) {
      end ??= at + 2;
      at = ((length & ~pointerBits) << 8) | byteAt(message, at + 1);
      if (at >= start) throw new Malformed('pointer forwards');
      start = at;
    } else if (length === 0) {
      return { text: String.fromCharCode(...text), end: end ?? at + 1 };
    } else {
      bytes += 1 + length;
      if (length > longestLabel || bytes > longestName) throw new Malformed('length of a name');
      if (text.length > 0) text.push(dot);
      for (const next = at + 1 + length; ++at < next;) writeByte(text, byteAt(message, at));
    }
  }
}

function byteAt(message: Buffer, at: number): number {
  const byte = message[at];
  if (byte === undefined) throw new Malformed('end of the message');
  return byte;
}

function writeByte(text: number[], byte: number): void {
  if (byte >= 0x41 && byte <= 0x5a) text.push(byte | 0x20);
  else if (isPlain(byte) && byte !== dot) text.push(byte);
  else for (const char of `\\${String(byte).padStart(3, '0')}`) text.push(char.charCodeAt(0));
}

/** Converts a TTL to milliseconds. A TTL with the highest bit set is zero (RFC 2181 section 8). */
const millis = (ttl: number): number => (ttl < 2 ** 31 ? ttl * 1_000 : 0);
