import { createConnection } from 'node:net';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { startPart, waitFor } from '../../controlplane/process.ts';
import type { Part } from '../../controlplane/process.ts';
import { mustRun, run } from '../../controlplane/run.ts';
import type { Certificate } from '../../probe/support/certificates.ts';
import type { RunResult } from '../../controlplane/run.ts';

/** A real MariaDB server (or MySQL: mysql.ts) with its own data directory. `root` has no password, over its socket file. */
export interface MariaDb {
  readonly address: string;
  readonly port: number;
  /** Its own directory, in which it also finds programs. */
  readonly directory: string;
  /** Runs statements as root of the server. Returns rows by line and columns by tab, without headings. */
  sql(statements: string): Promise<string>;
  /** Runs statements as another client: `mariadb` over TCP. */
  client(options: ClientOptions): Promise<RunResult>;
  /** Sends SIGKILL. From then on the address refuses connections. */
  kill(): Promise<void>;
  /** Starts it (again, on the same data) and, by default, waits until it answers. */
  start(wait?: boolean): Promise<void>;
  /** Sends SIGTERM, and waits until it has written all data and ended. */
  stop(): Promise<void>;
  /** Creates another server on a copy of this one's data, without starting it. This one must be stopped. */
  copy(port: number, settings?: Readonly<Record<string, string>>): Promise<MariaDb>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Lines of its log. */
  log(): readonly string[];
  /** A status variable, from the server as a whole. */
  status(name: string): Promise<number>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

export interface ClientOptions {
  readonly user: string;
  readonly password?: string;
  readonly statements?: string;
  /** The client's own address. */
  readonly from?: string;
}

/** Creates and starts a server; about 2 s. `settings` as in a my.cnf: `{ 'server-id': '2', 'skip-name-resolve': '' }`. */
export async function startMariaDb(
  address: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
  certificate?: Certificate,
): Promise<MariaDb> {
  const dir = newDirectory();
  const data = join(dir, 'data');
  mkdirSync(data);
  const user = process.getuid?.() === 0 ? 'nobody' : undefined;
  if (user !== undefined) for (const path of [dir, data]) chownSync(path, await idOf('-u'), await idOf('-g'));
  const install = ['mariadb-install-db', '--no-defaults', `--datadir=${data}`, `--tmpdir=${dir}`];
  await mustRun(unprivileged([...install, '--skip-test-db', '--auth-root-authentication-method=normal']));
  const tls = certificate === undefined ? {} : writeCertificate(dir, certificate);
  const server = new RunningMariaDb(address, port, dir, { ...settings, ...tls });
  await server.start();
  return server;
}

const newDirectory = () => mkdtempSync(join(tmpdir(), 'mariadb-'));

/** Differences between MariaDB and MySQL. */
export interface Vendor {
  readonly name: string;
  /** Command of the server, without its options. */
  readonly program: (directory: string) => readonly string[];
  readonly settings: Readonly<Record<string, string>>;
}

const mariaDb: Vendor = {
  name: 'mariadb',
  program: (directory) => unprivileged(['env', `PATH=${directory}:${process.env.PATH ?? ''}`, 'mariadbd']),
  settings: { 'innodb-log-file-size': '8M', 'lc-messages-dir': '/usr/share/mysql' },
};

export class RunningMariaDb implements MariaDb {
  readonly address: string;
  readonly port: number;
  readonly directory: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #vendor: Vendor;
  #server: Part | undefined;

  constructor(
    address: string,
    port: number,
    dir: string,
    settings: Readonly<Record<string, string>>,
    vendor = mariaDb,
  ) {
    this.address = address;
    this.port = port;
    this.directory = dir;
    this.#settings = settings;
    this.#vendor = vendor;
  }

  get #socket(): string {
    return join(this.directory, 'socket');
  }

  async start(wait = true): Promise<void> {
    const file = join(this.directory, 'my.cnf');
    writeFileSync(file, configuration({ ...this.#own(), ...this.#settings }), { mode: 0o644 });
    const { name, program } = this.#vendor;
    const command = withoutNames([...program(this.directory), `--defaults-file=${file}`], this.directory);
    this.#server = startPart(`${name} ${this.address}`, command, join(this.directory, 'log'));
    if (wait) await waitFor(this.#server, async () => (await this.sql('select 1')) === '1', 20_000);
  }

  async sql(statements: string): Promise<string> {
    const command = ['mariadb', '--no-defaults', '-N', '-B', '-u', 'root', '-S', this.#socket];
    return (await mustRun(command, { stdin: statements })).trim();
  }

  client({ user, password = '', statements = 'select 1', from }: ClientOptions): Promise<RunResult> {
    const where = ['-h', this.address, '-P', String(this.port), '--protocol=tcp', '--connect-timeout=5'];
    const bind = from === undefined ? [] : [`--bind-address=${from}`];
    const command = ['mariadb', '--no-defaults', '-N', '-B', '-u', user, `-p${password}`, ...where, ...bind];
    return run(command, { stdin: statements });
  }

  async kill(): Promise<void> {
    this.thaw();
    await this.#server?.kill();
  }

  async stop(): Promise<void> {
    this.#server?.signal('SIGTERM');
    await mustRun(['tail', `--pid=${this.#server?.pid ?? 0}`, '-s', '0.1', '-f', '/dev/null']);
  }

  async copy(port: number, settings: Readonly<Record<string, string>> = {}): Promise<MariaDb> {
    const dir = newDirectory();
    await mustRun(['chown', `--reference=${this.directory}`, dir]);
    await mustRun(['cp', '-a', join(this.directory, 'data'), dir]);
    return new RunningMariaDb(this.address, port, dir, settings, this.#vendor);
  }

  freeze(): void {
    this.#server?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#server?.signal('SIGCONT');
  }

  log(): readonly string[] {
    return this.#server?.log(100_000).split('\n') ?? [];
  }

  async status(name: string): Promise<number> {
    return Number((await this.sql(`show global status like '${name}'`)).split('\t')[1]);
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #own(): Readonly<Record<string, string>> {
    return {
      datadir: join(this.directory, 'data'),
      // A server that starts removes the temporary tables that it finds in its tmpdir, another one's too.
      tmpdir: this.directory,
      socket: this.#socket,
      'pid-file': join(this.directory, 'pid'),
      'bind-address': this.address,
      port: String(this.port),
      'innodb-flush-log-at-trx-commit': '0',
      'innodb-buffer-pool-size': '16M',
      ...this.#vendor.settings,
    };
  }
}

export function writeCertificate(dir: string, { cert, key }: Certificate): Readonly<Record<string, string>> {
  const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  writeFileSync(certFile, cert, { mode: 0o644 });
  writeFileSync(keyFile, key, { mode: 0o644 });
  return { 'ssl-cert': certFile, 'ssl-key': keyFile };
}

function configuration(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return ['[mysqld]', ...lines, ''].join('\n');
}

async function idOf(flag: '-u' | '-g'): Promise<number> {
  return Number(await mustRun(['id', flag, 'nobody']));
}

/**
 * Runs the server in its own mount namespace, where a reverse lookup of any address fails at once. Only clients whose name
 * is known, or known not to exist, are counted and blocked. Only in the network of the tests (netns.sh).
 */
function withoutNames(command: readonly string[], dir: string): readonly string[] {
  if (process.env.CONTROLPLANE_NETWORK !== 'inside') return command; // 127.0.0.1 has a name everywhere
  const file = join(dir, 'nsswitch.conf');
  writeFileSync(file, 'hosts: files\n', { mode: 0o644 });
  const script = 'mount --bind "$0" /etc/nsswitch.conf && exec "$@"';
  return ['unshare', '--mount', 'sh', '-c', script, file, ...command];
}

/** MariaDB refuses to run as root. */
function unprivileged(command: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return command;
  return ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', ...command];
}

/** Opens a TCP connection that occupies a slot of the server and sends nothing. Returns a function that closes it. */
export async function occupy(address: string, port: number): Promise<() => void> {
  const socket = createConnection({ host: address, port });
  await new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
  return () => socket.destroy();
}
