import type { ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ApiRequest {
  readonly method: string;
  /** Path without its query. */
  readonly path: string;
  readonly isWatch: boolean;
}

/** Answer that a client gets in place of that of the API server. */
export interface FaultAnswer {
  readonly status: number;
  /** `reason` of the Status object. */
  readonly reason: string;
  /** Header Retry-After. */
  readonly retryAfterSeconds?: number;
  /** True: the API server has done what was requested. Default: it does not get the request. */
  readonly isDone?: boolean;
}

/** Faults between a client and the API server. */
export interface ApiFaults {
  /** Returns the answer to a request; undefined: that of the API server. */
  readonly answer?: (request: ApiRequest) => FaultAnswer | undefined;
  /** Time by which events of watches arrive late. */
  readonly lateMs?: number;
  /** Time by which all requests except watches are delayed. */
  readonly slowMs?: number;
}

export function sendFault(
  outgoing: ServerResponse,
  { status, reason, retryAfterSeconds }: FaultAnswer,
): void {
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  outgoing.writeHead(status, { 'content-type': 'application/json', ...retry });
  outgoing.end(JSON.stringify({ kind: 'Status', status: 'Failure', reason, code: status, message: reason }));
}

/** Passes data on, in order, each part that much later than it arrived. */
export function pipeLate(source: Readable, sink: Writable, lateMs: () => number): void {
  let last: Promise<unknown> = Promise.resolve();
  const after = (act: () => void): void => {
    const due = performance.now() + lateMs();
    last = last.then(() => sleep(Math.max(0, due - performance.now()))).then(act);
  };
  source.on('data', (chunk: Buffer) => after(() => void sink.write(chunk)));
  source.on('end', () => after(() => void sink.end()));
  source.on('error', () => void sink.destroy());
}
