import type { Duplex } from 'node:stream';

/** Writes the bytes again and again, as fast as they are read, until the connection ends. */
export function flood(stream: Duplex, bytes: Uint8Array): void {
  const block = Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
  floodWith(stream, () => block);
}

/** Writes what `next` returns, as fast as it is read, until the connection ends. */
export function floodWith(stream: Duplex, next: () => Uint8Array): void {
  const more = (): void => {
    while (!stream.destroyed && stream.write(next()));
    if (!stream.destroyed) stream.once('drain', more);
  };
  more();
}

/** Writes the bytes, and then the last of them again and again, each in a packet of its own as far as the kernel lets it. */
export function pieces(stream: Duplex, bytes: Uint8Array): void {
  each(stream, bytes, setImmediate);
}

/** The same, with 100 ms between them. */
export function drip(stream: Duplex, bytes: Uint8Array): void {
  each(stream, bytes, (more) => setTimeout(more, 100));
}

function each(stream: Duplex, bytes: Uint8Array, later: (more: () => void) => unknown): void {
  let at = 0;
  const more = (): void => {
    if (stream.destroyed) return;
    stream.write(bytes.subarray(at, at + 1));
    at = Math.min(at + 1, bytes.length - 1);
    later(more);
  };
  more();
}

/** Bytes that begin no answer of any protocol. */
export const letters = Buffer.alloc(65_536, 0x61);
