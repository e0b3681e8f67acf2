import type { Question } from '../core/names.ts';
import { readEcho, readResponse } from './message.ts';
import type { OptEcho, Reading, WireType } from './message.ts';
import { Misses } from './misses.ts';
import type { Manner, NameServer, Try } from './server.ts';
import { encodeQuery } from './wire.ts';

/** A server that answered nothing in time is asked once more; one that answered something useless is not. */
const rounds = 2;
const longestChain = 8;

/** Ask this server this, and say what came of it: see `hear`. */
export interface Step {
  readonly kind: 'ask';
  readonly server: NameServer;
  readonly query: Buffer;
  readonly manner: Manner;
}

export type Found =
  | Extract<Reading, { kind: 'records' }>
  /** `server` said it, of the question `key` on the wire. */
  | (Extract<Reading, { kind: 'none' }> & { readonly server: NameServer; readonly key: string })
  | { readonly kind: 'failed'; readonly message: string };

export interface InquiryOptions {
  /** Suffixes for a name without a dot. */
  readonly search: readonly string[];
  /** Those to be asked now, as configured. */
  readonly servers: () => readonly NameServer[];
  readonly tryTimeoutMs: number;
}

/**
 * The way of one question: which name to ask of which server, until there is an answer. It does nothing but say so: who
 * runs it asks.
 *
 * | heard                            | next                                                                    |
 * |----------------------------------|-------------------------------------------------------------------------|
 * | records                          | found                                                                   |
 * | an alias, not what stands behind | its target; after eight of them a failure of the name                   |
 * | none                             | the next name of the search list                                        |
 * | nothing useful, perhaps because of OPT | the same server, without OPT; see `OptEcho`                      |
 * | nothing useful                   | the next server                                                         |
 * | nothing                          | the next server, and this one once more after all of them, where it was late |
 *
 * A name fails when no server is left. The next of the search list may be another server's and is asked, unless nobody at
 * all was heard. Without records the first failure is what was found, for a denial of another name says nothing of that one.
 */
export class Inquiry {
  readonly #type: WireType;
  readonly #options: InquiryOptions;
  readonly #names: readonly string[];
  /** Index of the next name. */
  #next = 0;
  #name = '';
  #query: Buffer | undefined;
  #aliases = 0;
  #ttlMs = Infinity;
  #servers: readonly NameServer[] = [];
  /** Those that are still to be asked in this round, the first of them now. */
  #turn: readonly NameServer[] = [];
  #round = 0;
  /** The server that is asked now has refused an OPT record for this name. */
  #isPlain = false;
  /** `misses` of its EDNS memory when it was asked. */
  #ednsMisses: number | undefined;
  /** From the first miss on: mostly there is none. */
  #misses: Misses | undefined;
  #failed: Found | undefined;
  #denied: Found | undefined;

  constructor({ name, type }: Question, options: InquiryOptions) {
    this.#type = type;
    this.#options = options;
    this.#names = candidates(name, options.search);
  }

  begin(): Step | Found {
    return this.#nextName();
  }

  /** What came of the last step. */
  hear(tried: Try): Step | Found {
    const server = this.#turn[0];
    if (tried.kind === 'closed' || server === undefined) return failure('closed');
    if (tried.kind === 'silent') {
      this.#missed().silent(server, tried);
      return this.#nextServer();
    }
    const reading = readResponse(tried.response, this.#name, this.#type);
    const isRefused = tried.edns && this.#hearEcho(tried.response, reading, server) === 'refused';
    if (isRefused) return this.#askPlain();
    if (!tried.edns && reading.kind !== 'failed') this.#onlyPlain(server);
    return this.#read(reading, server);
  }

  /** There is no time left: `message`, unless more is known. */
  expire(message: string): Found {
    return this.#failed ?? failure(this.#misses?.text(message) ?? message);
  }

  #hearEcho(response: Buffer, { kind }: Reading, { edns }: NameServer): OptEcho {
    const echo = readEcho(response, this.#name, kind === 'failed');
    if (echo === 'echoed' && kind !== 'failed') edns.echoed();
    return echo;
  }

  /** The query without OPT had an answer; the one with it, if there was one, had none. */
  #onlyPlain({ edns }: NameServer): void {
    if (this.#ednsMisses !== undefined) edns.missed(this.#ednsMisses);
  }

  #askPlain(): Step | Found {
    this.#isPlain = true;
    return this.#step();
  }

  #read(reading: Reading, server: NameServer): Step | Found {
    if (reading.kind === 'failed') {
      this.#missed().useless(server, reading.reason);
      return this.#nextServer();
    }
    const key = `${this.#type} ${this.#name}`;
    this.#ttlMs = Math.min(this.#ttlMs, reading.ttlMs);
    switch (reading.kind) {
      case 'records':
        server.answered(key);
        return { ...reading, ttlMs: this.#ttlMs };
      case 'alias':
        this.#aliases += 1;
        return this.#aliases > longestChain
          ? this.#fail(`more than ${longestChain} aliases behind ${this.#names[this.#next - 1]}`)
          : this.#ask(reading.target);
      case 'none':
        this.#denied = { ...reading, ttlMs: this.#ttlMs, server, key };
        return this.#nextName();
    }
  }

  #nextName(): Step | Found {
    const name = this.#names[this.#next];
    if (name === undefined) return this.#failed ?? this.#denied ?? failure('no name to ask for');
    this.#next += 1;
    this.#aliases = 0;
    this.#ttlMs = Infinity;
    return this.#ask(name);
  }

  #ask(name: string): Step | Found {
    this.#name = name;
    this.#query = encodeQuery(name, this.#type);
    if (this.#query === undefined) return this.#fail(`${name} is no DNS name`);
    this.#servers = this.#options.servers();
    if (this.#servers.length === 0) return this.#failed ?? failure('no name server is configured');
    this.#misses = undefined;
    this.#round = 1;
    this.#turn = inOrder(this.#servers);
    this.#isPlain = false;
    return this.#step();
  }

  #nextServer(): Step | Found {
    this.#turn = this.#turn.slice(1);
    this.#isPlain = false;
    if (this.#turn.length === 0 && this.#round < rounds) {
      this.#round += 1;
      this.#turn = this.#missed().takeLate();
    }
    return this.#step();
  }

  #step(): Step | Found {
    const server = this.#turn[0];
    if (server !== undefined && this.#query !== undefined)
      return { kind: 'ask', server, query: this.#query, manner: this.#manner(server) };
    const misses = this.#missed();
    const message = misses.text('no answer');
    return misses.allSilent ? (this.#failed ?? failure(message)) : this.#fail(message);
  }

  /** In the last round the query goes without OPT too, because something on the way may drop queries with it. */
  #manner({ edns }: NameServer): Manner {
    if (this.#isPlain) return 'plain';
    this.#ednsMisses = edns.isUsed ? edns.misses : undefined;
    if (!edns.isUsed) return 'plain';
    return this.#round < rounds ? 'edns' : 'both';
  }

  /** The name has failed; another may yet have records. */
  #fail(message: string): Step | Found {
    this.#failed ??= failure(message);
    return this.#nextName();
  }

  #missed(): Misses {
    return (this.#misses ??= new Misses(this.#servers, this.#options.tryTimeoutMs));
  }
}

const failure = (message: string): Found => ({ kind: 'failed', message });

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
