import type { Duplex } from 'node:stream';
import { asksForPassword, vetted } from './postgres-vetted.ts';

/** Of a login and two questions: a server sends some 40, most of them parameters. */
export const mostMessages = 128;

export type Refuse = (why: 'broken' | 'too many messages' | 'asks for the password') => void;

export interface Guarding {
  /** So many bytes, the answer about TLS, pass as they are. */
  readonly raw: number;
  /** The password may be revealed to this server. */
  readonly isAllowed: boolean;
  readonly refuse: Refuse;
}

/**
 * Lets pg see whole messages that may come, and nothing else: also no question that it would answer with a password in clear.
 * Returns what ends the guard.
 */
export function guard(stream: Duplex, guarding: Guarding): () => void {
  const emit = stream.emit.bind(stream) as (event: string | symbol, ...args: unknown[]) => boolean;
  const gate = new Gate(guarding);
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
  readonly #guarding: Guarding;
  #waiting: Buffer = nothing;
  #raw: number;
  #messages = 0;
  #isShut = false;

  constructor(guarding: Guarding) {
    this.#guarding = guarding;
    this.#raw = guarding.raw;
  }

  /** What pg may have of the bytes so far. */
  pass(chunk: Buffer): Buffer {
    if (this.#isShut) return nothing;
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    const length = this.#raw > 0 ? this.#passRaw() : this.#passMessages();
    if (length === undefined) return nothing;
    const whole = this.#waiting.subarray(0, length);
    this.#waiting = this.#waiting.subarray(length);
    return whole;
  }

  /** More than the answer about TLS would be taken for encrypted (CVE-2021-23222). */
  #passRaw(): number | undefined {
    const length = this.#raw;
    this.#raw = 0;
    return this.#waiting.length === length ? length : this.#shut('broken');
  }

  #passMessages(): number | undefined {
    const found = vetted(this.#waiting);
    if (found === undefined) return this.#shut('broken');
    this.#messages += found.messages;
    if (this.#messages > mostMessages) return this.#shut('too many messages');
    const { isAllowed } = this.#guarding;
    if (!isAllowed && asksForPassword(this.#waiting.subarray(0, found.length)))
      return this.#shut('asks for the password');
    return found.length;
  }

  #shut(why: Parameters<Refuse>[0]): number | undefined {
    this.#isShut = true;
    this.#guarding.refuse(why);
    return undefined;
  }
}
