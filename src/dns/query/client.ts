import { randomInt } from 'node:crypto';
import type { Answer, Question } from '../../core/resolution/name-state.ts';
import type { Clock } from '../../util/clock.ts';
import { Lookup } from './lookup.ts';
import type { LookupResult } from './lookup.ts';
import { readResponse } from './message.ts';
import { NameServer } from './name-server.ts';
import { ResolvConf, serverText } from './resolv-conf.ts';
import type { ServerAddress } from './resolv-conf.ts';
import { encodeQuery } from './wire.ts';

export interface DnsClient {
  /**
   * Resolves one question. Never rejects: errors are an Answer of kind failed. Ends within `questionTimeoutMs` (20
   * s), mostly far sooner: a name without a search list takes at most two tries of each server.
   *
   * @param options.confirmSince monotonic. If the answer is negative and the server has answered no other
   *   question since then, it is queried for the SOA of the zone too, to find out whether it answers at all.
   */
  resolve(question: Question, options?: { readonly confirmSince?: number }): Promise<Answer>;
  /** Closes the sockets. Questions in flight fail. */
  close(): void;
}

export interface DnsClientOptions {
  readonly clock: Clock;
  readonly resolvConfPath: string;
  /** Used instead of the servers of resolv.conf. */
  readonly servers?: readonly ServerAddress[] | undefined;
  readonly tryTimeoutMs?: number;
  readonly questionTimeoutMs?: number;
  /**
   * Called for each query after the first one of a question: another try, another name or server, TCP, a SOA.
   */
  readonly onRepeat?: () => void;
  /** Returns an integer, uniform in [0, below). It becomes the id of a query and must not be predictable. */
  readonly randomInt?: (below: number) => number;
}

/** Creates a client. The file is read and sockets are opened at the first question. */
export function createDnsClient(options: DnsClientOptions): DnsClient {
  const { tryTimeoutMs = 2_000, questionTimeoutMs = 20_000 } = options;
  return new Client({
    ...options,
    tryTimeoutMs,
    questionTimeoutMs,
    onRepeat: options.onRepeat ?? (() => undefined),
    randomInt: options.randomInt ?? ((below) => randomInt(below)),
  });
}

/** One question in progress. */
interface Run {
  /** Monotonic. */
  readonly deadline: number;
  readonly onSent: () => void;
}

class Client implements DnsClient {
  readonly #options: Required<Omit<DnsClientOptions, 'servers'>>;
  readonly #resolvConf: ResolvConf;
  readonly #servers = new Map<string, NameServer>();
  /** The configuration from which `#order` was made. */
  #configured: readonly ServerAddress[] = [];
  #order: readonly NameServer[] = [];
  #closed = false;

  constructor(options: Required<Omit<DnsClientOptions, 'servers'>> & Pick<DnsClientOptions, 'servers'>) {
    const { clock, resolvConfPath: path, servers } = options;
    this.#options = options;
    this.#resolvConf = new ResolvConf({ clock, path, servers });
  }

  async resolve(
    question: Question,
    { confirmSince }: { readonly confirmSince?: number } = {},
  ): Promise<Answer> {
    if (this.#closed) return { kind: 'failed', message: 'closed' };
    const { clock, questionTimeoutMs } = this.#options;
    const deadline = clock.now() + questionTimeoutMs;
    const onSent = this.#countRepeats();
    try {
      const lookup = this.#createLookup(question);
      let next = lookup.start();
      while (next.kind === 'query') {
        const timeoutMs = this.#timeLeft(deadline);
        if (timeoutMs > 0)
          next = lookup.onResponse(
            await next.server.query(next.query, { timeoutMs, ednsUse: next.ednsUse, onSent }),
          );
        else next = lookup.expire(`no answer within ${questionTimeoutMs / 1000} s`);
      }
      return next.kind === 'none' ? await this.#confirmed(next, confirmSince, { deadline, onSent }) : next;
    } catch (error) {
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  close(): void {
    this.#closed = true;
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  #createLookup(question: Question): Lookup {
    return new Lookup(question, {
      search: this.#resolvConf.current().search,
      servers: () => this.#current(),
      tryTimeoutMs: this.#options.tryTimeoutMs,
    });
  }

  /**
   * Adds the instant at which the server last answered another question. If that was before `since`, the
   * server is queried for the SOA of the zone first.
   */
  async #confirmed(
    { reason, ttlMs, zone, server, key }: Extract<LookupResult, { kind: 'none' }>,
    since: number | undefined,
    run: Run,
  ): Promise<Answer> {
    const known = server.answeredAt(key);
    const isUnconfirmed = since !== undefined && (known === undefined || known < since);
    if (isUnconfirmed && zone !== undefined) await this.#queryZone(zone, server, run);
    const serverAnsweredAt = server.answeredAt(key);
    return { kind: 'none', reason, ttlMs, ...(serverAnsweredAt === undefined ? {} : { serverAnsweredAt }) };
  }

  /** Queries the SOA of the zone. The root zone cannot be queried. */
  async #queryZone(zone: string, server: NameServer, { deadline, onSent }: Run): Promise<void> {
    const query = encodeQuery(zone, 'SOA');
    const timeoutMs = this.#timeLeft(deadline);
    if (query === undefined || timeoutMs <= 0 || this.#closed) return;
    const tried = await server.query(query, { timeoutMs, ednsUse: 'plain', onSent });
    if (tried.kind !== 'response') return;
    if (readResponse(tried.response, zone, 'SOA').kind === 'records') server.answered(`SOA ${zone}`);
  }

  /** Returns a function that counts the queries of one question. All except the first are repeats. */
  #countRepeats(): () => void {
    let sent = 0;
    return () => {
      sent += 1;
      if (sent > 1) this.#options.onRepeat();
    };
  }

  /** Returns the time left for one try. */
  #timeLeft(deadline: number): number {
    return Math.min(this.#options.tryTimeoutMs, deadline - this.#options.clock.now());
  }

  /**
   * Returns the servers that are configured now. A server keeps its state. One that is no longer configured
   * is retired.
   */
  #current(): readonly NameServer[] {
    const { servers } = this.#resolvConf.current();
    if (servers === this.#configured) return this.#order;
    const configured = new Map(servers.map((address) => [serverText(address), address]));
    this.#order = [...configured].map(
      ([text, address]) => this.#servers.get(text) ?? new NameServer(address, this.#options),
    );
    for (const [text, server] of this.#servers) if (!configured.has(text)) server.retire();
    this.#servers.clear();
    for (const server of this.#order) this.#servers.set(server.text, server);
    this.#configured = servers;
    return this.#order;
  }
}
