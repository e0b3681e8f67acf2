import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { RequestContext } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { OperatorError } from '../../core/errors.ts';
import type { Clock } from '../../util/clock.ts';
import { Sockets } from './sockets.ts';

/** Destination of requests, and the headers of each. */
export interface ApiConnection {
  readonly dispatcher: Dispatcher;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path of a server behind a proxy such as that of Rancher, without a slash at its end. Mostly empty. */
  readonly basePath: string;
  /** A list is sent as one header for each value. */
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** Source of connections. */
export type ApiConnections = Pick<
  ApiCredentials,
  'peek' | 'get' | 'invalidate' | 'reconnect' | 'reset' | 'close'
>;

type Options = RequestOptions & { auth?: string | null };

/**
 * Period of reading the credentials again, as in client-go. The kubelet renews a projected token long before
 * its end.
 */
const refreshMs = 60_000;
const retryMs = 5_000;

/**
 * Credentials of the current context, kept for a minute.
 *
 * A server of plain `http:` is accepted only with `insecure-skip-tls-verify`, as in client-node, so that a
 * typing error sends no token in clear text. A dispatcher is used while the TLS material (CA, certificate,
 * key) is the same. When it changes, the old dispatcher is closed after its requests.
 */
export class ApiCredentials {
  readonly #load: () => KubeConfig;
  readonly #clock: Clock;
  /** Sockets of all dispatchers, including the old ones. */
  readonly #sockets = new Sockets();
  #config: KubeConfig | undefined;
  #connection: ApiConnection | undefined;
  #material = '';
  #dueAt = 0;
  #refreshing: Promise<ApiConnection> | undefined;

  /** @param load reads the kubeconfig or the pod's service account; called again after a 401 */
  constructor(load: () => KubeConfig, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /** Returns the connection without waiting; undefined if it must be renewed first. */
  peek(): ApiConnection | undefined {
    return this.#clock.now() < this.#dueAt ? this.#connection : undefined;
  }

  /** Returns the connection, renewed if necessary. */
  async get(): Promise<ApiConnection> {
    const now = this.peek();
    if (now !== undefined) return now;
    this.#refreshing ??= this.#refreshOrKeep().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Called after a 401: the next `get` reads all credentials again, including plugins and files. */
  invalidate(used: ApiConnection): void {
    if (this.#connection !== used) return;
    this.#config = undefined;
    this.#dueAt = 0;
  }

  /**
   * Called after a request without an answer: the next `get` opens new connections, because a network that
   * drops one connection has dropped all idle ones too.
   */
  reconnect(used: ApiConnection): void {
    if (this.#connection !== used) return;
    this.#material = '';
    this.#dueAt = 0;
  }

  /**
   * Resets all connections, including those of requests in flight. A dispatcher behind a proxy is only
   * replaced.
   */
  reset(): void {
    this.#material = '';
    this.#dueAt = 0;
    this.#sockets.reset();
  }

  async close(): Promise<void> {
    await this.#connection?.dispatcher.destroy();
    this.#connection = undefined;
    this.#dueAt = 0;
  }

  /**
   * Renews the connection. If that fails, the present one remains in use, unless the API server has refused
   * it: a file may be being replaced, or a plugin may fail once.
   */
  async #refreshOrKeep(): Promise<ApiConnection> {
    const rejected = this.#config === undefined;
    try {
      return await this.#refresh();
    } catch (error) {
      if (this.#connection === undefined || rejected) throw error;
      this.#dueAt = this.#clock.now() + retryMs;
      return this.#connection;
    }
  }

  async #refresh(): Promise<ApiConnection> {
    this.#config ??= this.#load();
    const options: Options = {};
    await this.#config.applyToHTTPSOptions(options);
    const server = serverOf(this.#config);
    const material = fingerprint(options, server.origin);
    const old = this.#connection;
    const kept = material === this.#material ? old?.dispatcher : undefined;
    const dispatcher = kept ?? (await newDispatcher(this.#config, options, this.#sockets));
    const connection = { ...server, dispatcher, headers: headersOf(options) };
    this.#connection = connection;
    this.#material = material;
    this.#dueAt = this.#clock.now() + refreshMs;
    if (old !== undefined && old.dispatcher !== dispatcher) retire(old.dispatcher);
    return connection;
  }
}

function serverOf(config: KubeConfig): { origin: string; basePath: string } {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new OperatorError('the kubeconfig has no current cluster', {
      kind: 'terminal',
      reason: 'NoCluster',
    });
  }
  const url = new URL(server);
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') };
}

function headersOf(options: Options): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim();
  if (options.auth) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}

function tlsOf(options: Options): Record<string, unknown> {
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
  const all = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function fingerprint(options: Options, origin: string): string {
  const hash = createHash('sha256').update(origin);
  for (const [name, value] of Object.entries(tlsOf(options))) {
    hash.update(`\0${name}\0`).update(Buffer.isBuffer(value) ? value : String(value));
  }
  return hash.digest('base64');
}

/**
 * Returns a dispatcher that speaks HTTP/1.1. The API server would choose HTTP/2, where one dead connection
 * interrupts every watch, write and Lease renewal, and which is no faster (measured). The dispatcher of
 * client-node offers HTTP/2 and closes idle connections after 4 s. It is used only for a proxy, which only
 * client-node supports.
 */
async function newDispatcher(config: KubeConfig, options: Options, sockets: Sockets): Promise<Dispatcher> {
  const cluster = config.getCurrentCluster();
  if (cluster?.proxyUrl !== undefined && cluster.proxyUrl !== '') {
    const context = new RequestContext(cluster.server, 'GET');
    await config.applySecurityAuthentication(context);
    const dispatcher = context.getDispatcher();
    if (dispatcher !== undefined) return dispatcher;
  }
  return sockets.agent(tlsOf(options));
}

/** Closes the dispatcher after its requests in flight. Each of these has a deadline or a watchdog. */
function retire(dispatcher: Dispatcher): void {
  dispatcher.close().catch(() => undefined);
}
