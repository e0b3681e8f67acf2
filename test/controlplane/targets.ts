import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { addAddress } from './network.ts';

/**
 * Something that listens, or seems to:
 *
 * | behaviour | connect        | then                                            |
 * |-----------|----------------|-------------------------------------------------|
 * | accept    | yes            | writes `greeting`, reads until the peer ends    |
 * | echo      | yes            | writes `greeting`, sends back what it gets      |
 * | reset     | yes            | answers with a reset                            |
 * | mute      | yes            | never says or reads anything                    |
 * | http      | yes            | answers each request with `status` and its name |
 *
 * A target that refuses is one without a listener: `refuse()`, and `listen()` to bring it back. One that hangs, or whose
 * host is gone, is `dropPackets(address, { port })` of network.ts.
 */
export type TargetBehaviour = 'accept' | 'echo' | 'reset' | 'mute' | 'http';

export interface TargetOptions {
  readonly address: string;
  /** Default 0: any free one. */
  readonly port?: number;
  readonly behaviour?: TargetBehaviour;
  /** What it says to each connection, or as the body of each answer; default its address. */
  readonly greeting?: string;
  /** Of http; default 200. */
  readonly status?: number;
}

export interface Target {
  readonly address: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** How many of them the peer reset instead of ending them. */
  readonly resets: () => number;
  /** Those open now. */
  readonly open: () => number;
  /** Changes what `http` answers from now on. */
  answer(status: number): void;
  /** Stops listening; connections that are open stay. From then on the address refuses. */
  refuse(): Promise<void>;
  /** Listens again at the same address and port. */
  listen(): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Starts a target; the address is added to the network where it is missing. */
export async function startTarget(options: TargetOptions): Promise<Target> {
  if (!/^127\.|^::1$/.test(options.address)) await addAddress(options.address);
  const target = new ListeningTarget(options);
  await target.listen();
  return target;
}

class ListeningTarget implements Target {
  readonly address: string;
  port: number;
  readonly #behaviour: TargetBehaviour;
  readonly #greeting: string;
  readonly #sockets = new Set<Socket>();
  readonly #counts = { accepted: 0, resets: 0 };
  #status: number;
  #server: Server | undefined;

  constructor({ address, port = 0, behaviour = 'accept', greeting = address, status = 200 }: TargetOptions) {
    this.address = address;
    this.port = port;
    this.#behaviour = behaviour;
    this.#greeting = greeting;
    this.#status = status;
  }

  readonly accepted = () => this.#counts.accepted;
  readonly resets = () => this.#counts.resets;
  readonly open = () => this.#sockets.size;

  answer(status: number): void {
    this.#status = status;
  }

  async listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server =
      this.#behaviour === 'http' ? this.#httpServer() : createServer((socket) => this.#serve(socket));
    server.on('connection', (socket: Socket) => this.#count(socket));
    server.listen({ host: this.address, port: this.port, backlog: 4096 });
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    // A target that a failed test forgot must not keep the test runner alive.
    server.unref();
    this.#server = server;
  }

  async refuse(): Promise<void> {
    // `close` waits for open connections; no longer listening is what is asked for, and true at once.
    this.#server?.close();
    this.#server = undefined;
    return Promise.resolve();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server?.listening === true ? once(server, 'close') : undefined;
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #count(socket: Socket): void {
    this.#counts.accepted++;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') this.#counts.resets++;
    });
  }

  #serve(socket: Socket): void {
    if (this.#behaviour === 'reset') socket.resetAndDestroy();
    else if (this.#behaviour === 'mute') socket.pause();
    else if (this.#behaviour === 'echo') {
      socket.write(`${this.#greeting}\n`);
      socket.pipe(socket);
    } else socket.resume().write(`${this.#greeting}\n`);
  }

  #httpServer(): Server {
    return createHttpServer((_, response) => {
      response
        .writeHead(this.#status, { connection: 'close', 'content-type': 'text/plain' })
        .end(`${this.#greeting}\n`);
    });
  }
}
