import type { Clock } from '../engine/ports.ts';
import { EdnsMemory } from './edns.ts';
import { isTruncated } from './message.ts';
import { serverText } from './servers.ts';
import type { ServerAddress } from './servers.ts';
import { sendTcp } from './tcp.ts';
import { UdpSockets } from './udp.ts';
import type { Forget } from './udp.ts';

/** What came of asking one server once. */
export type Try =
  /** `edns`: to the query with an OPT record. */
  | { readonly kind: 'response'; readonly response: Buffer; readonly edns: boolean }
  /**
   * Nothing was heard from the server but, at most, that nobody is there. `reason` goes before its name. `late`: the time
   * was up.
   */
  | { readonly kind: 'silent'; readonly reason: string; readonly late: boolean }
  /** We have closed. */
  | { readonly kind: 'closed' };

/**
 * With an OPT record (EDNS) or without; `both`: with, and where nothing has come in half of the time, without too. A server
 * or a firewall that drops queries with OPT costs no more time than one that is dead.
 */
export type Manner = 'edns' | 'plain' | 'both';

export interface NameServerOptions {
  readonly clock: Clock;
  /** Uniform in [0, below), not to be foreseen. */
  readonly randomInt: (below: number) => number;
  readonly tryTimeoutMs: number;
}

export const noAnswer = 'no answer from';

const toleratedSilences = 1;
const avoidMs = 30_000;

export interface TryOptions {
  readonly timeoutMs: number;
  readonly manner: Manner;
  /** Called with each query that is sent. */
  readonly onSent?: () => void;
}

interface Sent {
  readonly query: Buffer;
  readonly edns: boolean;
  readonly onSent: (() => void) | undefined;
}

interface Vouch {
  readonly key: string;
  readonly at: number;
}

/** One name server: its sockets, whether it answers at present, and when it last answered what. */
export class NameServer {
  readonly text: string;
  readonly #address: ServerAddress;
  readonly #options: NameServerOptions;
  readonly #udp: UdpSockets;
  readonly edns: EdnsMemory;
  /**
   * Only of tries over TCP, which are few. A Set of all tries, emptied and filled at every burst, leaves behind a chain of
   * tables which keeps what they once held until the next major collection.
   */
  readonly #overTcp = new Set<() => void>();
  #closed = false;
  /** In a row. */
  #silences = 0;
  #avoidUntil = -Infinity;
  /** The two latest distinct questions that it answered with records, the latest first. */
  #vouches: readonly Vouch[] = [];

  constructor(address: ServerAddress, options: NameServerOptions) {
    this.text = serverText(address);
    this.#address = address;
    this.#options = options;
    this.#udp = new UdpSockets(address, options.randomInt);
    this.edns = new EdnsMemory(options.clock);
  }

  /**
   * Whether to ask it in its turn, or after the others: it was silent twice in a row less than 30 s ago. Then one question
   * tries it (this call has said yes to it), and for the time of a try the others still go elsewhere.
   */
  mayGoFirst(): boolean {
    if (this.#silences <= toleratedSilences) return true;
    const now = this.#options.clock.now();
    if (now < this.#avoidUntil) return false;
    this.#avoidUntil = now + this.#options.tryTimeoutMs;
    return true;
  }

  /** Over UDP, and over TCP where the answer is truncated, in `timeoutMs` together. Never rejects. */
  ask(query: Buffer, { timeoutMs, manner, onSent }: TryOptions): Promise<Try> {
    if (this.#closed) return Promise.resolve({ kind: 'closed' });
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const forgets: Forget[] = [];
      const timers = [clock.after(timeoutMs, () => end({ kind: 'silent', reason: noAnswer, late: true }))];
      let isOver = false;
      const end = (result: Try) => {
        if (isOver) return;
        isOver = true;
        for (const timer of timers) timer.cancel();
        for (const forget of forgets) forget(result.kind === 'silent' && result.late);
        this.#heard(result);
        resolve(result);
      };
      const send = (edns: boolean) => {
        onSent?.();
        forgets.push(this.#sendUdp({ query, edns, onSent }, forgets, end));
      };
      send(manner !== 'plain');
      const sendPlain = () => {
        if (forgets.length === 1) send(false);
      };
      if (manner === 'both') timers.push(clock.after(timeoutMs / 2, sendPlain));
    });
  }

  /** It answered this question with records. */
  answered(key: string): void {
    const before = this.#vouches.find((each) => each.key !== key);
    const latest = { key, at: this.#options.clock.now() };
    this.#vouches = before === undefined ? [latest] : [latest, before];
  }

  /** When it last answered a question other than this one with records; undefined: never. */
  vouchedAt(key: string): number | undefined {
    return this.#vouches.find((each) => each.key !== key)?.at;
  }

  /** It is no longer configured: what is under way goes on, and its sockets close when nothing waits for them. */
  retire(): void {
    this.#udp.retire();
  }

  /** Tries under way and later ones end as closed. */
  close(): void {
    this.#closed = true;
    this.#udp.close();
    for (const close of [...this.#overTcp]) close();
  }

  #heard({ kind }: Try): void {
    if (kind === 'response') this.#silences = 0;
    if (kind !== 'silent') return;
    this.#silences += 1;
    this.#avoidUntil = this.#options.clock.now() + avoidMs;
  }

  #sendUdp(sent: Sent, forgets: Forget[], end: (result: Try) => void): Forget {
    return this.#udp.send({
      ...sent,
      answered: (response) => {
        if (isTruncated(response)) forgets.push(this.#sendTcp(sent, end));
        else end({ kind: 'response', response, edns: sent.edns });
      },
      failed: (reason) => end(this.#failed(`${reason} by`)),
    });
  }

  #sendTcp(sent: Sent, end: (result: Try) => void): Forget {
    sent.onSent?.();
    const fail = (reason: string) => end(this.#failed(`TCP ${reason} by`));
    const close = () => fail('closed');
    const waiting = {
      ...sent,
      answered: (response: Buffer) => end({ kind: 'response', response, edns: sent.edns }),
      failed: fail,
    };
    const forget = sendTcp(this.#address, waiting, this.#options.randomInt(0x1_0000));
    this.#overTcp.add(close);
    return (lost) => {
      this.#overTcp.delete(close);
      forget(lost);
    };
  }

  #failed(reason: string): Try {
    return this.#closed ? { kind: 'closed' } : { kind: 'silent', reason, late: false };
  }
}
