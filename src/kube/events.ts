import { OperatorError } from '../core/errors.ts';
import type { KubeObject } from '../core/objects.ts';
import type { BackendEvent, Clock, EventSink, Logger, Random, Timer } from '../engine/ports.ts';
import type { KubeClient } from './client.ts';
import { hasStatus } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { writeSeries } from './event-requests.ts';
import type { EventSeries } from './event-series.ts';
import { HeldShares } from '../util/held-shares.ts';
import { SeriesCache } from './series-cache.ts';

/**
 * Result of one Event: written; dropped before it was sent (newer ones took its place, it was out of date, the term
 * ended); failed: the API server refused it.
 */
export type EventResult = 'written' | 'dropped' | 'failed';

export interface EventWriterOptions {
  readonly client: Pick<KubeClient, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The replica that reports: the pod's name. */
  readonly instance: string;
  readonly onEvent?: (result: EventResult) => void;
}

/** An Event that could not be written for so long is out of date: it would read as if it were so now. */
const staleMs = 10 * 60_000;
/**
 * client-go drops what exceeds 25 and then one in 5 minutes. Transitions are what people look for here, so they wait
 * rather than vanish: a backend may write 25 at once and then one each 10 s, all backends together 100 and then 50/s.
 * A target that flaps is one series, whose waiting repeats are written as one. Namespaces take turns, and no namespace
 * holds all places of requests under way.
 */
const limits = {
  maxPerOwner: 25,
  max: 5_000,
  perOwner: { burst: 25, periodMs: 10_000 },
  overall: { burst: 100, periodMs: 20 },
};
const maxInFlight = 8;
/** While the API server does not answer, one Event tries whether it does again. */
const minPauseMs = 1_000;
const maxPauseMs = 30_000;
/** Answers such as 500 may be about this Event alone. */
const maxRefusals = 5;

/**
 * Writes Events of `events.k8s.io/v1` in the background.
 *
 * | the answer                               | what follows                                               |
 * |------------------------------------------|------------------------------------------------------------|
 * | done; 409 to a create (done before)      | written                                                    |
 * | 404 to a repeat                          | it is created: the API server keeps Events for an hour     |
 * | none, 401, 408, 429, 5xx                 | it waits on, and the others with it, for up to 30 s at a time |
 * | 409 to a repeat                          | the same                                                   |
 * | the same with a status, for the fifth time | failed                                                   |
 * | any other 4xx                            | failed                                                     |
 * | it waits for more than 10 minutes        | dropped                                                    |
 */
export class EventWriter implements EventSink {
  readonly #options: EventWriterOptions;
  readonly #series: SeriesCache;
  readonly #queue = new EventQueue<EventSeries>(limits);
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #inFlight = 0;
  /** Requests under way by namespace. */
  readonly #held = new HeldShares();
  /** Pauses in a row; 0: the API server answers. */
  #pauses = 0;
  #pausedUntil = -Infinity;
  #stopped = false;

  constructor(options: EventWriterOptions) {
    this.#options = options;
    this.#series = new SeriesCache(options);
  }

  /** Events that wait, requests under way, and series that may repeat. */
  stats(): { readonly waiting: number; readonly inFlight: number; readonly series: number } {
    return { waiting: this.#queue.size, inFlight: this.#inFlight, series: this.#series.size };
  }

  record(backend: KubeObject, event: BackendEvent): void {
    if (this.#stopped) return;
    const now = this.#options.clock.now();
    if (this.#series.tidy(now)) this.#queue.tidy(now);
    const series = this.#series.count(backend, event);
    if (!series.queued) this.#enqueue(series, now);
  }

  /** Drops what waits and forgets what was written: another replica leads, and what waits was this one's to tell. */
  clear(): void {
    for (const series of this.#queue.clear()) this.#drop(series);
    this.#series.clear();
  }

  /** Drops what waits; what is under way ends by itself. For good. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.clear();
  }

  #enqueue(series: EventSeries, now: number): void {
    series.queued = true;
    const gone = this.#queue.push(series.backend, series, now);
    if (gone !== undefined) this.#drop(gone);
    this.#schedule(0);
  }

  /** Keeps no series that was never written: its next occurrence begins another one. */
  #drop(series: EventSeries): void {
    series.queued = false;
    if (series.written === 0) this.#series.forget(series);
    this.#options.onEvent?.('dropped');
  }

  /** Looks again in so many milliseconds at the latest. */
  #schedule(delayMs: number): void {
    const { clock } = this.#options;
    const at = clock.now() + delayMs;
    if (this.#stopped || at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = clock.after(delayMs, () => {
      this.#timerAt = Infinity;
      this.#pump();
    });
  }

  /** Sends what may go now; the end of what is under way, or the timer, looks again. */
  #pump(): void {
    const now = this.#options.clock.now();
    while (this.#hasRoom(now)) {
      const series = this.#queue.take(now, this.#allows);
      if (series === undefined) break;
      if (now - series.lastAt > staleMs) this.#drop(series);
      else void this.#send(series);
    }
    if (this.#queue.size > 0 && this.#inFlight === 0)
      this.#schedule(Math.max(this.#queue.waitMs(now, this.#allows), this.#pausedUntil - now));
    else if (this.#hasRoom(now)) this.#schedule(this.#queue.waitMs(now, this.#allows));
  }

  readonly #allows = (namespace: string): boolean =>
    this.#held.allows(namespace, maxInFlight - this.#inFlight);

  #hasRoom(now: number): boolean {
    return now >= this.#pausedUntil && this.#inFlight < (this.#pauses > 0 ? 1 : maxInFlight);
  }

  /** Never rejects. */
  async #send(series: EventSeries): Promise<void> {
    const { count } = series;
    this.#inFlight += 1;
    this.#held.take(series.namespace);
    try {
      await writeSeries(this.#options.client, series);
      this.#written(series, count);
    } catch (error) {
      if (this.#mayPass(series, error)) this.#again(series, error);
      else this.#failed(series, error);
    } finally {
      this.#inFlight -= 1;
      this.#held.release(series.namespace);
      this.#pump();
    }
  }

  #written(series: EventSeries, count: number): void {
    series.written = count;
    series.refusals = 0;
    series.queued = false;
    this.#pauses = 0;
    this.#options.onEvent?.('written');
    const repeats = series.count > count && this.#series.isCurrent(series);
    if (repeats && !this.#stopped) this.#enqueue(series, this.#options.clock.now());
  }

  #mayPass(series: EventSeries, error: unknown): boolean {
    if (this.#stopped || !(error instanceof OperatorError) || error.reason === 'Cancelled') return false;
    if (error.status === undefined) return true;
    series.refusals += 1;
    const passes = error.status >= 500 || hasStatus(error, 401, 408, 409, 429);
    return passes && (series.refusals < maxRefusals || error.status === 429);
  }

  /** It is the first of its backend again; all wait where the API server as a whole does not answer. */
  #again(series: EventSeries, error: unknown): void {
    const now = this.#options.clock.now();
    if (isOutage(error)) this.#pause(series, error, now);
    if (!this.#series.isCurrent(series) || !this.#queue.putBack(series.backend, series, now))
      this.#drop(series);
  }

  #pause(series: EventSeries, error: unknown, now: number): void {
    const { random, logger } = this.#options;
    if (this.#pauses === 0)
      logger.warn('Events wait: one was not written', { backend: series.backend, error });
    if (now < this.#pausedUntil) return;
    const pauseMs = Math.min(maxPauseMs, minPauseMs * 2 ** Math.min(this.#pauses, 10)) * (0.5 + random() / 2);
    const askedMs = error instanceof OperatorError ? (error.afterMs ?? 0) : 0;
    this.#pausedUntil = now + Math.max(pauseMs, askedMs);
    this.#pauses += 1;
  }

  #failed(series: EventSeries, error: unknown): void {
    series.queued = false;
    const { logger, onEvent } = this.#options;
    const fields = { backend: series.backend, error };
    // A namespace that is being deleted takes no new objects, and one that is gone none at all.
    const isEnding = error instanceof OperatorError && error.reason === 'NamespaceTerminating';
    if (isEnding || hasStatus(error, 404) || this.#stopped) logger.debug('An Event was not written', fields);
    else logger.warn('An Event was not written', fields);
    onEvent?.('failed');
  }
}

/** Returns false for an answer that concerns one Event: 500 is that of a webhook of its namespace that fails. */
const isOutage = (error: unknown): boolean =>
  !(error instanceof OperatorError) ||
  error.status === undefined ||
  hasStatus(error, 401, 408, 429, 502, 503, 504);
