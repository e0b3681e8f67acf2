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
export function progressOfBody(framing: Framing, body: Buffer): 'complete' | 'unfinished' | 'unreadable' {
  if (framing === 'none' || body.length >= maxBodyBytes) return 'complete';
  if (framing === 'chunked') return progressOfChunks(body);
  return framing === 'close' || body.length < framing ? 'unfinished' : 'complete';
}

/** `size [; extension] CR LF  data CR LF`, the last one of size 0; the CR may be missing. Trailers are not waited for. */
function progressOfChunks(body: Buffer): 'complete' | 'unfinished' | 'unreadable' {
  for (let at = 0; ;) {
    const end = body.indexOf(0x0a, at);
    if (end === -1) return 'unfinished';
    const size = /^([0-9a-f]{1,16})[ \t]*(;.*)?\r?$/i.exec(body.toString('latin1', at, end))?.[1];
    if (size === undefined) return 'unreadable';
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0) return 'complete';
    const next = endOfLine(body, end + 1 + bytes);
    if (typeof next === 'string') return next;
    at = next;
  }
}

function endOfLine(body: Buffer, at: number): number | 'unfinished' | 'unreadable' {
  const isCr = body[at] === 0x0d;
  const last = body[isCr ? at + 1 : at];
  if (last === undefined) return 'unfinished';
  return last === 0x0a ? at + (isCr ? 2 : 1) : 'unreadable';
}
