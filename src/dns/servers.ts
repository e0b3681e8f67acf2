import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Clock } from '../engine/ports.ts';

export interface ServerAddress {
  /** An IP address; an IPv6 one may have a zone. */
  readonly address: string;
  readonly port: number;
}

/** Whom to ask, and what to put behind names without a dot. */
export interface Directory {
  readonly servers: readonly ServerAddress[];
  readonly search: readonly string[];
}

const dnsPort = 53;
const checkEveryMs = 3_000;

/** As messages name it: the port only where it is not the usual one. */
export function serverText({ address, port }: ServerAddress): string {
  if (port === dnsPort) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * What resolv.conf(5) says: every `nameserver`, and of `search` and `domain` the last one. `options` are not heeded: how
 * long to wait and how often to ask is this client's own, and a name with a dot is always absolute (as with ndots:1).
 */
export function parseResolvConf(text: string): Directory {
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

/** `.` alone puts nothing behind a name, which the name itself stands for already. */
const suffixes = (texts: readonly string[]): readonly string[] =>
  texts.map((text) => text.toLowerCase().replace(/\.$/, '')).filter((text) => text !== '');

export interface ResolvConfOptions {
  readonly clock: Clock;
  readonly path: string;
  /** Instead of the file's; its search list is taken all the same. */
  readonly servers?: readonly ServerAddress[] | undefined;
}

/**
 * resolv.conf as it is now: looked at when somebody asks and some seconds have passed, read when it is another file or a
 * changed one. A file that is gone, cannot be read or names no server (it is just being written) changes nothing.
 */
export class ResolvConf {
  readonly #options: ResolvConfOptions;
  #directory: Directory;
  #mark = '';
  #checkAt = -Infinity;

  constructor(options: ResolvConfOptions) {
    this.#options = options;
    this.#directory = { servers: options.servers ?? [], search: [] };
  }

  /** The same object as long as nothing has changed. */
  current(): Directory {
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
      // Absent or unreadable: what was read before stands, and the next check looks again.
    }
  }
}
