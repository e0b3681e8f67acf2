import { OperatorError } from '../core/errors.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Clock, Logger } from '../engine/ports.ts';
import { Collection } from './collection.ts';
import type { CollectionOptions } from './collection.ts';
import { hasStatus, isNotOffered, needsList, networkError } from './errors.ts';
import { FirstEvents } from './first-events.ts';
import type { Whole } from './first-events.ts';
import type { Resource } from './resources.ts';
import { Silence } from './silence.ts';
import { sleep } from './sleep.ts';
import { Store, compareVersions } from './store.ts';
import type { Change } from './store.ts';
import { lostError, readWatch } from './watch-stream.ts';
import type { WatchEvent } from './watch-stream.ts';

export interface ReflectorOptions<T extends KubeObject> extends CollectionOptions<T> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for each change after the store has it. What it throws is logged, and the rest goes on. */
  readonly onChange?: (change: Change<T>) => void;
  /** A watch began anew; `reason` is `Ended` after a full term, else that of the failure. */
  readonly onRestart?: (resource: string, reason: string) => void;
  /** Bookmarks mostly come once a minute: a watch silent for longer than this is opened anew. Default 100 s. */
  readonly silenceMs?: number;
  /**
   * A watch of all that brings nothing for so long before all has come is one that this server, or a proxy before it, does
   * not understand. Default 30 s.
   */
  readonly firstSilenceMs?: number;
  /** The server refuses to show the collection: 403 or 404. */
  readonly onRefused?: (error: OperatorError) => void;
  /** Longest wait between attempts. Default 10 s. */
  readonly maxBackoffMs?: number;
}

const maxHalves = 3;
const minBackoffMs = 200;
/** A watch that lived this long was a good one: the next failure is a first one again. */
const goodWatchMs = 5_000;

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
  readonly #stop = new AbortController();
  readonly #synced = Promise.withResolvers<undefined>();
  /** What the store has is no beginning for a watch. */
  #mustList = true;
  #mustCompare = false;
  /** Of the cycle under way, with its backoff. */
  #cut = new AbortController();
  /** Calls of `caughtUp` that wait for the next whole. */
  readonly #waiting = new Set<() => void>();
  /** Watches of all that ended before all had come, in a row. */
  #halves = 0;
  #refusal: OperatorError | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#collection = new Collection(options);
  }

  /** Resolves when the first whole list is in the store. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Why the server does not show the collection now; undefined: it does, or does not answer. */
  get refusal(): OperatorError | undefined {
    return this.#refusal;
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
    const whole = Promise.withResolvers<undefined>();
    const learnt = () => whole.resolve(undefined);
    const aborted = () => whole.reject(signal.reason);
    this.#waiting.add(learnt);
    signal.addEventListener('abort', aborted, { once: true });
    this.#mustList = true;
    this.#cut.abort();
    try {
      await whole.promise;
    } finally {
      this.#waiting.delete(learnt);
      signal.removeEventListener('abort', aborted);
    }
  }

  /** Takes the answer to a write of our own; `own`: of the changes that follow. */
  put(raw: unknown, own = true): void {
    this.#emit(this.store.put(this.#options.project(raw), own));
  }

  /** Takes what a read of one object answered that the selector leaves out. */
  putHidden(raw: unknown, own = true): void {
    this.#emit(this.store.putHidden(this.#options.project(raw), own));
  }

  /** We deleted this object. */
  remove(key: string, uid: string, own = true): void {
    this.#emit(this.store.remove(key, uid, own));
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped()) {
      const cut = new AbortController();
      this.#cut = cut;
      const startedAt = this.#options.clock.now();
      const error = await this.#cycle(cut);
      if (this.#stopped()) return;
      if (cut.signal.aborted) {
        failures = 0;
        continue;
      }
      const lived = this.#options.clock.now() - startedAt >= goodWatchMs;
      failures = error === undefined && lived ? 0 : lived ? 1 : failures + 1;
      this.#report(error, failures);
      if (hasStatus(error, 403, 404)) this.#answerWaiting();
      if (failures > 0) await sleep(this.#options.clock, this.#backoffMs(error, failures), cut.signal);
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
    const { resource, namespace, logger, onRestart, onRefused } = this.#options;
    const reason = error === undefined ? 'Ended' : error instanceof OperatorError ? error.reason : 'Fault';
    onRestart?.(resource.plural, reason);
    if (error instanceof OperatorError && hasStatus(error, 403, 404)) {
      this.#refusal = error;
      onRefused?.(error);
    }
    // The first of a run of failures is the normal life of a connection; of the others each twice as late is told.
    const isTold = failures > 1 && Number.isInteger(Math.log2(failures));
    if (error !== undefined && isTold) {
      const what = { resource: resource.plural, namespace, reason, failures, error };
      logger.warn('The watch failed; trying again', what);
    }
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
    this.#answerWaiting();
  }

  #answerWaiting(): void {
    for (const learnt of this.#waiting) learnt();
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

  async #watch(cut: AbortController): Promise<void> {
    const broken = new AbortController();
    const { clock, silenceMs = 100_000 } = this.#options;
    const silence = new Silence(clock, silenceMs, () => {
      this.#mustCompare = true;
      broken.abort();
    });
    const first = this.#mustList ? this.#firstSilence(broken) : undefined;
    const isCut = () => broken.abort();
    cut.signal.addEventListener('abort', isCut, { once: true });
    if (cut.signal.aborted) broken.abort();
    try {
      const body = await this.#open(broken.signal);
      silence.heard();
      this.#opened(first);
      await readWatch(this.#options.resource, body, {
        onPiece: () => {
          silence.heard();
          first?.heard();
        },
        onEvent: this.#mustList ? this.#first(cut) : (event) => this.#take(event),
        isOver: () => cut.signal.aborted,
      });
    } catch (error) {
      if (this.#mustList && first?.broken === true) throw notUnderstood(this.#options.resource);
      if (silence.broken) throw lostError(this.#options.resource, 'the watch fell silent', 'Silent');
      if (error instanceof OperatorError) throw error;
      throw networkError({ verb: 'watch', resource: this.#options.resource.plural }, error);
    } finally {
      silence.end();
      first?.end();
      cut.signal.removeEventListener('abort', isCut);
      broken.abort();
    }
  }

  /** Of a watch of all until all has come. */
  #firstSilence(broken: AbortController): Silence {
    const { clock, firstSilenceMs = 30_000 } = this.#options;
    return new Silence(clock, firstSilenceMs, () => {
      if (!this.#mustList) return;
      this.#halves = Infinity;
      broken.abort();
    });
  }

  #opened(first: Silence | undefined): void {
    this.#refusal = undefined;
    if (first === undefined) return;
    this.#halves += 1;
    first.heard();
  }

  async #open(signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    try {
      return await this.#collection.watch(this.#mustList ? undefined : this.store.position, signal);
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
      else if (event.type === 'BOOKMARK') {
        // A server that knows what was asked sends the bookmark of the end before any other.
        this.#halves = Infinity;
        throw notUnderstood(this.#options.resource);
      }
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

const notUnderstood = (resource: Resource): OperatorError =>
  lostError(resource, 'no bookmark ends the first events of a watch of all', 'NoFirstBookmark');
