/**
 * MongoDB's wire protocol, one message each way, little-endian (OP_MSG: MongoDB 3.6 and later):
 *
 * | bytes | field                                                     |
 * |-------|-----------------------------------------------------------|
 * | 0-3   | length of the whole message                               |
 * | 4-7   | request id                                                |
 * | 8-11  | request id that is answered                               |
 * | 12-15 | opcode: 2013                                              |
 * | 16-19 | flags: 1 = a checksum of 4 bytes ends the message         |
 * | 20    | section kind: 0 = one document                            |
 * | 21-   | BSON document                                             |
 */
export type MongodbMessage = 'unfinished' | 'unknown' | { readonly document: Buffer };

const opMsg = 2013;
const requestId = 1;
const documentAt = 21;
const minDocumentBytes = 5;

/**
 * Maximum length of a message. An answer to `hello` has 1 or 2 KiB, and less than this with 50 members with
 * long names and tags.
 */
export const maxMessageBytes = 64 * 1024;

/** The constant document `{hello: 1, $db: 'admin'}`: 31 bytes of BSON in a message of 52. */
const hello = Buffer.concat([
  int32(31),
  Buffer.from('\x10hello\0', 'latin1'),
  int32(1),
  Buffer.from('\x02$db\0', 'latin1'),
  int32(6),
  Buffer.from('admin\0\0', 'latin1'),
]);
export const helloRequest: Uint8Array = Buffer.concat([
  ...[documentAt + hello.length, requestId, 0, opMsg, 0].map(int32),
  Buffer.from([0]),
  hello,
]);

/** Reads the answer to `helloRequest`. Other bytes are `unknown` from the first ones on. */
export function readMongodbMessage(received: Buffer): MongodbMessage {
  if (received.length < 4) return 'unfinished';
  const length = received.readInt32LE(0);
  if (length < documentAt + minDocumentBytes || length > maxMessageBytes) return 'unknown';
  if (received.length < length) return 'unfinished';
  const isAnswer = received.readInt32LE(8) === requestId && received.readInt32LE(12) === opMsg;
  const checksumBytes = (received.readUInt32LE(16) & 1) * 4;
  const document = received.subarray(documentAt, length - checksumBytes);
  if (!isAnswer || received.readUInt8(20) !== 0 || document.length < minDocumentBytes) return 'unknown';
  // Other sections would follow, but the answer to hello has none.
  return document.readInt32LE(0) === document.length ? { document } : 'unknown';
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
