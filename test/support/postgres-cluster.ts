import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { startPart, waitFor } from '../controlplane/process.ts';
import type { Part } from '../controlplane/process.ts';
import { mustRun } from '../controlplane/run.ts';
import { asPostgres, postgresUser, program } from './postgres.ts';

type Settings = Readonly<Record<string, string>>;

/** A PostgreSQL server on 127.0.0.1 whose state the test drives. `app` is its superuser, let in without a password on the Unix socket. */
export interface PostgresCluster {
  readonly port: number;
  readonly data: string;
  /** Starts it and returns at once, in whatever state it is. Settings hold for this start. */
  launch(settings?: Settings): void;
  /** Starts it and waits until it takes queries. */
  start(settings?: Settings): Promise<void>;
  /** One query by the superuser; the single value it gives. */
  query(sql: string): Promise<string>;
  /** Opens a session that lasts until the server ends it, and waits until it is there. Gives its server process. */
  session(): Promise<number>;
  /** Who may come by TCP: lines of pg_hba.conf. Loaded at once where it runs. */
  admit(...lines: readonly string[]): Promise<void>;
  /** A file below the data directory that only the server reads. */
  write(name: string, text: string): void;
  /** To the postmaster: SIGTERM smart, SIGINT fast, SIGQUIT immediate shutdown; SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Lines of the server's log since it was made. */
  log(): readonly string[];
  /** Waits until the log has a line that matches. */
  logged(pattern: RegExp): Promise<void>;
  /** A replica by pg_basebackup that streams from this one; not started. */
  replica(...flags: readonly string[]): Promise<PostgresCluster>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** About a second. */
export async function createPostgresCluster(): Promise<PostgresCluster> {
  const cluster = new Cluster(await directory(), await freePort());
  await cluster.initialise();
  return cluster;
}

async function directory(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'pg-'));
  if (process.getuid?.() !== 0) return dir;
  const { uid, gid } = await postgresUser();
  chownSync(dir, uid, gid);
  return dir;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

class Cluster implements PostgresCluster {
  readonly port: number;
  readonly data: string;
  readonly #dir: string;
  #server: Part | undefined;
  readonly #clients: Part[] = [];

  constructor(dir: string, port: number) {
    this.#dir = dir;
    this.port = port;
    this.data = join(dir, 'data');
  }

  async initialise(): Promise<void> {
    await mustRun(
      asPostgres([program('initdb'), '-D', this.data, '-U', 'app', '-A', 'trust', '-N', '-E', 'UTF8']),
    );
    await this.admit('host all all 127.0.0.1/32 scram-sha-256');
  }

  launch(settings: Settings = {}): void {
    const all = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: this.#dir,
      fsync: 'off',
      ...settings,
    };
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = asPostgres([program('postgres'), '-D', this.data, ...flags]);
    this.#server = startPart(`postgres ${this.port}`, command, join(this.#dir, 'log'));
  }

  async start(settings: Settings = {}): Promise<void> {
    this.launch(settings);
    if (this.#server !== undefined)
      await waitFor(this.#server, async () => (await this.query('select 1')) === '1', 20_000);
  }

  async query(sql: string): Promise<string> {
    return (await mustRun(this.#psql(sql))).trim();
  }

  #psql(sql: string): readonly string[] {
    const url = `postgresql:///postgres?host=${this.#dir}&port=${this.port}&user=app&connect_timeout=5`;
    return [program('psql'), '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql, url];
  }

  async session(): Promise<number> {
    const name = `session ${this.#clients.length}`;
    const sql = `set application_name = '${name}'; select pg_sleep(600)`;
    const client = startPart(name, this.#psql(sql), join(this.#dir, 'clients'));
    this.#clients.push(client);
    const find = `select coalesce(max(pid), 0) from pg_stat_activity where application_name = '${name}'`;
    let pid = 0;
    await waitFor(client, async () => (pid = Number(await this.query(find))) > 0, 10_000);
    return pid;
  }

  async admit(...lines: readonly string[]): Promise<void> {
    this.write(
      'pg_hba.conf',
      ['local all all trust', 'local replication all trust', ...lines, ''].join('\n'),
    );
    if (this.#server?.running() === true) await this.query('select pg_reload_conf()');
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

  async replica(...flags: readonly string[]): Promise<PostgresCluster> {
    const replica = new Cluster(await directory(), await freePort());
    const from = ['-h', this.#dir, '-p', String(this.port), '-U', 'app'];
    await mustRun(
      asPostgres([
        program('pg_basebackup'),
        ...from,
        '-D',
        replica.data,
        '-R',
        '--checkpoint=fast',
        '--no-sync',
        ...flags,
      ]),
    );
    return replica;
  }

  async kill(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.kill();
    const children = this.#children();
    await this.#server?.kill();
    // They end with the postmaster, but a stopped one would stay.
    for (const pid of children) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
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

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
