import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { CertificateFiles } from './certificate-files.ts';
import { Connections } from './connections.ts';

/** Address to listen on. Without a host: every address of the machine, both families. Port 0: any free port. */
export interface BindAddress {
  readonly host: string | undefined;
  readonly port: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** The client of one request. */
export interface Caller {
  /** The header `Authorization`, as received. */
  readonly authorization: string | undefined;
  readonly address: string;
}

/** Answers GET and HEAD requests of one path. If it rejects, the client gets status 500 and no details. */
export type Route = (caller: Caller) => HttpAnswer | Promise<HttpAnswer>;

export type Routes = Readonly<Record<string, Route>>;

const limits = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};

export interface HttpServerOptions {
  /** Open connections; default 128. */
  readonly maxConnections?: number;
  /** True (default): a connection may be used for several requests. False: each answer ends its connection. */
  readonly keepAlive?: boolean;
  /** Serves https with this certificate and its successors. */
  readonly certificate?: CertificateFiles | undefined;
}

const secureLimits = { handshakeTimeout: 5_000, minVersion: 'TLSv1.2' } as const;
/** A connection on which nothing is sent or received for this long is closed. */
const idleSocketMs = 15_000;

/**
 * A small HTTP server for the kubelet and Prometheus, with known paths and bounds on connections, header size and time. A new
 * connection is never refused because of others. A request with a body is refused, and its body is not read. A refusal ends
 * the connection, so that a client without access needs a connection for each request.
 */
export class HttpServer {
  readonly #routes: Routes;
  readonly #connections: Connections;
  readonly #keepAlive: boolean;
  readonly #certificate: CertificateFiles | undefined;
  #server: Server | SecureServer | undefined;

  constructor(routes: Routes, options: HttpServerOptions = {}) {
    const { maxConnections = 128, keepAlive = true, certificate } = options;
    this.#routes = routes;
    this.#certificate = certificate;
    this.#connections = new Connections(maxConnections);
    this.#keepAlive = keepAlive;
  }

  /** Resolves with the port. Rejects if the address is in use or not available, or the certificate cannot be used. */
  async listen({ host, port }: BindAddress): Promise<number> {
    const server = await this.#create();
    server.on('connection', (socket: Socket) => this.#connections.add(socket));
    server.setTimeout(idleSocketMs);
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(host === undefined ? { port } : { host, port }, () => {
        server.off('error', reject);
        const bound = server.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
      });
    });
  }

  /** Accepts no more connections, and closes those that are still busy after `graceMs`. */
  close(graceMs: number): Promise<void> {
    this.#certificate?.stop();
    const server = this.#server;
    if (server?.listening !== true) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      server.closeIdleConnections();
    });
  }

  async #create(): Promise<Server | SecureServer> {
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      void this.#answer(request, response);
    if (this.#certificate === undefined) return createServer(limits, answer);
    const pair = await this.#certificate.read();
    const server = createSecureServer({ ...limits, ...secureLimits, ...pair }, answer);
    this.#certificate.follow((renewed) => server.setSecureContext({ ...secureLimits, ...renewed }));
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#connections.touch(request.socket);
    const answer = await this.#route(request);
    const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
    const isLast =
      !this.#keepAlive || answer.status >= 400 || hasBody(request) || this.#server?.listening !== true;
    response.writeHead(answer.status, {
      'content-type': answer.contentType ?? 'text/plain; charset=utf-8',
      'content-length': body.length,
      'x-content-type-options': 'nosniff',
      ...answer.headers,
      ...(isLast ? { connection: 'close' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #route(request: IncomingMessage): Promise<HttpAnswer> {
    const path = (request.url ?? '').replace(/\?.*$/, '');
    const route = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined;
    if (route === undefined) return { status: 404, body: 'not found\n' };
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { status: 405, headers: { allow: 'GET, HEAD' }, body: 'only GET and HEAD\n' };
    if (hasBody(request)) return { status: 413, body: 'send no body\n' };
    try {
      return await route({
        authorization: request.headers.authorization,
        address: request.socket.remoteAddress ?? '',
      });
    } catch {
      return { status: 500, body: 'failed\n' };
    }
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
