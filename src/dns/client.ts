import { randomInt } from 'node:crypto';
import type { Answer, Question } from '../core/names.ts';
import type { Clock } from '../engine/ports.ts';
import { readResponse } from './message.ts';
import type { Reading, WireType } from './message.ts';
import { Misses } from './misses.ts';
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
    randomInt: options.randomInt ?? ((below) => randomInt(below)),
  });
}

/** A server that answered nothing in time is asked once more; one that answered something useless is not. */
const rounds = 2;
const longestChain = 8;

type Failed = Extract<Answer, { kind: 'failed' }> & {
  /** Nobody was heard at all: no use in asking for the next name. */
  readonly silent: boolean;
};

/** Which server said it, and of which question on the wire. */
interface Source {
  readonly server: NameServer;
  readonly key: string;
}

interface Asked {
  readonly query: Buffer;
  readonly name: string;
  readonly type: WireType;
  readonly misses: Misses;
}

type Said = (Exclude<Reading, { kind: 'failed' }> & Source) | Failed;
type Found = Exclude<Said, { kind: 'alias' }>;

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
    const deadline = this.#options.clock.now() + this.#options.askTimeoutMs;
    try {
      const found = await this.#search(question, deadline);
      if (found.kind === 'failed') return { kind: 'failed', message: found.message };
      if (found.kind === 'none') return await this.#vouched(found, vouchSince, deadline);
      const { kind, ttlMs, addresses, services } = found;
      return { kind, ttlMs, addresses, services };
    } catch (error) {
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  close(): void {
    this.#closed = true;
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  /**
   * The first of the names that has records; else a failure, where one failed; else the last denial.
   * A name that fails does not end the search (the next suffix may be another server's), but one that nobody heard does.
   */
  async #search({ name, type }: Question, deadline: number): Promise<Found> {
    let failed: Failed | undefined;
    let last: Found | undefined;
    for (const candidate of candidates(name, this.#resolvConf.current().search)) {
      last = await this.#follow(candidate, type, deadline);
      if (last.kind === 'records') return last;
      if (last.kind === 'failed') {
        failed ??= last;
        if (last.silent) break;
      }
    }
    return failed ?? last ?? failure(`${name} is no DNS name`);
  }

  /** Goes on with the target of an alias where the server did not. */
  async #follow(name: string, type: WireType, deadline: number): Promise<Found> {
    let ttlMs = Infinity;
    for (let next = name, depth = 0; depth <= longestChain; depth++) {
      const said = await this.#askServers(next, type, deadline);
      if (said.kind === 'failed') return said;
      ttlMs = Math.min(ttlMs, said.ttlMs);
      if (said.kind !== 'alias') return { ...said, ttlMs };
      next = said.target;
    }
    return failure(`more than ${longestChain} aliases behind ${name}`);
  }

  /** One name, of one server after the other until one has something to say. */
  async #askServers(name: string, type: WireType, deadline: number): Promise<Said> {
    const query = encodeQuery(name, type);
    if (query === undefined) return failure(`${name} is no DNS name`);
    const servers = this.#current();
    if (servers.length === 0) return failure('no name server is configured', true);
    const misses = new Misses(servers, this.#options.tryTimeoutMs);
    let turn = inOrder(servers);
    for (let round = 0; round < rounds; round++) {
      for (const server of turn) {
        const said = await this.#askServer(server, { query, name, type, misses }, deadline);
        if (said !== undefined) return said;
      }
      turn = misses.takeLate();
    }
    return failure(misses.text('no answer'), misses.allSilent);
  }

  /** Undefined: the next one's turn. */
  async #askServer(
    server: NameServer,
    { query, name, type, misses }: Asked,
    deadline: number,
  ): Promise<Said | undefined> {
    const timeoutMs = this.#timeLeft(deadline);
    if (timeoutMs <= 0)
      return failure(misses.text(`no answer within ${this.#options.askTimeoutMs / 1000} s`), true);
    const tried = await server.ask(query, timeoutMs);
    if (tried.kind === 'closed') return failure('closed', true);
    if (tried.kind === 'silent') {
      misses.silent(server, tried);
      return undefined;
    }
    const reading = readResponse(tried.response, name, type);
    if (reading.kind !== 'failed') return remembered(reading, { server, key: `${type} ${name}` });
    misses.useless(server, reading.reason);
    return undefined;
  }

  /** Adds when the server last answered another question, and asks it one where that is not known to be so. */
  async #vouched(
    { reason, ttlMs, zone, server, key }: Extract<Found, { kind: 'none' }>,
    since: number | undefined,
    deadline: number,
  ): Promise<Answer> {
    const known = server.vouchedAt(key);
    const doubted = since !== undefined && (known === undefined || known < since);
    if (doubted && zone !== undefined && zone !== '.') await this.#askZone(zone, server, deadline);
    const vouchedAt = server.vouchedAt(key);
    return { kind: 'none', reason, ttlMs, ...(vouchedAt === undefined ? {} : { vouchedAt }) };
  }

  async #askZone(zone: string, server: NameServer, deadline: number): Promise<void> {
    const query = encodeQuery(zone, 'SOA');
    const timeoutMs = this.#timeLeft(deadline);
    if (query === undefined || timeoutMs <= 0 || this.#closed) return;
    const tried = await server.ask(query, timeoutMs);
    if (tried.kind !== 'response') return;
    if (readResponse(tried.response, zone, 'SOA').kind === 'records') server.answered(`SOA ${zone}`);
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

function remembered(reading: Exclude<Reading, { kind: 'failed' }>, source: Source): Said {
  if (reading.kind === 'records') source.server.answered(source.key);
  return { ...reading, ...source };
}

const failure = (message: string, silent = false): Failed => ({ kind: 'failed', message, silent });

/** A name with a dot is absolute (`db.` too); to another the suffixes are added in order, and at the end none. */
function candidates(name: string, search: readonly string[]): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  return name.includes('.') ? [name] : [...search.map((suffix) => `${name}.${suffix}`), name];
}

/** As configured, but those that have been silent last. */
function inOrder(servers: readonly NameServer[]): readonly NameServer[] {
  if (servers.length === 1) return servers;
  const first = new Set(servers.filter((server) => server.mayGoFirst()));
  return first.size === servers.length
    ? servers
    : [...first, ...servers.filter((server) => !first.has(server))];
}
