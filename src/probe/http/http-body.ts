import type { Head } from './http-head.ts';

/**
 * Framing of a body, which defines its end, as in net/http (readTransfer):
 *
 * | head                                                        | framing                                  |
 * |-------------------------------------------------------------|------------------------------------------|
 * | Transfer-Encoding twice, or not `chunked`                   | malformed (HTTP/1.0: the header is ignored) |
 * | Content-Length that is not a number, or two that differ     | malformed                                |
 * | status 1xx, 204, 304                                        | none                                     |
 * | Transfer-Encoding: chunked, whatever Content-Length is      | chunked                                  |
 * | Content-Length                                              | this number of bytes                     |
 * | neither                                                     | close: the end of the connection         |
 */
export type Framing = 'none' | 'chunked' | 'close' | number;

export function framingOf({ status, version, headers }: Head): Framing | 'malformed' {
  const encodings = version >= 11 ? headers.get('transfer-encoding') : undefined;
  const isChunked = encodings?.join().toLowerCase() === 'chunked';
  const length = lengthOf(headers.get('content-length'));
  if ((encodings !== undefined && !isChunked) || length === 'malformed') return 'malformed';
  if (hasNoBody(status)) return 'none';
  return isChunked ? 'chunked' : (length ?? 'close');
}

const hasNoBody = (status: number): boolean => status < 200 || status === 204 || status === 304;

/** Maximum of net/http, which has 63 bits. */
const maxLength = 2n ** 63n - 1n;

function lengthOf(values: readonly string[] | undefined): number | 'malformed' | undefined {
  if (values === undefined) return undefined;
  const [first = ''] = values;
  const isNumber = /^\d+$/.test(first) && BigInt(first) <= maxLength;
  return isNumber && values.every((value) => value === first) ? Number(first) : 'malformed';
}

/** The body is read up to this length, then the answer is complete, as in the kubelet (pkg/probe/http). */
export const maxBodyBytes = 10 * 1024;

/** `unreadable`: the bytes are not a body of this framing. */
export type BodyProgress = 'complete' | 'unfinished' | 'unreadable';

/** Finds the end of a body. Reads each chunk of the framing once, however few bytes arrive at a time. */
export class BodyReader {
  readonly #framing: Framing;
  /** Offset of the next chunk. */
  #next = 0;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** @param body the same bytes as before, and those that arrived since */
  read(body: Buffer): BodyProgress {
    const framing = this.#framing;
    if (framing === 'none' || body.length >= maxBodyBytes) return 'complete';
    if (framing === 'chunked') return this.#readChunks(body);
    return framing === 'close' || body.length < framing ? 'unfinished' : 'complete';
  }

  /**
   * Reads `size [; extension] CR LF  data CR LF`; the last size is 0 and the CR may be missing. Does not wait
   * for trailers.
   */
  #readChunks(body: Buffer): BodyProgress {
    for (;;) {
      const end = body.indexOf(0x0a, this.#next);
      if (end === -1) return 'unfinished';
      const line = body.toString('latin1', this.#next, end);
      const size = /^([0-9a-f]{1,16})[ \t]*(;.*)?\r?$/i.exec(line)?.[1];
      if (size === undefined) return 'unreadable';
      const bytes = Number.parseInt(size, 16);
      if (bytes === 0) return 'complete';
      const next = endOfLine(body, end + 1 + bytes);
      if (typeof next === 'string') return next;
      this.#next = next;
    }
  }
}

function endOfLine(body: Buffer, at: number): number | 'unfinished' | 'unreadable' {
  const isCr = body[at] === 0x0d;
  const last = body[isCr ? at + 1 : at];
  if (last === undefined) return 'unfinished';
  return last === 0x0a ? at + (isCr ? 2 : 1) : 'unreadable';
}
