import type { KubeObject } from '../core/objects.ts';
import { OperatorError } from '../core/errors.ts';
import type { Clock, Logger, Random } from '../engine/ports.ts';
import type { Ask, KubeClient } from './client.ts';
import { needsList, networkError, statusError } from './errors.ts';
import { LineSplitter } from './lines.ts';
import { pathOf } from './resources.ts';
import type { Resource } from './resources.ts';
import { sleep } from './sleep.ts';
import { Store, compareVersions } from './store.ts';
import type { Change } from './store.ts';

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly resource: Resource;
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Keeps of an object what is needed of it. */
  readonly project: (raw: unknown) => T;
  /** Called for each change after the store has it. What it throws is logged, and the rest goes on. */
  readonly onChange?: (change: Change<T>) => void;
  /** A watch began anew; `reason` is `Ended` after a full term, else that of the failure. */
  readonly onRestart?: (resource: string, reason: string) => void;
  /** Default 500. */
  readonly pageSize?: number;
  /** Bookmarks mostly come once a minute: a watch silent for longer than this is opened anew. Default 100 s. */
  readonly silenceMs?: number;
  /** Longest wait between attempts. Default 10 s. */
  readonly maxBackoffMs?: number;
}

interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly resourceVersion?: string }; readonly code?: number };
}

interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly unknown[] | null;
}

const minBackoffMs = 200;
/** A watch that lived this long was a good one: the next failure is a first one again. */
const goodWatchMs = 5_000;
const listDeadlineMs = 60_000;
const openDeadlineMs = 15_000;
/** Short: the path may be dead, and a passed deadline makes the client leave its old connections. */
const compareDeadlineMs = 5_000;

/**
 * Keeps a store in step with one collection of the API server: a list, then watches that go on where the last one
 * ended. It never gives up and never empties the store because of a failure.
 *
 * | what happens                                  | what follows                                              |
 * |-----------------------------------------------|-----------------------------------------------------------|
 * | the watch's term ends                         | the next watch, at once, from the last version             |
 * | reset, broken line, 5xx or 429 in the stream   | backoff, the next watch from the last version              |
 * | 410, too large a version, time runs backwards | a new list, compared with the store                        |
 * | the watch cannot be opened (but 429)          | backoff, a new list: who knows what the server went through |
 * | no byte for `silenceMs`                       | cut; a look at the server's version, then the next watch    |
 * | the list fails                                | backoff, the list again                                    |
 */
export class Reflector<T extends KubeObject> {
  readonly store = new Store<T>();
  readonly #options: ReflectorOptions<T>;
  readonly #stop = new AbortController();
  readonly #synced = Promise.withResolvers<undefined>();
  #mustList = true;
  #mustCompare = false;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** Resolves when the first whole list is in the store. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing runs any more; no change comes after the call. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Takes the answer to a write of our own. */
  put(raw: unknown): void {
    this.#emit(this.store.put(this.#options.project(raw)));
  }

  /** Takes what a read of one object answered that the selector leaves out. */
  putHidden(raw: unknown): void {
    this.#emit(this.store.putHidden(this.#options.project(raw)));
  }

  /** We deleted this object. */
  remove(key: string, uid: string): void {
    this.#emit(this.store.remove(key, uid));
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const startedAt = this.#options.clock.now();
      const error = await this.#cycle();
      if (this.#stopped()) return;
      const lived = this.#options.clock.now() - startedAt >= goodWatchMs;
      failures = error === undefined && lived ? 0 : lived ? 1 : failures + 1;
      this.#report(error, failures);
      if (failures > 0) await sleep(this.#options.clock, this.#backoffMs(error, failures), this.#stop.signal);
    }
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** One list where needed and one watch; how it ended. */
  async #cycle(): Promise<unknown> {
    try {
      if (this.#mustCompare && !this.#mustList) await this.#compare();
      if (this.#mustList) await this.#list();
      await this.#watch();
      return undefined;
    } catch (error) {
      this.#mustList ||= needsList(error);
      return error;
    }
  }

  #backoffMs(error: unknown, failures: number): number {
    const { random, maxBackoffMs = 10_000 } = this.#options;
    const backoff = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures - 1, 20)) * (0.5 + random());
    const asked = error instanceof OperatorError && error.status !== 403 ? (error.afterMs ?? 0) : 0;
    return Math.max(asked, backoff);
  }

  #report(error: unknown, failures: number): void {
    const { resource, logger, onRestart } = this.#options;
    const reason = error === undefined ? 'Ended' : error instanceof OperatorError ? error.reason : 'Fault';
    onRestart?.(resource.plural, reason);
    // The first of a run of failures is the normal life of a connection.
    if (error !== undefined && failures > 1) {
      logger.warn('The watch failed; trying again', { resource: resource.plural, reason, failures, error });
    }
  }

  #ask(verb: Ask['verb'], query: Ask['query']): Ask {
    const { resource, namespace, labelSelector } = this.#options;
    return {
      verb,
      resource: resource.plural,
      path: pathOf(resource, namespace),
      query: { labelSelector, ...query },
      attempts: 1,
      deadlineMs: listDeadlineMs,
      signal: this.#stop.signal,
    };
  }

  /** A consistent list: without a resourceVersion the server answers with no less than all that was written before. */
  async #list(): Promise<void> {
    const { client, project, pageSize = 500 } = this.#options;
    const objects: T[] = [];
    let version = '';
    let from: string | undefined;
    do {
      const page = (await client.request(this.#ask('list', { limit: pageSize, continue: from }))) as List;
      for (const item of page.items ?? []) objects.push(project(item));
      version = page.metadata.resourceVersion;
      from = page.metadata.continue;
    } while (from !== undefined && from !== '');
    if (this.#stopped()) return;
    this.#mustList = false;
    this.#mustCompare = false;
    this.#emit(this.store.replace(objects, version));
    this.#synced.resolve(undefined);
  }

  /**
   * After a silent watch: does the server still know what we know? One that lost history would stay silent for ever.
   * Silence alone proves nothing: after its start the API server sends no bookmarks of a kind that nobody changes.
   */
  async #compare(): Promise<void> {
    const page = (await this.#options.client.request({
      ...this.#ask('list', { limit: 1 }),
      deadlineMs: compareDeadlineMs,
    })) as List;
    if (compareVersions(page.metadata.resourceVersion, this.store.position) < 0) this.#mustList = true;
    this.#mustCompare = false;
  }

  async #watch(): Promise<void> {
    const cut = new AbortController();
    const stopped = () => cut.abort();
    this.#stop.signal.addEventListener('abort', stopped, { once: true });
    const silence = new Silence(this.#options.clock, this.#options.silenceMs ?? 100_000, () => {
      this.#mustCompare = true;
      cut.abort();
    });
    try {
      const body = await this.#open(cut.signal);
      silence.heard();
      await this.#read(body, silence);
    } catch (error) {
      if (silence.broken) throw silenceError(this.#options.resource);
      if (error instanceof OperatorError) throw error;
      throw networkError({ verb: 'watch', resource: this.#options.resource.plural }, error);
    } finally {
      silence.end();
      this.#stop.signal.removeEventListener('abort', stopped);
      cut.abort();
    }
  }

  async #open(signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const timeoutSeconds = 300 + Math.floor(this.#options.random() * 300);
    const resourceVersion = this.store.position;
    const query = { watch: true, allowWatchBookmarks: true, timeoutSeconds, resourceVersion };
    try {
      return await this.#options.client.stream({
        ...this.#ask('watch', query),
        deadlineMs: openDeadlineMs,
        signal,
      });
    } catch (error) {
      this.#mustList ||= !(error instanceof OperatorError && error.status === 429);
      throw error;
    }
  }

  async #read(body: AsyncIterable<Buffer>, silence: Silence): Promise<void> {
    const lines = new LineSplitter();
    for await (const piece of body) {
      silence.heard();
      for (const line of lines.push(piece)) this.#take(JSON.parse(line) as WatchEvent);
      if (this.#stopped()) return;
    }
    if (lines.midLine) throw lostError(this.#options.resource, 'the watch ended within a line', 'BrokenLine');
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'ERROR') throw this.#inStream(object);
    const version = object.metadata?.resourceVersion;
    if (compareVersions(version, this.store.position) < 0) {
      this.#mustList = true;
      throw lostError(this.#options.resource, 'the watch went back in time', 'HistoryLost');
    }
    if (type === 'BOOKMARK') this.store.advance(version);
    else if (type === 'DELETED') this.#emit(this.store.watchedGone(this.#options.project(object)));
    else this.#emit(this.store.watched(this.#options.project(object)));
  }

  #inStream(status: WatchEvent['object']): OperatorError {
    const asked = { verb: 'watch', resource: this.#options.resource.plural };
    return statusError(asked, status.code ?? 500, JSON.stringify(status));
  }

  #emit(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      try {
        this.#options.onChange?.(change);
      } catch (error) {
        const { logger, resource } = this.#options;
        logger.error('A change was not handled', { resource: resource.plural, error });
      }
    }
  }
}

/** Fires once when nothing was heard for long enough. Cheap to tell: hearing only notes the time. */
class Silence {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onBroken: () => void;
  #heardAt = 0;
  #timer: { cancel(): void } | undefined;
  broken = false;

  constructor(clock: Clock, limitMs: number, onBroken: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onBroken = onBroken;
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#timer ??= this.#clock.after(this.#limitMs, () => this.#look());
  }

  end(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const leftMs = this.#heardAt + this.#limitMs - this.#clock.now();
    if (leftMs > 0) {
      this.#timer = this.#clock.after(leftMs, () => this.#look());
      return;
    }
    this.broken = true;
    this.#onBroken();
  }
}

function silenceError(resource: Resource): OperatorError {
  return lostError(resource, 'the watch fell silent', 'Silent');
}

function lostError(resource: Resource, message: string, reason: string): OperatorError {
  return new OperatorError(`watch ${resource.plural}: ${message}`, { kind: 'transient', reason });
}
