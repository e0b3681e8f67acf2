import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

import { startPart, waitFor } from '../../controlplane/process.ts';
import type { Part } from '../../controlplane/process.ts';
import { addAddress } from '../../controlplane/network.ts';
import { mustRun } from '../../controlplane/run.ts';
import { freePort } from './ports.ts';
import { asPostgres, postgresUser, program } from './postgres.ts';

type Settings = Readonly<Record<string, string>>;

/** Address and port of a server. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/**
 * A PostgreSQL server whose state the test controls. By default on 127.0.0.1. Its superuser `app` needs no password on the
 * Unix socket.
 */
export interface PostgresCluster {
  readonly address: string;
  readonly port: number;
  readonly data: string;
  /** Starts it and returns at once, in any state. Settings apply to this start. */
  launch(settings?: Settings): void;
  /** Starts it and waits until it accepts queries. */
  start(settings?: Settings): Promise<void>;
  /** Runs one query as superuser. Returns its single value. */
  query(sql: string): Promise<string>;
  /** Opens a session that lasts until the server ends it, and waits for it. Returns its server process. */
  session(): Promise<number>;
  /** Opens sessions until the server refuses one more. Then `query` fails. */
  fill(): Promise<void>;
  /** Sets the access over TCP: lines of pg_hba.conf. Loaded at once if the server runs. */
  admit(...lines: readonly string[]): Promise<void>;
  /** Writes a file below the data directory that only the server may read. */
  write(name: string, text: string): void;
  /** Sends a signal to the postmaster: SIGTERM smart, SIGINT fast, SIGQUIT immediate shutdown; SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Lines of the log of the server since it was created. */
  log(): readonly string[];
  /** Waits until the log has a line that matches. */
  logged(pattern: RegExp): Promise<void>;
  /** Creates a replica with pg_basebackup that streams from this server, without starting it. Default: on 127.0.0.1. */
  replica(place?: Place): Promise<PostgresCluster>;
  /** Makes a running replica stream from that server from now on. */
  follow(from: PostgresCluster): Promise<void>;
  /** After `kill` or `stop`: makes it with pg_rewind a replica that streams from that server, without starting it. */
  rewind(from: PostgresCluster): Promise<void>;
  /** After `kill`: makes it with a new pg_basebackup a replica that streams from that server, without starting it. */
  rebuild(from: PostgresCluster): Promise<void>;
  /** Fast shutdown: ends all sessions, sends all WAL to its replicas, and waits until the server has ended. */
  stop(): Promise<void>;
  /** Sends SIGKILL, and waits until the server has ended. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** About a second. */
export async function createPostgresCluster(place?: Place): Promise<PostgresCluster> {
  const cluster = new Cluster(await directory(), await taken(place));
  await cluster.initialise();
  return cluster;
}

async function taken(place: Place | undefined): Promise<Place> {
  if (place === undefined) return { address: '127.0.0.1', port: await freePort() };
  await addAddress(place.address);
  return place;
}

async function directory(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'pg-'));
  if (process.getuid?.() !== 0) return dir;
  const { uid, gid } = await postgresUser();
  chownSync(dir, uid, gid);
  return dir;
}

class Cluster implements PostgresCluster {
  readonly address: string;
  readonly port: number;
  readonly data: string;
  readonly #dir: string;
  #server: Part | undefined;
  readonly #clients: Part[] = [];
  #opened = 0;

  constructor(dir: string, { address, port }: Place) {
    this.#dir = dir;
    this.address = address;
    this.port = port;
    this.data = join(dir, 'data');
  }

  async initialise(): Promise<void> {
    const how = ['-U', 'app', '-A', 'trust', '-N', '-E', 'UTF8', '--data-checksums']; // needed by pg_rewind
    await mustRun(asPostgres([program('initdb'), '-D', this.data, ...how]));
    this.write('postgresql.auto.conf', "wal_keep_size = '64MB'\n"); // otherwise pg_rewind does not find it
    await this.admit('host all all 0.0.0.0/0 scram-sha-256');
  }

  launch(settings: Settings = {}): void {
    const all = {
      listen_addresses: this.address,
      port: String(this.port),
      unix_socket_directories: this.#dir,
      fsync: 'off',
      ...settings,
    };
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = asPostgres([program('postgres'), '-D', this.data, ...flags]);
    this.#server = startPart(`postgres ${this.address}:${this.port}`, command, join(this.#dir, 'log'));
  }

  async start(settings: Settings = {}): Promise<void> {
    const end = performance.now() + 20_000;
    while (!(await this.#startOnce(settings))) {
      if (performance.now() > end) throw new Error(`processes of before remain at ${this.data}`);
      await sleep(50);
    }
  }

  /** Returns false if processes of the server that was killed remain. They end a moment after it. */
  async #startOnce(settings: Settings): Promise<boolean> {
    this.launch(settings);
    if (this.#server === undefined) return true;
    try {
      await waitFor(this.#server, async () => (await this.query('select 1')) === '1', 20_000);
    } catch (error) {
      if (String(error).includes('pre-existing shared memory block')) return false;
      throw error;
    }
    return true;
  }

  async query(sql: string): Promise<string> {
    return (await mustRun(this.#psql(sql))).trim();
  }

  #psql(...statements: readonly string[]): readonly string[] {
    const url = `postgresql:///postgres?host=${this.#dir}&port=${this.port}&user=app&connect_timeout=5`;
    const commands = statements.flatMap((statement) => ['-c', statement]);
    return [program('psql'), '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...commands, url];
  }

  async session(): Promise<number> {
    const { pid } = await this.#open();
    if (pid === 0) throw new Error('the server refuses the session');
    return pid;
  }

  /** Server process of the session; 0 if it was refused. */
  async #open(): Promise<{ readonly pid: number }> {
    this.#opened += 1;
    const file = join(this.#dir, `client-${this.#opened}`);
    const client = startPart(file, this.#psql('select pg_backend_pid()', 'select pg_sleep(600)'), file);
    this.#clients.push(client);
    for (;;) {
      const [, pid] = /^(\d+)\n/.exec(readFileSync(file, 'utf8')) ?? [];
      if (pid !== undefined) return { pid: Number(pid) };
      if (!client.running()) return { pid: 0 };
      await sleep(10);
    }
  }

  async fill(): Promise<void> {
    // More than one refusal, because the first can be caused by a session that is about to end.
    for (let refused = 0; refused < 3;) {
      const { pid } = await this.#open();
      if (pid === 0) refused += 1;
    }
  }

  async admit(...lines: readonly string[]): Promise<void> {
    this.write(
      'pg_hba.conf',
      ['local all all trust', 'local replication all trust', ...lines, ''].join('\n'),
    );
    if (this.#server?.running() !== true) return;
    const before = this.#reloads();
    await this.query('select pg_reload_conf()');
    // The postmaster logs this before it reads the files. Messages on the files follow at once.
    await waitFor(this.#server, () => Promise.resolve(this.#reloads() > before), 20_000);
    await this.query('select pg_sleep(0.1)');
  }

  #reloads(): number {
    return this.log().filter((line) => line.includes('received SIGHUP')).length;
  }

  write(name: string, text: string): void {
    const path = join(this.data, name);
    writeFileSync(path, text);
    const { uid, gid } = statSync(this.data);
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
    chmodSync(path, 0o600);
  }

  signal(signal: NodeJS.Signals): void {
    this.#server?.signal(signal);
  }

  log(): readonly string[] {
    return readFileSync(join(this.#dir, 'log'), 'utf8').split('\n').slice(0, -1);
  }

  async logged(pattern: RegExp): Promise<void> {
    const found = () => Promise.resolve(this.log().some((line) => pattern.test(line)));
    if (this.#server !== undefined) await waitFor(this.#server, found, 20_000);
  }

  async replica(place?: Place): Promise<PostgresCluster> {
    const replica = new Cluster(await directory(), await taken(place));
    await replica.copy(this);
    return replica;
  }

  /** For the superuser, on the Unix socket. */
  get source(): { readonly host: string; readonly port: string; readonly user: string } {
    return { host: this.#dir, port: String(this.port), user: 'app' };
  }

  async copy({ source }: Pick<Cluster, 'source'>): Promise<void> {
    const from = ['-h', source.host, '-p', source.port, '-U', source.user];
    const how = ['-R', '--checkpoint=fast', '--no-sync'];
    await mustRun(asPostgres([program('pg_basebackup'), ...from, '-D', this.data, ...how]));
  }

  async follow(from: PostgresCluster): Promise<void> {
    if (!(from instanceof Cluster)) throw new Error('it is no cluster of ours');
    const { host, port, user } = from.source;
    await this.query(`alter system set primary_conninfo = 'host=${host} port=${port} user=${user}'`);
    await this.query('select pg_reload_conf()');
  }

  async rebuild(from: PostgresCluster): Promise<void> {
    if (!(from instanceof Cluster)) throw new Error('it is no cluster of ours');
    rmSync(this.data, { recursive: true });
    await this.copy(from);
  }

  async rewind(from: PostgresCluster): Promise<void> {
    if (!(from instanceof Cluster)) throw new Error('it is no cluster of ours');
    await from.query('checkpoint'); // its control file contains the new timeline only then
    const { host, port, user } = from.source;
    const url = `host=${host} port=${port} user=${user} dbname=postgres`;
    const how = ['--source-server', url, '-R', '--no-sync'];
    await mustRun(asPostgres([program('pg_rewind'), '--target-pgdata', this.data, ...how]));
  }

  async stop(): Promise<void> {
    this.signal('SIGINT');
    await mustRun(['tail', `--pid=${this.#server?.pid ?? 0}`, '-s', '0.1', '-f', '/dev/null']);
  }

  async kill(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.kill();
    const children = this.#children();
    await this.#server?.kill();
    // They end with the postmaster, except a stopped one.
    for (const pid of children) killIfAlive(pid);
  }

  #children(): readonly number[] {
    const pid = String(this.#server?.pid ?? 0);
    if (this.#server?.running() !== true) return [];
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

function killIfAlive(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
