import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { endChild } from './end-child.ts';
import { freePort } from './ports.ts';
import { bring } from './unstable.ts';

/** A server with the protocol of Redis, and its command. */
export interface Kin {
  readonly name: string;
  /** Why it is not available here; then its tests are skipped. */
  readonly missing?: string;
  readonly command: readonly string[];
  /** The name with which the program is called, if it differs. */
  readonly calledBy?: string;
}

/**
 * The package redis-tools of Debian contains the server under another name: redis-check-rdb is redis-server, and acts by
 * the name with which it is called. The package redis-server would also start a daemon.
 */
export const redis: Kin = { name: 'Redis', command: ['/usr/bin/redis-check-rdb'], calledBy: 'redis-server' };

/** Of Debian unstable. */
export async function bringValkey(): Promise<Kin> {
  const supply = await bring('valkey-server');
  return 'missing' in supply
    ? { name: `Valkey, skipped: ${supply.missing}`, command: [], missing: supply.missing }
    : { name: 'Valkey', command: supply.command('valkey-server') };
}

/** A real Redis server with its own data directory. */
export interface Redis {
  readonly address: string;
  readonly port: number;
  readonly directory: string;
  /** Runs one command through redis-cli in its own connection. Returns its output, including errors. */
  command(...words: readonly string[]): Promise<string>;
  /** Returns one field of INFO. */
  info(field: string): Promise<string>;
  /** Text of the log of the server. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGKILL. Keeps the data. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port, with more settings. Does not wait until it answers. */
  restart(settings?: Readonly<Record<string, string>>): void;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

export interface RedisOptions {
  /** Default: Redis itself. */
  readonly kin?: Kin;
  /** Default 127.0.0.1. */
  readonly address?: string;
  /** Default: a free one of 127.0.0.1. */
  readonly port?: number;
  /** Lines of redis.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly password?: string;
  /** Names and contents of files in the server's directory. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts a server and waits until it answers, also with an error. */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const directory = mkdtempSync(join(tmpdir(), 'redis-'));
  const server = new RunningRedis(options.port ?? (await freePort()), directory, options);
  server.restart();
  // Also an error is an answer.
  await eventually(
    () => server.command('PING'),
    (answer) => answer !== '' && !/refused/i.test(answer),
    { fact: 'it answers', deadlineMs: 20_000 },
  );
  return server;
}

class RunningRedis implements Redis {
  readonly address: string;
  readonly port: number;
  readonly directory: string;
  readonly #options: RedisOptions;
  #child: ChildProcess | undefined;

  constructor(port: number, directory: string, options: RedisOptions) {
    this.address = options.address ?? '127.0.0.1';
    this.port = port;
    this.directory = directory;
    this.#options = options;
  }

  restart(more: Readonly<Record<string, string>> = {}): void {
    const { settings, password, files = {} } = this.#options;
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.directory, name), text);
    const lines = Object.entries({
      port: String(this.port),
      bind: this.address,
      dir: this.directory,
      save: '""',
      'repl-diskless-sync-delay': '0',
      ...(password !== undefined && { requirepass: password, masterauth: password }),
      ...settings,
      ...more,
    });
    const file = join(this.directory, 'redis.conf');
    writeFileSync(file, lines.map(([name, value]) => `${name} ${value}\n`).join(''));
    const log = openSync(join(this.directory, 'log'), 'a');
    const { command, calledBy } = this.#options.kin ?? redis;
    const [program = '', ...args] = command;
    const argv0 = calledBy === undefined ? {} : { argv0: calledBy };
    const child = spawn(program, [...args, file], { ...argv0, stdio: ['ignore', log, log] });
    closeSync(log);
    // A child that a test has not stopped must not keep the test runner alive.
    child.unref();
    this.#child = child;
  }

  command(...words: readonly string[]): Promise<string> {
    const { password } = this.#options;
    const login = password === undefined ? [] : ['--no-auth-warning', '-a', password];
    const args = ['-h', this.address, '-p', String(this.port), ...login, ...words];
    return new Promise((resolve) => {
      execFile('redis-cli', args, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`.trim()));
    });
  }

  async info(field: string): Promise<string> {
    const text = await this.command('INFO', 'everything');
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  }

  log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await endChild(child);
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
