import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Stands between a client and the API server, and spoils their connections on request. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly client: Socket; readonly upstream: Socket }>();
  #silent = false;
  #maxBytes = Infinity;
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(target: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer({ allowHalfOpen: false });
    const proxy = new TcpProxy(server);
    server.on('connection', (client) => proxy.#join(client, connect(Number(port), hostname)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Resets every connection. */
  reset(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** From now on the present connections pass nothing on, and nobody is told; new ones work. */
  silence(): void {
    for (const { client, upstream } of this.#pairs) {
      client.unpipe();
      upstream.unpipe();
    }
  }

  /** New connections are accepted and reset. */
  refuse(refusing: boolean): void {
    this.#silent = refusing;
    if (refusing) this.reset();
  }

  /** New connections are reset once so many bytes have come from the server. */
  cutAfter(bytes: number): void {
    this.#maxBytes = bytes;
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, upstream: Socket): void {
    this.accepted += 1;
    if (this.#silent) {
      client.resetAndDestroy();
      upstream.destroy();
      return;
    }
    const pair = { client, upstream };
    this.#pairs.add(pair);
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.pipe(client);
    const maxBytes = this.#maxBytes;
    upstream.on('data', () => {
      if (upstream.bytesRead > maxBytes) client.resetAndDestroy();
    });
  }
}
