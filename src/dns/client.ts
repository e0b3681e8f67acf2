import { randomInt } from 'node:crypto';
import type { Answer, Question } from '../core/names.ts';
import type { Clock } from '../engine/ports.ts';
import { Inquiry } from './inquiry.ts';
import type { Found } from './inquiry.ts';
import { readResponse } from './message.ts';
import { NameServer } from './server.ts';
import { ResolvConf, serverText } from './servers.ts';
import type { ServerAddress } from './servers.ts';
import { encodeQuery } from './wire.ts';

export interface DnsClient {
  /**
   * Asks one question. Never rejects: what goes wrong is an Answer of kind failed. Ends by itself within `askTimeoutMs`
   * (20 s), mostly far sooner: a name without the search list takes at most two tries of each server.
   *
   * @param options.vouchSince monotonic: where the answer is none, and the server has answered nothing else since then, it is
   *   asked for the SOA of the zone, to learn whether it answers at all.
   */
  ask(question: Question, options?: { readonly vouchSince?: number }): Promise<Answer>;
  /** Closes the sockets; questions under way fail. */
  close(): void;
}

export interface DnsClientOptions {
  readonly clock: Clock;
  readonly resolvConfPath: string;
  /** Instead of those of resolv.conf. */
  readonly servers?: readonly ServerAddress[] | undefined;
  readonly tryTimeoutMs?: number;
  readonly askTimeoutMs?: number;
  /** Called for each query beyond the first one of a question: another try, another name or server, TCP, a SOA. */
  readonly onRepeat?: () => void;
  /** Uniform in [0, below). Its numbers are ids of queries: they must not be foreseen. */
  readonly randomInt?: (below: number) => number;
}

/** Does nothing but assign: the file is read and sockets are opened when the first question is asked. */
export function createDnsClient(options: DnsClientOptions): DnsClient {
  const { tryTimeoutMs = 2_000, askTimeoutMs = 20_000 } = options;
  return new Client({
    ...options,
    tryTimeoutMs,
    askTimeoutMs,
    onRepeat: options.onRepeat ?? (() => undefined),
    randomInt: options.randomInt ?? ((below) => randomInt(below)),
  });
}

/** One question that is asked. */
interface Run {
  /** Monotonic. */
  readonly deadline: number;
  readonly onSent: () => void;
}

class Client implements DnsClient {
  readonly #options: Required<Omit<DnsClientOptions, 'servers'>>;
  readonly #resolvConf: ResolvConf;
  readonly #servers = new Map<string, NameServer>();
  /** Of which `#order` is. */
  #configured: readonly ServerAddress[] = [];
  #order: readonly NameServer[] = [];
  #closed = false;

  constructor(options: Required<Omit<DnsClientOptions, 'servers'>> & Pick<DnsClientOptions, 'servers'>) {
    const { clock, resolvConfPath: path, servers } = options;
    this.#options = options;
    this.#resolvConf = new ResolvConf({ clock, path, servers });
  }

  async ask(question: Question, { vouchSince }: { readonly vouchSince?: number } = {}): Promise<Answer> {
    if (this.#closed) return { kind: 'failed', message: 'closed' };
    const { clock, askTimeoutMs } = this.#options;
    const deadline = clock.now() + askTimeoutMs;
    const onSent = this.#countRepeats();
    try {
      const inquiry = this.#inquire(question);
      let next = inquiry.begin();
      while (next.kind === 'ask') {
        const timeoutMs = this.#timeLeft(deadline);
        if (timeoutMs > 0)
          next = inquiry.hear(await next.server.ask(next.query, { timeoutMs, manner: next.manner, onSent }));
        else next = inquiry.expire(`no answer within ${askTimeoutMs / 1000} s`);
      }
      return next.kind === 'none' ? await this.#vouched(next, vouchSince, { deadline, onSent }) : next;
    } catch (error) {
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  close(): void {
    this.#closed = true;
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  #inquire(question: Question): Inquiry {
    return new Inquiry(question, {
      search: this.#resolvConf.current().search,
      servers: () => this.#current(),
      tryTimeoutMs: this.#options.tryTimeoutMs,
    });
  }

  /** Adds when the server last answered another question, and asks it one where that is not known to be so. */
  async #vouched(
    { reason, ttlMs, zone, server, key }: Extract<Found, { kind: 'none' }>,
    since: number | undefined,
    run: Run,
  ): Promise<Answer> {
    const known = server.vouchedAt(key);
    const doubted = since !== undefined && (known === undefined || known < since);
    if (doubted && zone !== undefined) await this.#askZone(zone, server, run);
    const vouchedAt = server.vouchedAt(key);
    return { kind: 'none', reason, ttlMs, ...(vouchedAt === undefined ? {} : { vouchedAt }) };
  }

  /** The root is no name that can be asked for. */
  async #askZone(zone: string, server: NameServer, { deadline, onSent }: Run): Promise<void> {
    const query = encodeQuery(zone, 'SOA');
    const timeoutMs = this.#timeLeft(deadline);
    if (query === undefined || timeoutMs <= 0 || this.#closed) return;
    const tried = await server.ask(query, { timeoutMs, manner: 'plain', onSent });
    if (tried.kind !== 'response') return;
    if (readResponse(tried.response, zone, 'SOA').kind === 'records') server.answered(`SOA ${zone}`);
  }

  /** Returns what counts the queries of one question: all of them except the first are repeats. */
  #countRepeats(): () => void {
    let sent = 0;
    return () => {
      sent += 1;
      if (sent > 1) this.#options.onRepeat();
    };
  }

  /** For a try. */
  #timeLeft(deadline: number): number {
    return Math.min(this.#options.tryTimeoutMs, deadline - this.#options.clock.now());
  }

  /** Those configured now, each with what is known of it. Those that no longer are end. */
  #current(): readonly NameServer[] {
    const { servers } = this.#resolvConf.current();
    if (servers === this.#configured) return this.#order;
    const wanted = new Map(servers.map((address) => [serverText(address), address]));
    this.#order = [...wanted].map(
      ([text, address]) => this.#servers.get(text) ?? new NameServer(address, this.#options),
    );
    for (const [text, server] of this.#servers) if (!wanted.has(text)) server.retire();
    this.#servers.clear();
    for (const server of this.#order) this.#servers.set(server.text, server);
    this.#configured = servers;
    return this.#order;
  }
}
