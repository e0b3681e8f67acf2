import { OperatorError } from '../core/errors.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Clock } from '../engine/ports.ts';
import { Collection } from './collection.ts';
import type { CollectionOptions } from './collection.ts';
import { hasStatus, isNotOffered, needsList } from './errors.ts';
import { FirstEvents } from './first-events.ts';
import type { Whole } from './first-events.ts';
import { sleep } from './sleep.ts';
import { Store, compareVersions } from './store.ts';
import type { Change } from './store.ts';
import { SyncWaiters } from './sync-waiters.ts';
import { noFirstBookmark, readTimedWatch } from './timed-watch.ts';
import { WatchFailures } from './watch-failures.ts';
import type { WatchFailuresOptions } from './watch-failures.ts';
import { lostError } from './watch-stream.ts';
import type { WatchEvent } from './watch-stream.ts';

export interface ReflectorOptions<T extends KubeObject> extends CollectionOptions<T>, WatchFailuresOptions {
  readonly clock: Clock;
  /** Called for each change after the store has it. What it throws is logged, and the rest goes on. */
  readonly onChange?: (change: Change<T>) => void;
  /** Bookmarks mostly come once a minute: a watch silent for longer than this is opened again. Default 100 s. */
  readonly silenceMs?: number;
  /**
   * A watch of all that brings nothing for so long before all has come is one that this server, or a proxy before it, does
   * not understand. Default 30 s.
   */
  readonly firstSilenceMs?: number;
  /** The server refuses to show the collection: 403 or 404. */
  readonly onRefused?: (error: OperatorError) => void;
}

const maxHalves = 3;

/**
 * Keeps a store in step with one collection of the API server: a watch that begins with all there is, then watches that
 * go on where the last one ended. It never gives up and never empties the store because of a failure.
 *
 * | what happens                                  | what follows                                              |
 * |-----------------------------------------------|-----------------------------------------------------------|
 * | the watch's term ends                         | the next watch, at once, from the last version             |
 * | reset, broken line, 5xx or 429 in the stream   | backoff, the next watch from the last version              |
 * | 410, too large a version, time runs backwards | a watch of all, compared with the store                    |
 * | the watch cannot be opened (but 429)          | backoff, a watch of all: who knows what the server went through |
 * | no byte for `silenceMs`                       | cut; a look at the server's version, then the next watch    |
 * | the watch of all ends before all has come     | the same again, after a backoff where it failed; the store stands |
 * | the same for the third time in a row          | a list in pages, and a watch from its version               |
 * | the server offers no watch of all (400, 422)  | the same                                                    |
 * | a watch of all falls silent, or brings a bookmark before all has come | the same, from now on: it is not understood |
 * | the list fails                                | backoff, the same again                                    |
 * | `caughtUp` is called                          | the watch is cut, or the backoff ended: a watch of all, at once |
 */
export class Reflector<T extends KubeObject> {
  readonly store = new Store<T>();
  readonly #options: ReflectorOptions<T>;
  readonly #collection: Collection<T>;
  readonly #failures: WatchFailures;
  readonly #stop = new AbortController();
  readonly #synced = Promise.withResolvers<undefined>();
  /** What the store has is no beginning for a watch. */
  #mustList = true;
  #mustCompare = false;
  /** Cuts the cycle under way, with its backoff. */
  #cut = new AbortController();
  readonly #waiters = new SyncWaiters();
  /** Watches of all that ended before all had come, in a row. */
  #halves = 0;
  #refusal: OperatorError | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#collection = new Collection(options);
    this.#failures = new WatchFailures(options);
  }

  /** Resolves when the first whole list is in the store. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Why the server does not show the collection now; undefined: it does, or does not answer. */
  get refusal(): OperatorError | undefined {
    return this.#refusal;
  }

  /** Plural name of what it watches. */
  get resource(): string {
    return this.#options.resource.plural;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing runs any more; no change comes after the call. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cut.abort();
    await this.#running;
  }

  /**
   * Resolves when the store has a whole that was asked for after the call, so that it contains all that was written before
   * (the position of a watch does not show that: the versions of the server go on with writes of every kind). Resolves
   * also when the server refuses to show the collection: there is nothing to catch up with. Rejects when the signal aborts.
   */
  async caughtUp(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const synced = this.#waiters.wait(signal);
    this.#mustList = true;
    this.#cut.abort();
    await synced;
  }

  /** Takes the answer to a write of our own; `own`: of the changes that follow. */
  put(raw: unknown, own = true): void {
    this.#emit(this.store.put(this.#options.project(raw), own));
  }

  /** Takes what a read of one object answered that the selector leaves out. */
  putHidden(raw: unknown, own = true): void {
    this.#emit(this.store.putHidden(this.#options.project(raw), own));
  }

  /** Takes the end of an object that we deleted. */
  remove(key: string, uid: string, own = true): void {
    this.#emit(this.store.remove(key, uid, own));
  }

  async #run(): Promise<void> {
    while (!this.#stopped()) {
      const cut = new AbortController();
      this.#cut = cut;
      const startedAt = this.#options.clock.now();
      const error = await this.#cycle(cut);
      if (this.#stopped()) return;
      if (cut.signal.aborted) {
        this.#failures.reset();
        continue;
      }
      const backoffMs = this.#failures.ended(error, this.#options.clock.now() - startedAt);
      if (error instanceof OperatorError && hasStatus(error, 403, 404)) this.#refused(error);
      if (backoffMs > 0) await sleep(this.#options.clock, backoffMs, cut.signal);
    }
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** One list where needed and one watch; how it ended. */
  async #cycle(cut: AbortController): Promise<unknown> {
    try {
      if (this.#mustCompare && !this.#mustList) await this.#compare(cut.signal);
      if (this.#mustList && this.#halves >= maxHalves) await this.#list(cut);
      await this.#watch(cut).catch(async (error: unknown) => {
        if (!this.#mustList || !isNotOffered(error)) throw error;
        await this.#list(cut);
        await this.#watch(cut);
      });
      return undefined;
    } catch (error) {
      this.#mustList ||= needsList(error);
      const reason = error instanceof OperatorError ? error.reason : undefined;
      this.#mustCompare ||= reason === 'Silent';
      if (reason === 'NoFirstBookmark') this.#halves = Infinity;
      return error;
    }
  }

  #refused(error: OperatorError): void {
    this.#refusal = error;
    this.#options.onRefused?.(error);
    this.#waiters.resolveAll();
  }

  async #list(cut: AbortController): Promise<void> {
    this.#learn(await this.#collection.list(cut.signal), cut);
  }

  #learn({ objects, version }: Whole<T>, cut: AbortController): void {
    if (cut.signal.aborted) return;
    this.#mustList = false;
    this.#mustCompare = false;
    if (this.#halves < Infinity) this.#halves = 0;
    this.#emit(this.store.replace(objects, version));
    this.#synced.resolve(undefined);
    this.#waiters.resolveAll();
  }

  /**
   * After a silent watch: does the server still know what we know? One that lost history would stay silent for ever.
   * Silence alone proves nothing: after its start the API server sends no bookmarks of a kind that nobody changes.
   */
  async #compare(signal: AbortSignal): Promise<void> {
    const version = await this.#collection.version(signal);
    if (compareVersions(version, this.store.position) < 0) this.#mustList = true;
    this.#mustCompare = false;
  }

  #watch(cut: AbortController): Promise<void> {
    const { clock, resource, silenceMs = 100_000, firstSilenceMs = 30_000 } = this.#options;
    return readTimedWatch({
      ...{ clock, resource, silenceMs, firstSilenceMs, cut: cut.signal },
      isFirst: () => this.#mustList,
      open: (signal) => this.#open(signal),
      onEvent: this.#mustList ? this.#first(cut) : (event) => this.#take(event),
    });
  }

  async #open(signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const isFirst = this.#mustList;
    try {
      const body = await this.#collection.watch(isFirst ? undefined : this.store.position, signal);
      this.#refusal = undefined;
      if (isFirst) this.#halves += 1;
      return body;
    } catch (error) {
      this.#mustList ||= !(error instanceof OperatorError && error.status === 429);
      throw error;
    }
  }

  /** Of a watch that begins with all there is. */
  #first(cut: AbortController): (event: WatchEvent) => void {
    const first = new FirstEvents(this.#options.project);
    return (event) => {
      if (!this.#mustList) {
        this.#take(event);
        return;
      }
      const whole = first.take(event);
      if (whole !== undefined) this.#learn(whole, cut);
      // A server that knows what was asked sends the bookmark of the end before any other.
      else if (event.type === 'BOOKMARK') throw noFirstBookmark(this.#options.resource);
    };
  }

  #take({ type, object }: WatchEvent): void {
    const version = object.metadata?.resourceVersion;
    if (compareVersions(version, this.store.position) < 0) {
      this.#mustList = true;
      throw lostError(this.#options.resource, 'the watch went back in time', 'HistoryLost');
    }
    if (type === 'BOOKMARK') this.store.advance(version);
    else if (type === 'DELETED') this.#emit(this.store.watchedGone(this.#options.project(object)));
    else this.#emit(this.store.watched(this.#options.project(object)));
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
