import { OperatorError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import type { Clock } from '../../util/clock.ts';
import { ListWatch } from './list-watch.ts';
import type { CollectionOptions } from './list-watch.ts';
import { hasStatus, isUnsupported, needsList } from '../client/errors.ts';
import { InitialEvents } from './initial-events.ts';
import type { ListResult } from './initial-events.ts';
import { sleep } from '../../util/sleep.ts';
import { Store, compareVersions } from './store.ts';
import type { Change } from './store.ts';
import { SyncWaiters } from './sync-waiters.ts';
import { noFirstBookmark, readTimedWatch } from './timed-watch.ts';
import { WatchFailures } from './watch-failures.ts';
import type { WatchFailuresOptions } from './watch-failures.ts';
import { watchLostError } from './watch-stream.ts';
import type { WatchEvent } from './watch-stream.ts';

export interface ReflectorOptions<T extends KubeObject> extends CollectionOptions<T>, WatchFailuresOptions {
  readonly clock: Clock;
  /** Called for each change after it is in the store. An error that it throws is logged. */
  readonly onChange?: (change: Change<T>) => void;
  /**
   * A watch that is silent for this time is opened again. Default 100 s: bookmarks mostly come once a minute.
   */
  readonly idleTimeoutMs?: number;
  /**
   * A full watch that is silent for this time before its initial events are complete is not supported by this
   * server, or by a proxy before it. Default 30 s.
   */
  readonly firstIdleTimeoutMs?: number;
  /** Called when the server refuses the collection: 403 or 404. */
  readonly onRefused?: (error: OperatorError) => void;
}

const maxHalves = 3;

/**
 * Keeps a store in step with one collection of the API server, by a full watch (it begins with all objects),
 * and then by watches that continue where the last one ended. It never gives up, and no failure empties the
 * store.
 *
 * | event                                         | next                                                      |
 * |-----------------------------------------------|-----------------------------------------------------------|
 * | the watch ends after its time                 | the next watch, at once, from the last version             |
 * | reset, broken line, 5xx or 429 in the stream   | backoff, the next watch from the last version              |
 * | 410, too large a version, versions go backwards | a full watch, compared with the store                    |
 * | the watch cannot be opened (except for 429)   | backoff, a full watch, because the state of the server is unknown |
 * | no byte for `idleTimeoutMs`                   | the watch is ended; the version of the server is read, then the next watch |
 * | the full watch ends before its initial events are complete | a full watch, after a backoff if it failed; the store remains |
 * | the same for the third time in a row          | a list in pages, and a watch from its version               |
 * | the server does not support a full watch (400, 422) | the same                                              |
 * | a full watch falls silent, or brings another bookmark, before its initial events are complete | the same, from now on: it is not supported |
 * | the list fails                                | backoff, a list again                                      |
 * | `caughtUp` is called                          | the watch or the backoff is ended: a full watch, at once   |
 */
export class Reflector<T extends KubeObject> {
  readonly store = new Store<T>();
  readonly #options: ReflectorOptions<T>;
  readonly #collection: ListWatch<T>;
  readonly #failures: WatchFailures;
  readonly #stop = new AbortController();
  readonly #synced = Promise.withResolvers<undefined>();
  /** True if a watch cannot continue from the version of the store. */
  #needsInitialEvents = true;
  #mustCompare = false;
  /** Ends the present cycle, with its backoff. */
  #cut = new AbortController();
  readonly #waiters = new SyncWaiters();
  /** Number of full watches in a row that ended before their initial events were complete. */
  #halves = 0;
  #refusal: OperatorError | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#collection = new ListWatch(options);
    this.#failures = new WatchFailures(options);
  }

  /** Resolves when the first complete list is in the store. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /**
   * Error with which the server refuses the collection now; undefined: it does not refuse it, or does not
   * answer.
   */
  get refusal(): OperatorError | undefined {
    return this.#refusal;
  }

  /** Plural name of the watched resource. */
  get resource(): string {
    return this.#options.resource.plural;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when no request is in flight. No change is reported after the call. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cut.abort();
    await this.#running;
  }

  /**
   * Resolves when the store has a complete list that was requested after the call, so that it contains all
   * earlier writes. (The version of a watch does not show that, because the versions of the server increase
   * with writes of every kind.) Resolves also when the server refuses the collection, because then there is
   * nothing to read. Rejects when the signal aborts.
   */
  async caughtUp(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const synced = this.#waiters.wait(signal);
    this.#needsInitialEvents = true;
    this.#cut.abort();
    await synced;
  }

  /** Takes the answer to a write of the operator. `own`: that of the resulting changes. */
  put(raw: unknown, own = true): void {
    this.#emit(this.store.put(this.#options.project(raw), own));
  }

  /** Takes the answer to a read of an object that the selector leaves out. */
  putHidden(raw: unknown, own = true): void {
    this.#emit(this.store.putUnwatched(this.#options.project(raw), own));
  }

  /** Records that the operator deleted the object. */
  remove(key: string, uid: string, own = true): void {
    this.#emit(this.store.remove(key, uid, own));
  }

  async #run(): Promise<void> {
    while (!this.#stopped()) {
      const cut = new AbortController();
      this.#cut = cut;
      const startedAt = this.#options.clock.now();
      const error = await this.#listAndWatch(cut);
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

  /** Runs one watch, after a list if necessary. Returns its error; undefined: it ended normally. */
  async #listAndWatch(cut: AbortController): Promise<unknown> {
    try {
      if (this.#mustCompare && !this.#needsInitialEvents) await this.#compare(cut.signal);
      if (this.#needsInitialEvents && this.#halves >= maxHalves) await this.#list(cut);
      await this.#watch(cut).catch(async (error: unknown) => {
        if (!this.#needsInitialEvents || !isUnsupported(error)) throw error;
        await this.#list(cut);
        await this.#watch(cut);
      });
      return undefined;
    } catch (error) {
      this.#needsInitialEvents ||= needsList(error);
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
    this.#replace(await this.#collection.list(cut.signal), cut);
  }

  #replace({ objects, version }: ListResult<T>, cut: AbortController): void {
    if (cut.signal.aborted) return;
    this.#needsInitialEvents = false;
    this.#mustCompare = false;
    if (this.#halves < Infinity) this.#halves = 0;
    this.#emit(this.store.replace(objects, version));
    this.#synced.resolve(undefined);
    this.#waiters.resolveAll();
  }

  /**
   * Compares the version of the server with that of the store after a silent watch. A server that lost its
   * history would remain silent for ever. Silence alone proves nothing, because after its start the API
   * server sends no bookmarks for a kind without changes.
   */
  async #compare(signal: AbortSignal): Promise<void> {
    const version = await this.#collection.version(signal);
    if (compareVersions(version, this.store.resourceVersion) < 0) this.#needsInitialEvents = true;
    this.#mustCompare = false;
  }

  #watch(cut: AbortController): Promise<void> {
    const { clock, resource, idleTimeoutMs = 100_000, firstIdleTimeoutMs = 30_000 } = this.#options;
    return readTimedWatch({
      ...{ clock, resource, idleTimeoutMs, firstIdleTimeoutMs, cut: cut.signal },
      isFirst: () => this.#needsInitialEvents,
      open: (signal) => this.#open(signal),
      onEvent: this.#needsInitialEvents ? this.#first(cut) : (event) => this.#handleEvent(event),
    });
  }

  async #open(signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const isFirst = this.#needsInitialEvents;
    try {
      const body = await this.#collection.watch(isFirst ? undefined : this.store.resourceVersion, signal);
      this.#refusal = undefined;
      if (isFirst) this.#halves += 1;
      return body;
    } catch (error) {
      this.#needsInitialEvents ||= !(error instanceof OperatorError && error.status === 429);
      throw error;
    }
  }

  /** Returns the listener of a full watch. */
  #first(cut: AbortController): (event: WatchEvent) => void {
    const first = new InitialEvents(this.#options.project);
    return (event) => {
      if (!this.#needsInitialEvents) {
        this.#handleEvent(event);
        return;
      }
      const whole = first.add(event);
      if (whole !== undefined) this.#replace(whole, cut);
      // A server that supports full watches sends the bookmark that ends the initial events before any other
      // bookmark.
      else if (event.type === 'BOOKMARK') throw noFirstBookmark(this.#options.resource);
    };
  }

  #handleEvent({ type, object }: WatchEvent): void {
    const version = object.metadata?.resourceVersion;
    if (compareVersions(version, this.store.resourceVersion) < 0) {
      this.#needsInitialEvents = true;
      throw watchLostError(this.#options.resource, 'the versions of the watch went backwards', 'HistoryLost');
    }
    if (type === 'BOOKMARK') this.store.advance(version);
    else if (type === 'DELETED') this.#emit(this.store.watchedDeleted(this.#options.project(object)));
    else this.#emit(this.store.watched(this.#options.project(object)));
  }

  #emit(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      try {
        this.#options.onChange?.(change);
      } catch (error) {
        const { logger, resource } = this.#options;
        logger.error('failed to handle a change', { resource: resource.plural, error });
      }
    }
  }
}
