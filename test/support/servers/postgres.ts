import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { addAddress } from '../../controlplane/network.ts';
import { startPart, waitFor } from '../../controlplane/process.ts';
import type { Part } from '../../controlplane/process.ts';
import { mustRun } from '../../controlplane/run.ts';

/** A real PostgreSQL server with its own data directory and address. Any client may log in as `app`. */
export interface Postgres {
  readonly address: string;
  readonly port: number;
  /** Sends SIGKILL. From then on the address refuses connections. */
  kill(): Promise<void>;
  /** Starts it (again, on the same data) and waits until it answers. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Creates and starts a server; about 2 s. */
export async function startPostgres(address: string, port: number): Promise<Postgres> {
  await addAddress(address);
  const dir = mkdtempSync(join(tmpdir(), 'postgres-'));
  if (process.getuid?.() === 0) {
    const { uid, gid } = await postgresUser();
    chownSync(dir, uid, gid);
  }
  const data = join(dir, 'data');
  await mustRun(asPostgres([program('initdb'), '-D', data, '-U', 'app', '-A', 'trust', '-N', '-E', 'UTF8']));
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all 0.0.0.0/0 trust\n');
  const server = new RunningPostgres(address, port, dir);
  await server.start();
  return server;
}

/** Runs one query through `psql` in its own connection. Returns the single value. Fails with the message of psql. */
export async function query(host: string, port: number, sql: string): Promise<string> {
  const url = `postgresql://app@${host}:${port}/postgres?connect_timeout=3`;
  return (await mustRun([program('psql'), '-X', '-A', '-t', '-c', sql, url])).trim();
}

class RunningPostgres implements Postgres {
  readonly address: string;
  readonly port: number;
  readonly #dir: string;
  #server: Part | undefined;

  constructor(address: string, port: number, dir: string) {
    this.address = address;
    this.port = port;
    this.#dir = dir;
  }

  async start(): Promise<void> {
    const settings = {
      listen_addresses: this.address,
      port: String(this.port),
      unix_socket_directories: '',
      fsync: 'off',
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = asPostgres([program('postgres'), '-D', join(this.#dir, 'data'), ...flags]);
    const server = startPart(`postgres ${this.address}`, command, join(this.#dir, 'log'));
    this.#server = server;
    const answers = async () => (await query(this.address, this.port, 'select 1')) === '1';
    await waitFor(server, answers, 20_000);
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Returns the newest installed version. Only psql is in the PATH. */
export function program(name: string): string {
  const base = '/usr/lib/postgresql';
  const newest = readdirSync(base)
    .toSorted((a, b) => Number(b) - Number(a))
    .at(0);
  return join(base, newest ?? '', 'bin', name);
}

export async function postgresUser(): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number(await mustRun(['id', flag, 'postgres']))),
  );
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

/** PostgreSQL refuses to run as root. */
export function asPostgres(command: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return command;
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', ...command];
}
