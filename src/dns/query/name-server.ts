import type { Clock } from '../../util/clock.ts';
import { EdnsMemory } from './edns.ts';
import { isTruncated } from './message.ts';
import { serverText } from './resolv-conf.ts';
import type { ServerAddress } from './resolv-conf.ts';
import { sendTcp } from './tcp.ts';
import { UdpSockets } from './udp.ts';
import type { CancelQuery } from './udp.ts';

/** Result of one try of one server. */
export type QueryResult =
  /** `edns`: true if the query of this response had an OPT record. */
  | { readonly kind: 'response'; readonly response: Buffer; readonly edns: boolean }
  /**
   * Silence: no response, or only an error such as a refused connection. The name of the server follows the
   * text `reason`. `late`: true for a timeout.
   */
  | { readonly kind: 'silent'; readonly reason: string; readonly late: boolean }
  /** The client is closed. */
  | { readonly kind: 'closed' };

/**
 * Use of the OPT record (EDNS) in queries. `both`: the first one has it; if there is no response in half of
 * the time, a second one is sent without OPT. So a server or a firewall that drops queries with OPT costs no
 * more time than a dead server.
 */
export type EdnsUse = 'edns' | 'plain' | 'both';

export interface NameServerOptions {
  readonly clock: Clock;
  /** Returns an integer, uniform in [0, below), that is not predictable. */
  readonly randomInt: (below: number) => number;
  readonly tryTimeoutMs: number;
}

export const noAnswer = 'no answer from';

const maxTimeouts = 1;
const avoidMs = 30_000;

export interface QueryOptions {
  readonly timeoutMs: number;
  readonly ednsUse: EdnsUse;
  /** Called for each query that is sent. */
  readonly onSent?: () => void;
}

interface Sent {
  readonly query: Buffer;
  readonly edns: boolean;
  readonly onSent: (() => void) | undefined;
}

interface AnsweredQuestion {
  readonly key: string;
  readonly at: number;
}

/** One name server: its sockets, whether it responds at present, and which questions it answered last. */
export class NameServer {
  readonly text: string;
  readonly #address: ServerAddress;
  readonly #options: NameServerOptions;
  readonly #udp: UdpSockets;
  readonly edns: EdnsMemory;
  /**
   * Functions that end tries over TCP, which are few. A Set of all tries would be emptied and filled at every
   * burst. That leaves a chain of tables, which keeps its former content in memory until the next major
   * garbage collection.
   */
  readonly #overTcp = new Set<() => void>();
  #closed = false;
  /** Number of tries without a response in a row. */
  #timeouts = 0;
  #avoidUntil = -Infinity;
  /** The two latest different questions that it answered with records, the latest first. */
  #recentAnswers: readonly AnsweredQuestion[] = [];

  constructor(address: ServerAddress, options: NameServerOptions) {
    this.text = serverText(address);
    this.#address = address;
    this.#options = options;
    this.#udp = new UdpSockets(address, options.randomInt);
    this.edns = new EdnsMemory(options.clock);
  }

  /**
   * Returns true if the server is queried in its turn, false if after the other servers. It is false for 30 s
   * after the server did not respond twice in a row. Then one call returns true, so that one question tries
   * the server; other questions use the other servers for the time of that try.
   */
  isPreferred(): boolean {
    if (this.#timeouts <= maxTimeouts) return true;
    const now = this.#options.clock.now();
    if (now < this.#avoidUntil) return false;
    this.#avoidUntil = now + this.#options.tryTimeoutMs;
    return true;
  }

  /**
   * Sends a query over UDP, and over TCP if the answer is truncated, within `timeoutMs` in all. Never
   * rejects.
   */
  query(query: Buffer, { timeoutMs, ednsUse, onSent }: QueryOptions): Promise<QueryResult> {
    if (this.#closed) return Promise.resolve({ kind: 'closed' });
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const forgets: CancelQuery[] = [];
      const timers = [clock.after(timeoutMs, () => end({ kind: 'silent', reason: noAnswer, late: true }))];
      let isOver = false;
      const end = (result: QueryResult) => {
        if (isOver) return;
        isOver = true;
        for (const timer of timers) timer.cancel();
        for (const forget of forgets) forget(result.kind === 'silent' && result.late);
        this.#countTimeouts(result);
        resolve(result);
      };
      const send = (edns: boolean) => {
        onSent?.();
        forgets.push(this.#sendUdp({ query, edns, onSent }, forgets, end));
      };
      send(ednsUse !== 'plain');
      const sendPlain = () => {
        if (forgets.length === 1) send(false);
      };
      if (ednsUse === 'both') timers.push(clock.after(timeoutMs / 2, sendPlain));
    });
  }

  /** Records that the server answered this question with records. */
  answered(key: string): void {
    const before = this.#recentAnswers.find((each) => each.key !== key);
    const latest = { key, at: this.#options.clock.now() };
    this.#recentAnswers = before === undefined ? [latest] : [latest, before];
  }

  /** Returns the instant at which it last answered another question with records; undefined: never. */
  answeredAt(key: string): number | undefined {
    return this.#recentAnswers.find((each) => each.key !== key)?.at;
  }

  /**
   * Called when the server is no longer configured. Tries in flight go on; the sockets close after the last
   * one.
   */
  retire(): void {
    this.#udp.retire();
  }

  /** Ends tries in flight, and later ones, with the result closed. */
  close(): void {
    this.#closed = true;
    this.#udp.close();
    for (const close of [...this.#overTcp]) close();
  }

  #countTimeouts({ kind }: QueryResult): void {
    if (kind === 'response') this.#timeouts = 0;
    if (kind !== 'silent') return;
    this.#timeouts += 1;
    this.#avoidUntil = this.#options.clock.now() + avoidMs;
  }

  #sendUdp(sent: Sent, forgets: CancelQuery[], end: (result: QueryResult) => void): CancelQuery {
    return this.#udp.send({
      ...sent,
      answered: (response) => {
        if (isTruncated(response)) forgets.push(this.#sendTcp(sent, end));
        else end({ kind: 'response', response, edns: sent.edns });
      },
      failed: (reason) => end(this.#failed(`${reason} by`)),
    });
  }

  #sendTcp(sent: Sent, end: (result: QueryResult) => void): CancelQuery {
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

  #failed(reason: string): QueryResult {
    return this.#closed ? { kind: 'closed' } : { kind: 'silent', reason, late: false };
  }
}
