import type { Verdict } from '../../core/probing/verdict.ts';
import { verdict } from '../verdict/verdicts.ts';
import { CpuMeter } from './cpu-meter.ts';
import { notTls } from './errors.ts';
import { RecordCounter } from './tls-records.ts';

/** Maximum number of interim answers (1xx) of HTTP. */
export const maxInterim = 10;

/**
 * Maximum bytes from a server until TLS is established. Five certificates with large keys have about 15 KiB.
 */
const maxHandshakeBytes = 32 * 1024;
const maxBytes = 64 * 1024;
const maxChunks = 200;
const maxRecords = 400;

/** Maximum bytes that a connection receives after the verdict. No answer to a login is longer. */
export const maxBytesBehind = 4 * 1024;

export const tooManyInterim = verdict(
  'down',
  'WrongProtocol',
  `the server sent more than ${String(maxInterim)} interim answers`,
);
const tooManyChunks = verdict(
  'down',
  'WrongProtocol',
  `the server sent its answer in more than ${String(maxChunks)} pieces`,
);
const tooManyRecords = verdict(
  'down',
  'WrongProtocol',
  `the server sent more than ${String(maxRecords)} TLS records`,
);
const handshakeTooLong = verdict(
  'down',
  'TlsFailed',
  `the TLS handshake is over ${String(maxHandshakeBytes / 1024)} KiB: the server sends too many or too large certificates`,
);

/** First bytes of TLS: an alert and a handshake (RFC 8446, section 5.1). */
const recordTypes = [21, 22];

export interface BudgetOptions {
  /** Maximum bytes of the run. */
  readonly bytes?: number;
  /** Meter of the run. Default: one for this budget. */
  readonly meter?: CpuMeter | undefined;
}

const nothing = Buffer.alloc(0);

interface Left {
  readonly bytes: number;
  readonly chunks: number;
  readonly records: number;
}

/**
 * Bounds of what one run receives from a server, for all protocols. When a bound is exceeded, the run ends
 * and its sockets are destroyed at once: with and without TLS, and also after the verdict.
 *
 * | bound     | what is counted                                                                        | most   |
 * |-----------|----------------------------------------------------------------------------------------|--------|
 * | bytes     | as they arrive, so encrypted ones with TLS, over all connections of the run            | 64 KiB |
 * | handshake | as they arrive, until TLS is established; for each connection                          | 32 KiB |
 * | chunks    | reads of the sockets                                                                   | 200    |
 * | records   | headers of TLS records, over all connections of the run                                | 400    |
 * | interim   | by HTTP: answers before the answer                                                     | 10     |
 *
 * The read that completes an answer, and the bytes that the connection receives after it, are bounded by the
 * remaining budget. They do not count for the next connection of the run, because the page of a redirect is
 * not read and may be long. So a run of ten requests can receive ten times 64 KiB.
 *
 * A server that sends faster fills the buffers of the kernel and then waits.
 */
export class Budget {
  /** Measures what is read. */
  readonly meter: CpuMeter;
  readonly #maxBytes: number;
  #leftBytes: number;
  #leftChunks = maxChunks;
  #leftRecords = maxRecords;
  /** Undefined: the connection has no TLS. */
  #records: RecordCounter | undefined;
  /** Undefined: no TLS handshake is in progress. */
  #leftHandshake: number | undefined;
  /** First byte of the handshake. */
  #firstByte: number | undefined;
  #exceeded: Verdict | undefined;
  /** Bytes of the last read that was not part of a handshake. */
  #lastBytes = 0;
  /** Remaining budget before the read that completed the answer of the connection. */
  #atAnswer: Left | undefined;

  constructor({ bytes = maxBytes, meter = new CpuMeter() }: BudgetOptions = {}) {
    this.meter = meter;
    this.#maxBytes = bytes;
    this.#leftBytes = bytes;
  }

  /** Verdict when a bound is exceeded, otherwise undefined. */
  get exceeded(): Verdict | undefined {
    return this.#exceeded;
  }

  /**
   * Counts a read. Returns the part of it that is within the bounds, and sets `exceeded` when that is not all
   * of it. The reader gets this part before the run ends, so that the first 64 KiB decide, however they are
   * divided into reads.
   */
  receive(chunk: Buffer): Buffer {
    if (this.#exceeded !== undefined) return nothing;
    const within = Math.max(0, this.#leftBytes);
    this.#leftChunks -= 1;
    this.#leftRecords -= this.#records?.count(chunk) ?? 0;
    if (this.#leftHandshake === undefined) {
      this.#leftBytes -= chunk.length;
      this.#lastBytes = chunk.length;
    } else {
      this.#leftHandshake -= chunk.length;
      this.#firstByte ??= chunk[0];
    }
    this.#exceeded = this.#excess();
    if (this.#exceeded === undefined) return chunk;
    return this.#leftBytes < 0 && this.#leftHandshake === undefined ? chunk.subarray(0, within) : nothing;
  }

  /**
   * Ends the run for a bound that the protocol counts itself. The protocol reads only what is within the
   * other bounds, so its bound was exceeded first.
   */
  exceed(excess: Verdict): Verdict {
    this.#exceeded = excess;
    return excess;
  }

  /** Starts to count the connection of the next request. */
  beginConnection(): void {
    this.#records = undefined;
    if (this.#atAnswer === undefined) return;
    this.#leftBytes = this.#atAnswer.bytes;
    this.#leftChunks = this.#atAnswer.chunks;
    this.#leftRecords = this.#atAnswer.records;
    this.#lastBytes = 0;
    this.#exceeded = undefined;
    this.#atAnswer = undefined;
  }

  /** Marks the end of an answer: the probe reads nothing of what the connection receives from now on. */
  endAnswer(): void {
    this.#atAnswer ??= {
      ...{ bytes: this.#leftBytes + this.#lastBytes, chunks: this.#leftChunks },
      records: this.#leftRecords,
    };
  }

  beginHandshake(): void {
    this.#leftHandshake = maxHandshakeBytes;
    this.#records = new RecordCounter();
    this.#firstByte = undefined;
  }

  endHandshake(): void {
    this.#leftHandshake = undefined;
  }

  /** Lowers the remaining budget to this number of bytes. */
  narrow(bytes: number): void {
    this.#leftBytes = Math.min(this.#leftBytes, bytes);
  }

  #excess(): Verdict | undefined {
    const isForeign = this.#leftHandshake !== undefined && !recordTypes.includes(this.#firstByte ?? 0);
    if (this.#leftRecords < 0) return isForeign ? notTls : tooManyRecords;
    if (this.#leftBytes < 0) return tooManyBytes(this.#maxBytes);
    if (this.#leftHandshake !== undefined && this.#leftHandshake < 0)
      return isForeign ? notTls : handshakeTooLong;
    return this.#leftChunks < 0 ? tooManyChunks : undefined;
  }
}

const tooManyBytes = (most: number): Verdict =>
  verdict('down', 'WrongProtocol', `the server sent more than ${String(most / 1024)} KiB`);
