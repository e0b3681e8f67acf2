import type { Question } from '../../core/resolution/name-state.ts';
import { readEcho, readResponse } from './message.ts';
import type { OptEcho, ParsedResponse, WireType } from './message.ts';
import { ServerFailures } from './server-failures.ts';
import type { EdnsUse, NameServer, QueryResult } from './name-server.ts';
import { encodeQuery } from './wire.ts';

/** A server that did not answer in time is queried once more. One that gave a useless answer is not. */
const rounds = 2;
const longestChain = 8;

/** Next query to send. Its result is the argument of `hear`. */
export interface LookupStep {
  readonly kind: 'query';
  readonly server: NameServer;
  readonly query: Buffer;
  readonly ednsUse: EdnsUse;
}

export type LookupResult =
  | Extract<ParsedResponse, { kind: 'records' }>
  /** `server` gave the negative answer to `key`, the question on the wire. */
  | (Extract<ParsedResponse, { kind: 'none' }> & { readonly server: NameServer; readonly key: string })
  | { readonly kind: 'failed'; readonly message: string };

export interface LookupOptions {
  /** Suffixes for a name without a dot. */
  readonly search: readonly string[];
  /** Returns the servers that are configured now, in their order. */
  readonly servers: () => readonly NameServer[];
  readonly tryTimeoutMs: number;
}

/**
 * Sequence of queries for one question: decides which name is sent to which server, until there is an answer.
 * It sends nothing itself.
 *
 * | result of a query                      | next                                                              |
 * |----------------------------------------|-------------------------------------------------------------------|
 * | records                                | the end: they are the answer                                      |
 * | an alias without records of its target | the target; after eight aliases the name fails                    |
 * | negative answer                        | the next name of the search list                                  |
 * | useless, perhaps because of OPT        | the same server, without OPT; see `OptEcho`                       |
 * | useless                                | the next server                                                   |
 * | no response                            | the next server; after all servers this one once more, if it timed out |
 *
 * A name fails when no server is left. Then the next name of the search list is tried, because another server
 * may be responsible for it, unless no server responded at all. If no name has records, the result is the
 * first failure, because a negative answer for another name proves nothing about the name that failed.
 */
export class Lookup {
  readonly #type: WireType;
  readonly #options: LookupOptions;
  readonly #names: readonly string[];
  /** Index of the next name. */
  #next = 0;
  #name = '';
  #query: Buffer | undefined;
  #aliases = 0;
  #ttlMs = Infinity;
  #servers: readonly NameServer[] = [];
  /** Servers that are still to be queried in this round. The first one is queried now. */
  #remainingServers: readonly NameServer[] = [];
  #round = 0;
  /** True when the current server has refused an OPT record for this name. */
  #isPlain = false;
  /** `misses` of the EDNS memory of the current server when the query was sent. */
  #ednsFailures: number | undefined;
  /** Created at the first miss, because mostly there is none. */
  #failures: ServerFailures | undefined;
  #failed: LookupResult | undefined;
  #denied: LookupResult | undefined;

  constructor({ name, type }: Question, options: LookupOptions) {
    this.#type = type;
    this.#options = options;
    this.#names = candidates(name, options.search);
  }

  /** Returns the first step. */
  start(): LookupStep | LookupResult {
    return this.#nextName();
  }

  /** Takes the result of the last step. Returns the next step, or the answer. */
  onResponse(tried: QueryResult): LookupStep | LookupResult {
    const server = this.#remainingServers[0];
    if (tried.kind === 'closed' || server === undefined) return failure('closed');
    if (tried.kind === 'silent') {
      this.#missed().silent(server, tried);
      return this.#nextServer();
    }
    const response = readResponse(tried.response, this.#name, this.#type);
    const isRefused = tried.edns && this.#recordEcho(tried.response, response, server) === 'refused';
    if (isRefused) return this.#queryPlain();
    if (!tried.edns && response.kind !== 'failed') this.#onlyPlain(server);
    return this.#read(response, server);
  }

  /** Returns the answer when no time is left: a failure with `message`, if there is no more exact reason. */
  expire(message: string): LookupResult {
    return this.#failed ?? failure(this.#failures?.text(message) ?? message);
  }

  #recordEcho(response: Buffer, { kind }: ParsedResponse, { edns }: NameServer): OptEcho {
    const echo = readEcho(response, this.#name, kind === 'failed');
    if (echo === 'echoed' && kind !== 'failed') edns.echoed();
    return echo;
  }

  /** Records that only the query without OPT got an answer, if one with OPT was sent too. */
  #onlyPlain({ edns }: NameServer): void {
    if (this.#ednsFailures !== undefined) edns.missed(this.#ednsFailures);
  }

  #queryPlain(): LookupStep | LookupResult {
    this.#isPlain = true;
    return this.#step();
  }

  #read(response: ParsedResponse, server: NameServer): LookupStep | LookupResult {
    if (response.kind === 'failed') {
      this.#missed().addError(server, response.reason);
      return this.#nextServer();
    }
    const key = `${this.#type} ${this.#name}`;
    this.#ttlMs = Math.min(this.#ttlMs, response.ttlMs);
    switch (response.kind) {
      case 'records':
        server.answered(key);
        return { ...response, ttlMs: this.#ttlMs };
      case 'alias':
        this.#aliases += 1;
        return this.#aliases > longestChain
          ? this.#fail(`more than ${longestChain} CNAMEs in the chain of ${this.#names[this.#next - 1]}`)
          : this.#queryName(response.target);
      case 'none':
        this.#denied = { ...response, ttlMs: this.#ttlMs, server, key };
        return this.#nextName();
    }
  }

  #nextName(): LookupStep | LookupResult {
    const name = this.#names[this.#next];
    if (name === undefined) return this.#failed ?? this.#denied ?? failure('no name to query');
    this.#next += 1;
    this.#aliases = 0;
    this.#ttlMs = Infinity;
    return this.#queryName(name);
  }

  #queryName(name: string): LookupStep | LookupResult {
    this.#name = name;
    this.#query = encodeQuery(name, this.#type);
    if (this.#query === undefined) return this.#fail(`${name} is not a DNS name`);
    this.#servers = this.#options.servers();
    if (this.#servers.length === 0) return this.#failed ?? failure('no name server is configured');
    this.#failures = undefined;
    this.#round = 1;
    this.#remainingServers = inOrder(this.#servers);
    this.#isPlain = false;
    return this.#step();
  }

  #nextServer(): LookupStep | LookupResult {
    this.#remainingServers = this.#remainingServers.slice(1);
    this.#isPlain = false;
    if (this.#remainingServers.length === 0 && this.#round < rounds) {
      this.#round += 1;
      this.#remainingServers = this.#missed().takeLate();
    }
    return this.#step();
  }

  #step(): LookupStep | LookupResult {
    const server = this.#remainingServers[0];
    if (server !== undefined && this.#query !== undefined)
      return { kind: 'query', server, query: this.#query, ednsUse: this.#ednsUse(server) };
    const failures = this.#missed();
    const message = failures.text('no answer');
    return failures.allSilent ? (this.#failed ?? failure(message)) : this.#fail(message);
  }

  /** Returns how to send the query. The last round is also sent without OPT, because a firewall may drop OPT. */
  #ednsUse({ edns }: NameServer): EdnsUse {
    if (this.#isPlain) return 'plain';
    this.#ednsFailures = edns.isUsed ? edns.unanswered : undefined;
    if (!edns.isUsed) return 'plain';
    return this.#round < rounds ? 'edns' : 'both';
  }

  /** Records that the name has failed, and goes on with the next name, which may have records. */
  #fail(message: string): LookupStep | LookupResult {
    this.#failed ??= failure(message);
    return this.#nextName();
  }

  #missed(): ServerFailures {
    return (this.#failures ??= new ServerFailures(this.#servers, this.#options.tryTimeoutMs));
  }
}

const failure = (message: string): LookupResult => ({ kind: 'failed', message });

/**
 * Returns the names to query, in order. A name with a dot is absolute, and so is `db.`. Another name gets
 * each suffix of the search list, and is queried without a suffix at the end.
 */
function candidates(name: string, search: readonly string[]): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  return name.includes('.') ? [name] : [...search.map((suffix) => `${name}.${suffix}`), name];
}

/**
 * Returns the servers in the configured order, except that servers which did not respond lately come last.
 */
function inOrder(servers: readonly NameServer[]): readonly NameServer[] {
  if (servers.length === 1) return servers;
  const first = new Set(servers.filter((server) => server.isPreferred()));
  return first.size === servers.length
    ? servers
    : [...first, ...servers.filter((server) => !first.has(server))];
}
