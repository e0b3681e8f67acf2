import type { Duplex } from 'node:stream';
import { authentications, completeMessages } from './message-guard.ts';
import type { Authentication } from './message-guard.ts';

/**
 * Maximum number of messages of a login and two queries. A server sends about 40, most of them parameters.
 */
export const maxMessages = 128;

/**
 * Maximum number of SCRAM iterations, which the server chooses (default: 4,096). 100,000 take 40 ms of CPU.
 */
export const maxIterations = 100_000;

export type RefuseFn = (
  why: 'broken' | 'too many messages' | 'asks for the password' | 'too many iterations',
) => void;

export interface GuardOptions {
  /** Number of bytes that pass unchecked: the answer about TLS. */
  readonly raw: number;
  /** True when the password may be revealed to this server. */
  readonly isAllowed: boolean;
  readonly refuse: RefuseFn;
}

/**
 * Passes to pg only complete messages that are allowed, and no request that it would answer with a password
 * in clear text. Returns a function that ends the guard.
 */
export function guardStream(stream: Duplex, options: GuardOptions): () => void {
  const emit = stream.emit.bind(stream) as (event: string | symbol, ...args: unknown[]) => boolean;
  const gate = new Gate(options);
  stream.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const [chunk] = args;
    if (event !== 'data' || !Buffer.isBuffer(chunk)) return emit(event, ...args);
    const whole = gate.pass(chunk);
    return whole.length === 0 || emit('data', whole);
  };
  return () => {
    stream.emit = emit;
  };
}

const nothing = Buffer.alloc(0);

class Gate {
  readonly #options: GuardOptions;
  #waiting: Buffer = nothing;
  #raw: number;
  #messages = 0;
  readonly #codes = new Set<number>();
  #isShut = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#raw = options.raw;
  }

  /** Returns the bytes so far that pg may receive. */
  pass(chunk: Buffer): Buffer {
    if (this.#isShut) return nothing;
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    const length = this.#raw > 0 ? this.#passRaw() : this.#passMessages();
    if (length === undefined) return nothing;
    const whole = this.#waiting.subarray(0, length);
    this.#waiting = this.#waiting.subarray(length);
    return whole;
  }

  /** Passes the answer about TLS. Further bytes would be treated as encrypted (CVE-2021-23222). */
  #passRaw(): number | undefined {
    const length = this.#raw;
    this.#raw = 0;
    return this.#waiting.length === length ? length : this.#shut('broken');
  }

  #passMessages(): number | undefined {
    const messages = completeMessages(this.#waiting);
    if (messages === undefined) return this.#shut('broken');
    this.#messages += messages.messages;
    if (this.#messages > maxMessages) return this.#shut('too many messages');
    for (const asked of authentications(this.#waiting.subarray(0, messages.length))) {
      const why = this.#refusalOf(asked);
      if (why !== undefined) return this.#shut(why);
    }
    return messages.length;
  }

  /**
   * Refuses repeated requests: each occurs once in a login, and pg would derive a key for each repetition,
   * several at a time.
   */
  #refusalOf({ code, iterations }: Authentication): Parameters<RefuseFn>[0] | undefined {
    if (this.#codes.has(code)) return 'broken';
    this.#codes.add(code);
    if (iterations > maxIterations) return 'too many iterations';
    return (code === 3 || code === 5) && !this.#options.isAllowed ? 'asks for the password' : undefined;
  }

  #shut(why: Parameters<RefuseFn>[0]): number | undefined {
    this.#isShut = true;
    this.#options.refuse(why);
    return undefined;
  }
}
