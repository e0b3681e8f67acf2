import type { Duplex } from 'node:stream';

/** Writes the bytes again and again, as fast as they are read, until the connection ends. */
export function flood(stream: Duplex, bytes: Uint8Array): void {
  const block = Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
  const more = (): void => {
    while (!stream.destroyed && stream.write(block));
    if (!stream.destroyed) stream.once('drain', more);
  };
  more();
}

/** Writes one byte at a time, each in a packet of its own as far as the kernel lets it. */
export function drip(stream: Duplex, byte: number): void {
  const one = Buffer.of(byte);
  const more = (): void => {
    if (stream.destroyed) return;
    stream.write(one);
    setImmediate(more);
  };
  more();
}

/** A frame of HTTP/2 (RFC 9113, section 4.1). */
export function frame(
  type: number,
  flags: number,
  stream: number,
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** `:status`, as a literal with the name of the static table (RFC 7541). */
export const status = (code: string): Buffer => Buffer.concat([Buffer.of(8, code.length), Buffer.from(code)]);

/** A message of a PostgreSQL server. */
export function backendMessage(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5, type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
