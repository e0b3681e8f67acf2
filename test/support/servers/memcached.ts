import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { endChild } from './end-child.ts';
import { acceptsConnections, freePort } from './ports.ts';

/** A real memcached server. */
export interface Memcached {
  readonly port: number;
  /** Sends one command in its own connection. Returns the beginning of the answer. */
  command(line: string): Promise<string>;
  /** Returns one number of `stats`. */
  stat(name: string): Promise<number>;
  /** Everything that the server has logged. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  /** Ends it and removes its files. */
  remove(): Promise<void>;
}

export interface MemcachedOptions {
  /** Arguments in addition to address, port and user. `DIR` in them is the directory of the files. */
  readonly args?: readonly string[];
  /** Names and contents of files in the server's directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** `DIR` in a value is the directory of the files. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a server and waits until it accepts connections. */
export async function startMemcached(options: MemcachedOptions = {}): Promise<Memcached> {
  const directory = mkdtempSync(join(tmpdir(), 'memcached-'));
  // The server gives up the rights of root before it reads its files.
  chmodSync(directory, 0o755);
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(directory, name), text);
  const server = new RunningMemcached(await freePort(), directory, options);
  await server.restart();
  return server;
}

class RunningMemcached implements Memcached {
  readonly port: number;
  readonly #directory: string;
  readonly #options: MemcachedOptions;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(port: number, directory: string, options: MemcachedOptions) {
    this.port = port;
    this.#directory = directory;
    this.#options = options;
  }

  async restart(): Promise<void> {
    const { args = [], environment = {} } = this.#options;
    const inPlace = (text: string): string => text.replaceAll('DIR', this.#directory);
    const variables = Object.entries(environment).map(([name, value]) => [name, inPlace(value)]);
    const env = { ...process.env, ...(Object.fromEntries(variables) as Record<string, string>) };
    // No UDP; root must name a user.
    const usual = ['-l', '127.0.0.1', '-p', String(this.port), '-U', '0', '-u', 'nobody'];
    const child = spawn('memcached', [...usual, ...args.map(inPlace)], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (this.#log += String(bytes)));
    // A child that a test has not stopped must not keep the test runner alive.
    child.unref();
    this.#child = child;
    await eventually(
      () => acceptsConnections(this.port),
      (is) => is,
      { fact: 'it accepts connections', deadlineMs: 20_000 },
    );
  }

  command(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${line}\r\nquit\r\n`));
      let answer = '';
      socket.on('data', (bytes) => (answer += String(bytes)));
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    });
  }

  async stat(name: string): Promise<number> {
    return Number(new RegExp(`^STAT ${name} (\\d+)\r$`, 'm').exec(await this.command('stats'))?.[1]);
  }

  log(): string {
    return this.#log;
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
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
