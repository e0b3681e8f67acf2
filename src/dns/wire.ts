import { ipText } from '../api/ip.ts';
import { optType } from './opt.ts';

/** Record types as numbers (RFC 1035 section 3.2.2, RFC 3596, RFC 2782). */
export const recordTypes = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33 } as const;

/** Names in lower case, without the trailing dot; the root is ''. */
export interface Resource {
  readonly name: string;
  readonly ttlMs: number;
  readonly data: ResourceData;
}

export type ResourceData =
  /** Canonical text; undefined for an IPv4-mapped address, which nobody can use. */
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
  readonly answers: readonly Resource[];
  readonly authorities: readonly Resource[];
}

export const headerBytes = 12;
const internet = 1;
/** In bytes, without the root (RFC 1035 section 2.3.4); as text it is one less. */
const longestName = 254;
const longestLabel = 63;
const pointerBits = 0xc0;
const recursionDesired = 0x0100;
const dot = 0x2e;
const backslash = 0x5c;

/**
 * A query for the name (absolute, without the trailing dot), with id 0: see `withId`. Undefined where it is no DNS name:
 * labels of 1 to 63 bytes, 253 in all (RFC 1035 section 2.3.4), and nothing that cannot be told from a dot, a space or an
 * escape in a text.
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
  // From the end, so that each label's length is known where it stands: in the place of the dot before it.
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

/** Where the question of a response to `encodeQuery`'s query for that name ends: see `isResponseTo`. */
export const questionEnd = (name: string): number => headerBytes + name.length + 2 + 4;

/** Printable ASCII but the space and the backslash. Dots have been looked for before. */
const isPlain = (code: number): boolean => code > 0x20 && code < 0x7f && code !== backslash;

/**
 * The records of the answer and the authority section, those of class IN and of a type above; what follows is of no use to
 * us. `begin`: where they begin, see `questionEnd`. Undefined where any of it is malformed. Nothing is read behind the end of the
 * message, and what it takes is bound by its length.
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

/** Never leaves this file. */
class Malformed extends Error {}

/** Goes through a message. Throws Malformed. */
class Reader {
  readonly #message: Buffer;
  #at: number;

  constructor(message: Buffer, at: number) {
    this.#message = message;
    this.#at = at;
  }

  resources(count: number): readonly Resource[] {
    const found: Resource[] = [];
    for (let left = count; left > 0; left--) {
      const name = this.#name();
      const type = this.#uint16();
      // It belongs behind these sections (RFC 6891): some servers put their records behind the whole query.
      if (type === optType) throw new Malformed('OPT in front of records');
      const isInternet = this.#uint16() === internet;
      const ttlMs = millis(this.#uint32());
      const end = this.#uint16() + this.#at;
      const data = isInternet ? this.#data(type) : undefined;
      if (data === undefined) this.#at = end;
      else found.push({ name, ttlMs, data });
      if (this.#at !== end || end > this.#message.length) throw new Malformed('length of a record');
    }
    return found;
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

  /** RFC 2782. */
  #service(): ResourceData {
    const priority = this.#uint16();
    const weight = this.#uint16();
    const port = this.#uint16();
    return { type: 'SRV', priority, weight, port, host: this.#name() };
  }

  /** RFC 1035 section 3.3.13: two names, and five numbers of which it is the last. */
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

  /** Goes on by so many bytes, and says where they begin. */
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
 * A name with its pointers (RFC 1035 section 4.1.4), and where it ends. A pointer must go before the labels that it is behind,
 * so every name ends. Bytes that are not plain are written as `\DDD` (RFC 1035 section 5.1): no two names have the same text.
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

/** A TTL with the highest bit set is zero (RFC 2181 section 8). */
const millis = (ttl: number): number => (ttl < 2 ** 31 ? ttl * 1_000 : 0);
