import type * as bson from 'bson';
import type { Hello } from './mongodb-hello.ts';

export type Bson = typeof bson;

/** Returns the fields of an answer to `hello`. Undefined: the bytes are not BSON. */
export function readHello(bson: Bson, bytes: Uint8Array): Hello | undefined {
  let document: Fields;
  try {
    document = bson.deserialize(bytes, { promoteBuffers: false });
  } catch {
    return undefined;
  }
  const lastWrite = fieldsOf(document.lastWrite);
  const { ok } = document;
  return defined({
    ok: ok === 1 || ok === true,
    code: numberOf(document.code),
    codeName: textOf(document.codeName),
    isWritablePrimary: document.isWritablePrimary === true,
    secondary: document.secondary === true,
    arbiterOnly: document.arbiterOnly === true,
    msg: textOf(document.msg),
    setName: textOf(document.setName),
    term: termOf(bson, document.electionId),
    localTimeMs: millisecondsOf(document.localTime),
    lastWriteMs: millisecondsOf(lastWrite.lastWriteDate),
    lastWriteSeconds: secondsOf(bson, fieldsOf(lastWrite.opTime).ts),
    clusterSeconds: secondsOf(bson, fieldsOf(document.$clusterTime).clusterTime),
  });
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns the term of an election. Since MongoDB 3.2 an electionId has 4 bytes 7fffffff and the term in 8
 * bytes, big-endian (OID::fromTerm).
 */
function termOf(bson: Bson, id: unknown): number | undefined {
  if (!(id instanceof bson.ObjectId)) return undefined;
  const bytes = Buffer.from(id.toHexString(), 'hex');
  const term = Number(bytes.readBigUInt64BE(4));
  return bytes.readUInt32BE(0) === 0x7fffffff && Number.isSafeInteger(term) ? term : undefined;
}

function secondsOf(bson: Bson, value: unknown): number | undefined {
  return value instanceof bson.Timestamp ? value.t : undefined;
}

function millisecondsOf(value: unknown): number | undefined {
  return value instanceof Date && Number.isFinite(value.getTime()) ? value.getTime() : undefined;
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined);
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** Returns the object without the fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
