import type { Head } from './http-head.ts';

/**
 * Framing of a body, by which its end is recognised, as in net/http (readTransfer):
 *
 * | head                                                        | framing                                  |
 * |-------------------------------------------------------------|------------------------------------------|
 * | Transfer-Encoding twice, or not `chunked`                   | malformed (HTTP/1.0: the header is ignored) |
 * | Content-Length that is no number, or two that differ        | malformed                                |
 * | status 1xx, 204, 304                                        | none                                     |
 * | Transfer-Encoding: chunked, whatever Content-Length is      | chunked                                  |
 * | Content-Length                                              | so many bytes                            |
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

/** The largest that fits into net/http's 63 bits. */
const maxLength = 2n ** 63n - 1n;

function lengthOf(values: readonly string[] | undefined): number | 'malformed' | undefined {
  if (values === undefined) return undefined;
  const [first = ''] = values;
  const isNumber = /^\d+$/.test(first) && BigInt(first) <= maxLength;
  return isNumber && values.every((value) => value === first) ? Number(first) : 'malformed';
}

/** As the kubelet (pkg/probe/http): the body is read up to here, then the answer counts. */
export const maxBodyBytes = 10 * 1024;

/** `unreadable`: bytes that cannot be a body of this framing. */
export type BodyProgress = 'complete' | 'unfinished' | 'unreadable';

/** Recognises the end of a body. Each chunk of the framing is read once, however few bytes come at a time. */
export class BodyReader {
  readonly #framing: Framing;
  /** Where the next chunk begins. */
  #next = 0;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** The same bytes as before, and those that came since. */
  read(body: Buffer): BodyProgress {
    const framing = this.#framing;
    if (framing === 'none' || body.length >= maxBodyBytes) return 'complete';
    if (framing === 'chunked') return this.#readChunks(body);
    return framing === 'close' || body.length < framing ? 'unfinished' : 'complete';
  }

  /** `size [; extension] CR LF  data CR LF`, the last one of size 0; the CR may be missing. Trailers are not waited for. */
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
