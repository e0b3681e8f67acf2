const headerBytes = 5;

/**
 * Counts records of TLS by their headers (RFC 8446, section 5.1):
 *
 *     type(1) version(2) length(2) body(length)
 *
 * A record costs its reader up to 15 µs of CPU, whatever its length: OpenSSL derives new keys for a KeyUpdate
 * of TLS 1.3, and answers each HelloRequest of TLS 1.2.
 */
export class RecordCounter {
  #headerAt = 0;
  #bodyLeft = 0;

  /** Returns the number of records that begin in the chunk, which follows the chunks before it. */
  count(chunk: Uint8Array): number {
    let records = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#headerAt < headerBytes) {
        records += this.#headerAt === 0 ? 1 : 0;
        this.#readHeader(chunk[at] ?? 0);
        at += 1;
      } else {
        const read = Math.min(this.#bodyLeft, chunk.length - at);
        this.#bodyLeft -= read;
        at += read;
      }
      if (this.#headerAt === headerBytes && this.#bodyLeft === 0) this.#headerAt = 0;
    }
    return records;
  }

  #readHeader(byte: number): void {
    if (this.#headerAt === 3) this.#bodyLeft = byte << 8;
    if (this.#headerAt === 4) this.#bodyLeft += byte;
    this.#headerAt += 1;
  }
}
