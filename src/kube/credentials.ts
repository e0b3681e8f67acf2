import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { RequestContext } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { OperatorError } from '../core/errors.ts';
import type { Clock } from '../engine/ports.ts';
import { Sockets } from './sockets.ts';

/** Where requests go, and what each of them carries. */
export interface Connection {
  readonly dispatcher: Dispatcher;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Of servers behind a path (a proxy such as Rancher's); without a slash at its end, mostly empty. */
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Options = RequestOptions & { auth?: string | null };

/** The kubelet renews a projected token long before its end; client-go reads the file once a minute too. */
const refreshMs = 60_000;
const retryMs = 5_000;

/**
 * The credentials of the current context, kept for a minute. A server of plain `http:` is accepted only with
 * `insecure-skip-tls-verify`, as client-node has it: nobody sends a token in clear text by a typing error.
 * One dispatcher lives as long as the TLS material (CA, certificate, key) is the same; when it changes, the old one
 * is closed once its requests are done.
 */
export class Credentials {
  readonly #load: () => KubeConfig;
  readonly #clock: Clock;
  /** Sockets of all dispatchers, the retired ones included. */
  readonly #sockets = new Sockets();
  #config: KubeConfig | undefined;
  #connection: Connection | undefined;
  #material = '';
  #dueAt = 0;
  #refreshing: Promise<Connection> | undefined;

  /** @param load reads the kubeconfig or the pod's service account; called again after a 401 */
  constructor(load: () => KubeConfig, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /** The connection at hand, without waiting; undefined when it must be renewed first. */
  peek(): Connection | undefined {
    return this.#clock.now() < this.#dueAt ? this.#connection : undefined;
  }

  async get(): Promise<Connection> {
    const now = this.peek();
    if (now !== undefined) return now;
    this.#refreshing ??= this.#refreshOrKeep().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** After a 401: read everything anew, plugins and files included. */
  invalidate(used: Connection): void {
    if (this.#connection !== used) return;
    this.#config = undefined;
    this.#dueAt = 0;
  }

  /** After an answer that never came: a path that swallows one connection swallowed all that wait for use. */
  reconnect(used: Connection): void {
    if (this.#connection !== used) return;
    this.#material = '';
    this.#dueAt = 0;
  }

  /** Resets all connections, also those of requests under way. A dispatcher behind a proxy is only replaced. */
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

  /** A file that is being replaced or a plugin that fails once is no reason to drop credentials that still work. */
  async #refreshOrKeep(): Promise<Connection> {
    const rejected = this.#config === undefined;
    try {
      return await this.#refresh();
    } catch (error) {
      if (this.#connection === undefined || rejected) throw error;
      this.#dueAt = this.#clock.now() + retryMs;
      return this.#connection;
    }
  }

  async #refresh(): Promise<Connection> {
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
    throw new OperatorError('the kubeconfig names no current cluster', {
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
 * HTTP/1.1 on purpose: the API server would choose HTTP/2, where one dead connection takes every watch, write and
 * lease renewal with it, and which is no faster (measured). client-node's own dispatcher offers HTTP/2 and forgets
 * an idle connection after 4 s; it is used only where it knows more than we do, behind a proxy.
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

/** Lets requests under way end; each of them has a deadline or a watchdog. */
function retire(dispatcher: Dispatcher): void {
  dispatcher.close().catch(() => undefined);
}
