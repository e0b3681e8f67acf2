import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import type { PlaneDetails } from '../../controlplane/details.ts';
import { pipeLate, sendFault } from './api-faults.ts';
import type { ApiFaults, ApiRequest, FaultAnswer } from './api-faults.ts';

/** A proxy between the operator and the API server that lets a test act in the middle of a write. */
export interface ApiProxy {
  /** A kubeconfig that leads through it, as the operator's user. */
  readonly kubeconfig: string;
  /** Writes seen so far, except Events and Leases: `POST endpointslices`. */
  readonly writes: readonly string[];
  /**
   * Calls `act` at the n-th write from now on (1 is the next). The client receives nothing any more.
   * `before`: the API server does not receive that write; `after`: it has done it.
   */
  cutAt(n: number, when: 'before' | 'after', act: () => Promise<void>): void;
  /** Holds writes of this name (`PATCH externalbackends/status`) from now on, until they are released. */
  hold(name: string): { readonly held: () => number; readonly release: () => void };
  /**
   * Delays requests by `delayMs` from now on, except reads and watches, if their path matches. A later call replaces an
   * earlier one. Returns a function that returns the number of requests that are delayed now.
   */
  slow(delayMs: number, matches: (path: string) => boolean): () => number;
  /** Sets the faults from now on, in place of earlier ones. */
  setFaults(faults: ApiFaults): void;
  /** Calls `act` at the n-th write from now on, and holds nothing back. */
  actAt(n: number, act: () => void): void;
  /** Blocks everything, including watches, until `restore`. */
  lose(): void;
  restore(): void;
  close(): Promise<void>;
}

interface Cut {
  readonly at: number;
  readonly when: 'before' | 'after';
  readonly act: () => Promise<void>;
}

interface Slowness {
  readonly delayMs: number;
  readonly matches: (path: string) => boolean;
  delayed: number;
}

export interface ApiProxyOptions {
  /** False: like an API server without streaming lists, so that each watch begins with a list. Default: true. */
  readonly watchOfAll?: boolean;
}

export async function startProxy(
  plane: PlaneDetails,
  { watchOfAll = true }: ApiProxyOptions = {},
): Promise<ApiProxy> {
  const agent = new Agent({ ca: readFileSync(plane.caFile), keepAlive: true });
  const writes: string[] = [];
  let cut: Cut | undefined;
  const passing = new Map<number, () => void>();
  let dead = false;
  const holds = new Map<string, { held: number; readonly over: Promise<undefined> }>();
  let slowness: Slowness = { delayMs: 0, matches: () => false, delayed: 0 };
  let faults: ApiFaults = {};

  const forward = (incoming: IncomingMessage, body: Buffer) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { ...incoming.headers, host: new URL(plane.server).host };
      request(`${plane.server}${incoming.url ?? ''}`, { method: incoming.method, agent, headers }, resolve)
        .on('error', reject)
        .end(body);
    });

  async function holdBack(incoming: IncomingMessage): Promise<void> {
    const hold = holds.get(nameOf(incoming));
    if (hold === undefined) return;
    hold.held += 1;
    await hold.over;
  }

  async function slowDown({ method, url = '' }: IncomingMessage): Promise<void> {
    const now = slowness;
    if (method === 'GET' || !now.matches(url)) return;
    now.delayed += 1;
    await sleep(now.delayMs);
    now.delayed -= 1;
  }

  function count(incoming: IncomingMessage): void {
    writes.push(nameOf(incoming));
    passing.get(writes.length)?.();
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const now = isWrite(incoming) ? cut : undefined;
    if (isWrite(incoming) && !dead) count(incoming);
    const hit = now !== undefined && !dead && writes.length === now.at;
    if (hit) dead = true;
    else if (dead) return void outgoing.destroy();
    await holdBack(incoming);
    await slowDown(incoming);
    if (!hit) return reply(incoming, body, outgoing);
    if (now.when === 'after') await buffer(await forward(incoming, body));
    return now.act().finally(() => outgoing.destroy());
  }

  async function reply(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<void> {
    const asked = requestOf(incoming);
    const fault = await meet(asked);
    if (fault === undefined) {
      pass(asked, await forward(incoming, body), outgoing);
      return;
    }
    if (fault.isDone === true) await buffer(await forward(incoming, body));
    sendFault(outgoing, fault);
  }

  /** Delays a request, and returns the answer of the proxy to it, if there is one. */
  async function meet(request: ApiRequest): Promise<FaultAnswer | undefined> {
    const { answer, slowMs } = faults;
    const fault = answer?.(request);
    if (!request.isWatch && slowMs !== undefined) await sleep(slowMs);
    return fault;
  }

  function pass({ isWatch }: ApiRequest, answer: IncomingMessage, outgoing: ServerResponse): void {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    outgoing.on('close', () => answer.destroy());
    if (isWatch) pipeLate(answer, outgoing, () => faults.lateMs ?? 0);
    else answer.pipe(outgoing);
  }

  const server = createServer((incoming, outgoing) => {
    if (!watchOfAll && incoming.url?.includes('sendInitialEvents') === true) refuse(outgoing);
    else serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    kubeconfig: writeKubeconfig(plane, port),
    writes,
    cutAt: (n, when, act) => (cut = { at: writes.length + n, when, act }),
    hold: (name) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const hold = { held: 0, over: promise };
      holds.set(name, hold);
      const release = () => {
        holds.delete(name);
        resolve(undefined);
      };
      return { held: () => hold.held, release };
    },
    slow: (delayMs, matches) => {
      const begun = { delayMs, matches, delayed: 0 };
      slowness = begun;
      return () => begun.delayed;
    },
    setFaults: (next) => void (faults = next),
    actAt: (n, act) => void passing.set(writes.length + n, act),
    lose: () => {
      dead = true;
      server.closeAllConnections();
    },
    restore: () => (dead = false),
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function refuse(outgoing: ServerResponse): void {
  outgoing.writeHead(422, { 'content-type': 'application/json' });
  outgoing.end(JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'Invalid', code: 422 }));
}

const isWrite = ({ method, url }: IncomingMessage): boolean =>
  method !== 'GET' && !/\/(events|leases)(\/|\?|$)/.test(url ?? '');

const requestOf = ({ method = '', url = '' }: IncomingMessage): ApiRequest => {
  const { pathname, searchParams } = new URL(url, 'http://x');
  return { method, path: pathname, isWatch: searchParams.has('watch') };
};

/** The resource and its subresource, out of /apis/G/V/namespaces/N/RESOURCE/NAME/SUBRESOURCE. */
function nameOf({ method, url }: IncomingMessage): string {
  const path = new URL(url ?? '', 'http://x').pathname.replace(/^.*\/namespaces\/[^/]+\//, '');
  const [resource = '', , subresource] = path.split('/');
  return [method, [resource, subresource].filter((part) => part !== undefined).join('/')].join(' ');
}

function writeKubeconfig(plane: PlaneDetails, port: number): string {
  const name = 'proxied';
  // The client library takes plain HTTP only where nothing is to be verified.
  const file = join(plane.dir, `proxied-${port}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token: plane.tokens.operator } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
