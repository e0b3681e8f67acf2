import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { startPart, waitFor } from '../../controlplane/process.ts';
import type { Part } from '../../controlplane/process.ts';
import { mustRun } from '../../controlplane/run.ts';
import { postgresUser, program } from './postgres.ts';
import type { Place } from './postgres-cluster.ts';
import { bring } from './unstable.ts';

/** A real PgBouncer on 127.0.0.1. Clients need a password (SCRAM). */
export interface PgBouncer {
  readonly address: string;
  readonly port: number;
  /** Runs a command of its console: `PAUSE postgres`. */
  command(text: string): Promise<string>;
  /** Lines of its log. */
  log(): readonly string[];
  signal(signal: NodeJS.Signals): void;
  remove(): Promise<void>;
}

/** A release of PgBouncer: its command, or why it is not available here; then its tests are skipped. */
export interface Release {
  readonly name: string;
  readonly missing?: string;
  readonly command: readonly string[];
}

/** Debian stable's, which is installed. */
export const installed: Release = { name: 'PgBouncer', command: ['pgbouncer'] };

/** Debian unstable's. */
export async function bringNewest(): Promise<Release> {
  const name = 'the newest PgBouncer';
  const supply = await bring('pgbouncer');
  return 'missing' in supply
    ? { name: `${name}, skipped: ${supply.missing}`, command: [], missing: supply.missing }
    : { name, command: supply.command('pgbouncer') };
}

export interface PgBouncerOptions {
  /** Default: the one that is installed. */
  readonly release?: Release;
  readonly port: number;
  /** The server behind it. */
  readonly server: Place;
  /** User names and passwords, for clients and the server alike. */
  readonly users: Readonly<Record<string, string>>;
  /** Lines of pgbouncer.ini, section `pgbouncer`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Databases that it serves. Default `*`: all of the server. */
  readonly databases?: Readonly<Record<string, string>>;
}

/** Starts one and waits until its console answers. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const directory = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  const users = Object.entries({ ...options.users, [console.user]: console.password });
  writeFileSync(join(directory, 'users'), users.map((pair) => `${pair.map(quoted).join(' ')}\n`).join(''));
  writeFileSync(join(directory, 'pgbouncer.ini'), configuration(options, directory));
  const command = [...(options.release ?? installed).command, join(directory, 'pgbouncer.ini')];
  if (process.getuid?.() === 0) {
    const { uid, gid } = await postgresUser();
    for (const path of ['', 'users', 'pgbouncer.ini']) chownSync(join(directory, path), uid, gid);
    command.push('-u', 'postgres'); // because it refuses to run as root
  }
  const part = startPart(`pgbouncer ${options.port}`, command, join(directory, 'log'));
  const running = new RunningPgBouncer(options.port, directory, part);
  await waitFor(part, async () => (await running.command('SHOW VERSION')) !== '', 10_000);
  return running;
}

/** User of the console. */
const console = { user: 'commander', password: 'at your command' };
const quoted = (text: string) => `"${text}"`;

function configuration(options: PgBouncerOptions, directory: string): string {
  const { port, server, settings, databases = { '*': '' } } = options;
  const origin = `host=${server.address} port=${server.port}`;
  const own = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(directory, 'users'),
    admin_users: console.user,
    pool_mode: 'transaction',
  };
  const lines = Object.entries({ ...own, ...settings }).map(([name, value]) => `${name} = ${value}`);
  const sources = Object.entries(databases).map(([name, more]) => `${name} = ${origin} ${more}`);
  return ['[databases]', ...sources, '[pgbouncer]', ...lines, ''].join('\n');
}

class RunningPgBouncer implements PgBouncer {
  readonly address = '127.0.0.1';
  readonly port: number;
  readonly #directory: string;
  readonly #part: Part;

  constructor(port: number, directory: string, part: Part) {
    this.port = port;
    this.#directory = directory;
    this.#part = part;
  }

  async command(text: string): Promise<string> {
    const url = `postgresql://${console.user}@${this.address}:${this.port}/pgbouncer?connect_timeout=5`;
    const env = { PGPASSWORD: console.password };
    return (await mustRun([program('psql'), '-X', '-A', '-t', '-c', text, url], { env })).trim();
  }

  log(): readonly string[] {
    return readFileSync(join(this.#directory, 'log'), 'utf8').split('\n').slice(0, -1);
  }

  signal(signal: NodeJS.Signals): void {
    this.#part.signal(signal);
  }

  async remove(): Promise<void> {
    await this.#part.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
