import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { ApiError, connect, open } from './api.ts';
import type { Connection, ListOptions } from './api.ts';
import type { PlaneDetails } from './details.ts';
import { pathOf, resources } from './kinds.ts';
import type { Kind, Kinds } from './kinds.ts';

export interface Entry<T> {
  /** LISTED: it was there when the recording began. */
  readonly type: 'LISTED' | 'ADDED' | 'MODIFIED' | 'DELETED';
  /** performance.now() when it arrived here. */
  readonly atMs: number;
  readonly object: T;
}

export interface Recorder<T> {
  /** Everything that happened, in order. */
  readonly history: readonly Entry<T>[];
  /** What happened to the objects of this name. */
  of(name: string): readonly Entry<T>[];
  /** What there is now, by name (`namespace/name` when all namespaces are recorded). */
  readonly objects: ReadonlyMap<string, T>;
  /**
   * Resolves with the first true answer, looked for at once and after each event, so without polling.
   * Fails after `deadlineMs` (default 10 s) with `what` and the last objects.
   */
  until<R>(
    predicate: (objects: ReadonlyMap<string, T>, history: readonly Entry<T>[]) => R,
    deadlineMs?: number,
    what?: string,
  ): Promise<NonNullable<R>>;
  stop(): void;
}

export interface RecordOptions extends ListOptions {
  /** Default: all namespaces. */
  readonly namespace?: string;
}

/** Lists and watches a collection and keeps every event. Goes on where it was after an outage of the API server. */
export async function record<K extends Kind>(
  plane: PlaneDetails,
  kind: K,
  options: RecordOptions = {},
): Promise<Recorder<Kinds[K]>> {
  const { namespace, ...selectors } = options;
  const recorder = new WatchRecorder<Kinds[K]>(
    connect(plane, 'admin'),
    kind,
    pathOf(kind, namespace),
    selectors,
    namespace === undefined,
  );
  await recorder.start();
  return recorder;
}

interface Waiting {
  readonly check: () => void;
}

type ListAnswer<T> = {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
};
type Line<T> = { readonly type: Entry<T>['type'] | 'ERROR' | 'BOOKMARK'; readonly object: T };

class WatchRecorder<T extends Kinds[Kind]> implements Recorder<T> {
  readonly history: Entry<T>[] = [];
  readonly objects = new Map<string, T>();
  readonly #connection: Connection;
  readonly #kind: Kind;
  readonly #path: string;
  readonly #selectors: ListOptions;
  readonly #qualified: boolean;
  readonly #waiting = new Set<Waiting>();
  readonly #stopped = new AbortController();
  #resourceVersion = '';

  constructor(connection: Connection, kind: Kind, path: string, selectors: ListOptions, qualified: boolean) {
    this.#connection = connection;
    this.#kind = kind;
    this.#path = path;
    this.#selectors = selectors;
    this.#qualified = qualified;
  }

  async start(): Promise<void> {
    await this.#list();
    void this.#follow();
  }

  of(name: string): readonly Entry<T>[] {
    return this.history.filter(({ object }) => object.metadata.name === name);
  }

  until<R>(
    predicate: (objects: ReadonlyMap<string, T>, history: readonly Entry<T>[]) => R,
    deadlineMs = 10_000,
    what = predicate.toString(),
  ): Promise<NonNullable<R>> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { check: () => settle(() => predicate(this.objects, this.history)) };
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        const now = JSON.stringify([...this.objects.values()].map(brief), undefined, 1);
        reject(new Error(`not within ${deadlineMs} ms: ${what}\n${this.#path} is now ${now}`));
      }, deadlineMs);
      const settle = (ask: () => R) => {
        try {
          const answer = ask();
          if (answer === false || answer === undefined || answer === null) return;
          resolve(answer);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      this.#waiting.add(waiting);
      waiting.check();
    });
  }

  stop(): void {
    this.#stopped.abort();
    this.#connection.agent.destroy();
  }

  async #list(): Promise<void> {
    const query = new URLSearchParams({ ...this.#selectors });
    const answer = (await readJson(this.#connection, `${this.#path}?${query.toString()}`)) as ListAnswer<T>;
    const present = new Map(answer.items.map((object) => [this.#key(object), object]));
    for (const [key, object] of this.objects) if (!present.has(key)) this.#add('DELETED', object);
    for (const [key, object] of present) {
      const known = this.objects.get(key);
      if (known?.metadata.resourceVersion === object.metadata.resourceVersion) continue;
      const type = this.#resourceVersion === '' ? 'LISTED' : known === undefined ? 'ADDED' : 'MODIFIED';
      this.#add(type, object);
    }
    this.#resourceVersion = answer.metadata.resourceVersion;
  }

  /** Watches until stopped; a watch that ends is taken up again, from a new list when its place is forgotten. */
  async #follow(): Promise<void> {
    const { signal } = this.#stopped;
    for (;;) {
      try {
        await this.#watch();
      } catch (error) {
        if (signal.aborted) return;
        await sleep(50);
        if (error instanceof ApiError && error.status === 410) await this.#list().catch(() => undefined);
      }
    }
  }

  async #watch(): Promise<void> {
    const query = new URLSearchParams({
      ...this.#selectors,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#resourceVersion,
    });
    const stream = await open(this.#connection, 'GET', `${this.#path}?${query.toString()}`, {
      signal: this.#stopped.signal,
    });
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
      const { type, object } = JSON.parse(text) as Line<T>;
      if (type === 'ERROR') throw new ApiError(410, 'Expired', text);
      this.#resourceVersion = object.metadata.resourceVersion;
      if (type !== 'BOOKMARK') this.#add(type, object);
    }
  }

  #add(type: Entry<T>['type'], bare: T): void {
    const object: T = { ...bare, apiVersion: resources[this.#kind][0], kind: this.#kind };
    this.history.push({ type, atMs: performance.now(), object });
    if (type === 'DELETED') this.objects.delete(this.#key(object));
    else this.objects.set(this.#key(object), object);
    for (const waiting of this.#waiting) waiting.check();
  }

  #key({ metadata }: T): string {
    return this.#qualified && metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
  }
}

async function readJson(connection: Connection, path: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of await open(connection, 'GET', path)) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

const brief = ({ metadata, ...rest }: Kinds[Kind]) => ({
  ...rest,
  metadata: { ...metadata, managedFields: undefined },
});
