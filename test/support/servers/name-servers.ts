import { Resolver } from 'node:dns/promises';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { addAddress } from '../../controlplane/network.ts';
import { startPart, waitFor } from '../../controlplane/process.ts';
import type { Part } from '../../controlplane/process.ts';
import { mustRun } from '../../controlplane/run.ts';
import { freeUdpPort } from './ports.ts';

/**
 * Data of a name server: complete names (without the last dot) and their records as in a zone file, such as
 * `{'db.outside.test': ['A 10.20.0.1', '60 AAAA fd20::1'], '_pg._tcp.db.outside.test': ['SRV 0 0 5432 db.outside.test.']}`.
 * A number in front is the record's time to live in seconds. Any other name does not exist (NXDOMAIN).
 */
export type Names = Readonly<Record<string, readonly string[]>>;

export interface NameServerOptions {
  /** Loopback, or an address of the test network, which is added. */
  readonly address: string;
  /** Default: any free one. */
  readonly port?: number;
  readonly names: Names;
  /** Time to live in seconds of records without one; default 1. */
  readonly ttl?: number;
}

/** A real name server with its own directory, address and port. */
export interface NameServer {
  readonly address: string;
  readonly port: number;
  /** `address:port`, for `--dns-servers`. */
  readonly endpoint: string;
  /** Replaces all names. Resolves when the server answers with them. CoreDNS answers meanwhile; the others are restarted. */
  set(names: Names): Promise<void>;
  /** Sends SIGKILL. From then on the address refuses. Names that are `set` meanwhile are used from the next start. */
  kill(): Promise<void>;
  /** Starts it (again) and waits until it answers. */
  start(): Promise<void>;
  /** Sends SIGSTOP and SIGCONT: the server is silent in between. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its files. */
  remove(): Promise<void>;
}

/** Starts CoreDNS with a zone file that it reads again ten times a second; about 0.2 s. */
export const startCoreDns = (options: NameServerOptions): Promise<NameServer> => started(coreDns, options);

/** Starts dnsmasq from Debian. It has A, AAAA, CNAME and SRV records, and one time to live for all. */
export const startDnsmasq = (options: NameServerOptions): Promise<NameServer> => started(dnsmasq, options);

/** Starts Unbound from Debian as a resolver with a cache, with a zone of its own. */
export const startUnbound = (options: NameServerOptions): Promise<NameServer> => started(unbound, options);

/** One vendor: the form of its files, and its command. */
interface Vendor {
  readonly name: string;
  /** True if it notices a change of the file `names` by itself. */
  readonly rereads: boolean;
  /** The text of its configuration, which is the file `conf` of the directory. */
  readonly configuration: (place: Place) => string;
  /** The text of the file `names`. */
  readonly namesFile: (names: Names, ttl: number, serial: number) => string;
  readonly command: (place: Place) => Promise<readonly string[]>;
}

interface Place {
  readonly dir: string;
  readonly address: string;
  readonly port: number;
  readonly ttl: number;
}

interface Row {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  readonly data: string;
}

/** Name with which every server returns the number of changes, so that tests see which state it has read. */
const marker = 'serial.marker.test';

function rows(names: Names, ttl: number): readonly Row[] {
  return Object.entries(names).flatMap(([name, list]) =>
    list.map((text) => {
      const [, own, type = '', data = ''] = /^(?:(\d+) )?(\w+) (.*)$/.exec(text) ?? [];
      return { name, ttl: Number(own ?? ttl), type, data };
    }),
  );
}

/** The whole of the DNS: a root zone without delegations. */
function zoneFile(names: Names, ttl: number, serial: number): string {
  const head = [
    `. ${ttl} IN SOA ns.marker.test. root.marker.test. ${serial} 60 60 600 ${ttl}`,
    `. ${ttl} IN NS ns.marker.test.`,
    'ns.marker.test. 1 IN A 10.20.0.1',
    `${marker}. 0 IN TXT "${serial}"`,
  ];
  const lines = rows(names, ttl).map((row) => `${row.name}. ${row.ttl} IN ${row.type} ${row.data}`);
  return `${[...head, ...lines].join('\n')}\n`;
}

const coreDns: Vendor = {
  name: 'coredns',
  rereads: true,
  configuration: ({ dir, address, port }) => `.:${port} {
  bind ${address}
  errors
  file ${join(dir, 'names')} . {
    reload 100ms
  }
}
`,
  namesFile: zoneFile,
  command: async ({ dir }) => [await controlPlaneBinary(), 'coredns', '-conf', join(dir, 'conf')],
};

/** Returns the program with all parts of the control plane. Outside of the test network it is built if it is missing. */
async function controlPlaneBinary(): Promise<string> {
  const build = join(import.meta.dirname, '../../controlplane/build.sh');
  return process.env['CONTROLPLANE'] ?? (await mustRun([build], { timeoutMs: 900_000 })).trim();
}

const unbound: Vendor = {
  name: 'unbound',
  rereads: false,
  configuration: ({ dir, address, port }) => `server:
  interface: ${address}@${port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "${dir}"
  pidfile: ""
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  access-control: 0.0.0.0/0 allow
  access-control: ::0/0 allow
  local-zone: "test." nodefault
remote-control:
  control-enable: no
auth-zone:
  name: "."
  zonefile: "${join(dir, 'names')}"
  for-upstream: yes
  for-downstream: no
  fallback-enabled: no
`,
  namesFile: zoneFile,
  command: ({ dir }) => Promise.resolve(['/usr/sbin/unbound', '-d', '-p', '-c', join(dir, 'conf')]),
};

const dnsmasq: Vendor = {
  name: 'dnsmasq',
  rereads: false,
  configuration: ({ dir, address, port, ttl }) => `keep-in-foreground
user=root
pid-file=
no-resolv
no-hosts
bind-interfaces
listen-address=${address}
port=${port}
local-ttl=${ttl}
conf-file=${join(dir, 'names')}
`,
  namesFile: (names, ttl, serial) => {
    // It answers NXDOMAIN for names under these, and refuses any other name.
    const domains = new Set([...Object.keys(names), marker].map((name) => name.split('.').at(-1) ?? ''));
    const lines = rows(names, ttl).map(dnsmasqLine);
    const locals = [...domains].map((domain) => `local=/${domain}/`);
    return `${[...locals, `txt-record=${marker},${serial}`, ...lines].join('\n')}\n`;
  },
  command: ({ dir }) => Promise.resolve(['/usr/sbin/dnsmasq', `--conf-file=${join(dir, 'conf')}`]),
};

function dnsmasqLine({ name, type, data }: Row): string {
  const [first = '', second = '', port = '', host = ''] = data.replace(/\.$/, '').split(' ');
  if (type === 'CNAME') return `cname=${name},${first}`;
  if (type === 'SRV') return `srv-host=${name},${host},${port},${first},${second}`;
  return `host-record=${name},${first}`;
}

async function started(vendor: Vendor, options: NameServerOptions): Promise<NameServer> {
  const { address, names, ttl = 1 } = options;
  if (!/^127\.|^::1$/.test(address)) await addAddress(address);
  const port = options.port ?? (await freeUdpPort(address));
  const place = { dir: mkdtempSync(join(tmpdir(), `${vendor.name}-`)), address, port, ttl };
  const server = new RunningNameServer(vendor, place, names);
  await server.start();
  return server;
}

class RunningNameServer implements NameServer {
  readonly address: string;
  readonly port: number;
  readonly endpoint: string;
  readonly #vendor: Vendor;
  readonly #place: Place;
  #names: Names;
  #serial = 0;
  #part: Part | undefined;

  constructor(vendor: Vendor, place: Place, names: Names) {
    this.address = place.address;
    this.port = place.port;
    this.endpoint = place.address.includes(':')
      ? `[${place.address}]:${place.port}`
      : `${place.address}:${place.port}`;
    this.#vendor = vendor;
    this.#place = place;
    this.#names = names;
  }

  async start(): Promise<void> {
    const { dir } = this.#place;
    this.#write();
    writeFileSync(join(dir, 'conf'), this.#vendor.configuration(this.#place));
    const command = await this.#vendor.command(this.#place);
    // It ends with the test run, however that ends.
    const bound = ['setpriv', '--pdeathsig', 'KILL', ...command];
    this.#part = startPart(`${this.#vendor.name} ${this.endpoint}`, bound, join(dir, 'log'));
    await this.#answersSo(this.#part);
  }

  async set(names: Names): Promise<void> {
    this.#names = names;
    if (this.#part?.running() !== true) return;
    if (this.#vendor.rereads) {
      this.#write();
      await this.#answersSo(this.#part);
    } else {
      await this.kill();
      await this.start();
    }
  }

  async kill(): Promise<void> {
    await this.#part?.kill();
  }

  freeze(): void {
    this.#part?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#part?.signal('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#place.dir, { recursive: true, force: true });
  }

  #write(): void {
    this.#serial++;
    const text = this.#vendor.namesFile(this.#names, this.#place.ttl, this.#serial);
    const file = join(this.#place.dir, 'names');
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file); // so that the server never reads half of it
  }

  async #answersSo(part: Part): Promise<void> {
    const wanted = String(this.#serial);
    const ask = async () => {
      const resolver = new Resolver({ timeout: 200, tries: 1 });
      resolver.setServers([this.endpoint]);
      return (await resolver.resolveTxt(marker)).flat().join() === wanted;
    };
    await waitFor(part, ask, 10_000);
  }
}
