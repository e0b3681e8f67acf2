import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Clock } from '../../util/clock.ts';

export interface ServerAddress {
  /** IP address; an IPv6 address may have a zone. */
  readonly address: string;
  readonly port: number;
}

/** Name servers, and the search list for names without a dot. */
export interface ResolverConfig {
  readonly servers: readonly ServerAddress[];
  readonly search: readonly string[];
}

const dnsPort = 53;
const checkEveryMs = 3_000;

/** Returns the text of a server for messages: with the port only if it is not 53. */
export function serverText({ address, port }: ServerAddress): string {
  if (port === dnsPort) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * Parses resolv.conf(5): every `nameserver`, and the last line of `search` and `domain`. `options` are
 * ignored: the client has its own timeouts and number of tries, and a name with a dot is always absolute (as
 * with ndots:1).
 */
export function parseResolvConf(text: string): ResolverConfig {
  const servers = new Map<string, ServerAddress>();
  let search: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    const server = keyword === 'nameserver' ? parseNameserver(values[0]) : undefined;
    if (server !== undefined) servers.set(server.address, server);
    if (keyword === 'search') search = suffixes(values);
    if (keyword === 'domain') search = suffixes(values.slice(0, 1));
  }
  return { servers: [...servers.values()], search };
}

const parseNameserver = (address = ''): ServerAddress | undefined =>
  isIP(address) === 0 ? undefined : { address, port: dnsPort };

/** Returns the suffixes. A single `.` is left out, because the name without a suffix is always tried. */
const suffixes = (texts: readonly string[]): readonly string[] =>
  texts.map((text) => text.toLowerCase().replace(/\.$/, '')).filter((text) => text !== '');

export interface ResolvConfOptions {
  readonly clock: Clock;
  readonly path: string;
  /** Used instead of the servers of the file. Its search list is used in any case. */
  readonly servers?: readonly ServerAddress[] | undefined;
}

/**
 * Current content of resolv.conf. The file is checked at a question, at most every 3 s, and read again when
 * it has changed or was replaced. If it is missing, unreadable or without a server (it is just being
 * written), nothing changes.
 */
export class ResolvConf {
  readonly #options: ResolvConfOptions;
  #directory: ResolverConfig;
  #mark = '';
  #checkAt = -Infinity;

  constructor(options: ResolvConfOptions) {
    this.#options = options;
    this.#directory = { servers: options.servers ?? [], search: [] };
  }

  /** Returns the same object while nothing has changed. */
  current(): ResolverConfig {
    const now = this.#options.clock.now();
    if (now >= this.#checkAt) {
      this.#checkAt = now + checkEveryMs;
      this.#check();
    }
    return this.#directory;
  }

  #check(): void {
    const { path, servers } = this.#options;
    try {
      const { ino, mtimeMs, ctimeMs, size } = statSync(path);
      const mark = [ino, mtimeMs, ctimeMs, size].join(' ');
      if (mark === this.#mark) return;
      const read = parseResolvConf(readFileSync(path, 'utf8'));
      this.#mark = mark;
      if (servers === undefined && read.servers.length === 0) return;
      this.#directory = { servers: servers ?? read.servers, search: read.search };
    } catch {
      // Absent or unreadable: the earlier content remains in effect until the next check.
    }
  }
}
