import { maxInterim, tooManyInterim } from '../connection/budget.ts';
import { responded, verdict } from '../verdict/verdicts.ts';
import { BodyReader, framingOf, maxBodyBytes } from './http-body.ts';
import type { Framing } from './http-body.ts';
import { HeadReader } from './http-head.ts';
import type { Head } from './http-head.ts';
import type { Protocol, Step } from '../connection/protocol.ts';

export interface ExchangeOptions {
  readonly isSecure: boolean;
  /** The complete request. */
  readonly request: Uint8Array;
  /** Returns true when the body of an answer with this status is read. */
  readonly wantsBody: (status: number) => boolean;
}

/** Answer with a complete head. */
export interface ResponseHead {
  readonly status: number;
  readonly location: string | undefined;
  /** True when the server reports a request without TLS on a port of TLS. */
  readonly expectsTls: boolean;
}

/** Maximum bytes of all heads of an answer, including interim ones. */
const maxHeadBytes = 64 * 1024;

const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not HTTP');
const tooLarge = verdict('down', 'WrongProtocol', 'the response headers are over 64 KiB');

/**
 * One request and its answer. The head decides. The body is read to its end (at most 10 KiB), because a
 * server that is left while it writes sees a reset.
 *
 * | after a head with a status that is wanted         | result                          |
 * |---------------------------------------------------|---------------------------------|
 * | the end of the body                               | the answer                      |
 * | bytes that are not a body (a chunk without a size) | the answer                     |
 * | the end of the connection, or a reset, if only that ends the body | the answer      |
 * | the end or a reset before the announced end       | ClosedEarly, Reset              |
 * | nothing more                                      | Timeout                         |
 *
 * Interim answers (1xx, except 101) are skipped, ten at most.
 */
export class HttpExchange implements Protocol {
  readonly maxBytes = maxHeadBytes + maxBodyBytes;
  readonly question = 'the request';
  readonly #options: ExchangeOptions;
  #isSecure: boolean;
  #isAsked = false;
  #reader = new HeadReader(0);
  #head: Head | undefined;
  #framing: Framing = 'none';
  #body = new BodyReader('none');
  #interim = 0;
  #answer: ResponseHead | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#isSecure = !options.isSecure;
  }

  /** The answer. Undefined: there was none, and the verdict of the exchange is the verdict of the probe. */
  get answer(): ResponseHead | undefined {
    return this.#answer;
  }

  next(received: Buffer): Step {
    if (!this.#isSecure) {
      this.#isSecure = true;
      return { kind: 'secure', consumed: 0 };
    }
    if (!this.#isAsked) {
      this.#isAsked = true;
      return { kind: 'send', bytes: this.#options.request, consumed: 0 };
    }
    return this.#head === undefined ? this.#readHead(received) : this.#readBody(received, this.#head);
  }

  onClose(received: Buffer) {
    if (this.#head === undefined || this.#framing !== 'close') return undefined;
    this.#answer = answerOf(this.#head, received);
    return responded;
  }

  #readHead(received: Buffer): Step {
    const head = this.#reader.read(received.subarray(0, maxHeadBytes));
    if (head === 'malformed') return { kind: 'done', verdict: wrongProtocol };
    if (head === 'unfinished')
      return received.length < maxHeadBytes ? { kind: 'more' } : { kind: 'done', verdict: tooLarge };
    if (isInterim(head.status)) {
      this.#interim += 1;
      if (this.#interim > maxInterim) return { kind: 'exceed', verdict: tooManyInterim };
      this.#reader = new HeadReader(head.end);
      return this.#readHead(received);
    }
    const framing = framingOf(head);
    if (framing === 'malformed') return { kind: 'done', verdict: wrongProtocol };
    this.#head = head;
    this.#framing = framing;
    this.#body = new BodyReader(framing);
    return this.#readBody(received, head);
  }

  #readBody(received: Buffer, head: Head): Step {
    const isOver =
      !this.#options.wantsBody(head.status) || this.#body.read(received.subarray(head.end)) !== 'unfinished';
    if (!isOver) return { kind: 'more' };
    this.#answer = answerOf(head, received);
    return { kind: 'done', verdict: responded };
  }
}

const isInterim = (status: number): boolean => status >= 100 && status < 200 && status !== 101;

/** Texts of Go, nginx and Apache in the body of status 400. */
const tlsWords =
  /HTTP request to an HTTPS server|HTTP request was sent to HTTPS port|plain HTTP to an SSL-enabled/;

function answerOf({ status, headers, end }: Head, received: Buffer): ResponseHead {
  const [location] = headers.get('location') ?? [];
  const body = status === 400 ? received.toString('latin1', end, end + maxBodyBytes) : '';
  return {
    status,
    location: location === undefined ? undefined : Buffer.from(location, 'latin1').toString('utf8'),
    expectsTls: tlsWords.test(body),
  };
}
