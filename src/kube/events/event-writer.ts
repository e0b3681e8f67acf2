import { OperatorError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import type { BackendEvent, EventResult } from '../../core/events/backend-event.ts';
import type { EventSink } from '../../engine/ports.ts';
import type { Logger } from '../../util/log.ts';
import type { Clock, Random, Timer } from '../../util/clock.ts';
import type { KubeClient } from '../client/client.ts';
import { hasStatus } from '../client/errors.ts';
import { EventQueue } from './event-queue.ts';
import { writeSeries } from './event-requests.ts';
import type { EventSeries } from './event-series.ts';
import { HeldShares } from '../../util/held-shares.ts';
import { SeriesCache } from './series-cache.ts';

/** Receives the result of each Event, for metrics. */
export interface EventObserver {
  eventRecorded(result: EventResult): void;
}

export interface EventWriterOptions {
  readonly client: Pick<KubeClient, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Name of this replica: the name of the pod. */
  readonly instance: string;
  readonly observer?: EventObserver;
}

/** Age at which a waiting Event is out of date, because readers would take it for the present state. */
const staleMs = 10 * 60_000;
/**
 * Limits of Events. client-go allows 25 and then one per 5 minutes, and drops the rest. Here people look for
 * transitions, so Events wait instead: a backend may write 25 at once and then one per 10 s, all backends
 * together 100 and then 50/s. The Events of a flapping target are one series, whose waiting repeats are
 * written by one request. Namespaces take turns, and no namespace holds all places of requests in flight.
 */
const limits = {
  maxPerOwner: 25,
  max: 5_000,
  perOwner: { burst: 25, periodMs: 10_000 },
  overall: { burst: 100, periodMs: 20 },
};
const maxInFlight = 8;
/** Shortest pause while the API server does not answer. After a pause a single Event is sent as a trial. */
const minPauseMs = 1_000;
const maxPauseMs = 30_000;
/** Maximum number of attempts after answers such as 500, which may concern this Event alone. */
const maxRefusals = 5;

/**
 * Writes Events of `events.k8s.io/v1` in the background.
 *
 * | answer                                   | result                                                     |
 * |------------------------------------------|------------------------------------------------------------|
 * | success; 409 to a create (done before)   | written                                                    |
 * | 404 to a repeat                          | the Event is created: the API server keeps Events for an hour |
 * | none, 401, 408, 429, 5xx                 | it waits, and so do the others, for up to 30 s at a time   |
 * | 409 to a repeat                          | the same                                                   |
 * | one of these with a status, the fifth time | failed                                                   |
 * | any other 4xx                            | failed                                                     |
 * | none within 10 minutes                   | dropped                                                    |
 */
export class EventWriter implements EventSink {
  readonly #options: EventWriterOptions;
  readonly #series: SeriesCache;
  readonly #queue = new EventQueue<EventSeries>(limits);
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #inFlight = 0;
  /** Requests in flight by namespace. */
  readonly #held = new HeldShares();
  /** Number of pauses in a row; 0: the API server answers. */
  #pauses = 0;
  #pausedUntil = -Infinity;
  #stopped = false;

  constructor(options: EventWriterOptions) {
    this.#options = options;
    this.#series = new SeriesCache(options);
  }

  /** Returns the numbers of waiting Events, of requests in flight, and of series that may repeat. */
  stats(): { readonly waiting: number; readonly inFlight: number; readonly series: number } {
    return { waiting: this.#queue.size, inFlight: this.#inFlight, series: this.#series.size };
  }

  /** Adds an occurrence of an Event. It is written in the background. */
  record(backend: KubeObject, event: BackendEvent): void {
    if (this.#stopped) return;
    const now = this.#options.clock.now();
    if (this.#series.prune(now)) this.#queue.prune(now);
    const series = this.#series.count(backend, event);
    if (!series.queued) this.#enqueue(series, now);
  }

  /** Drops all waiting Events and all series, because another replica leads now. */
  clear(): void {
    for (const series of this.#queue.clear()) this.#drop(series);
    this.#series.clear();
  }

  /** Drops all waiting Events, for good. Requests in flight end by themselves. */
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

  /**
   * Drops a waiting Event. A series that was never written is removed: its next occurrence begins a new one.
   */
  #drop(series: EventSeries): void {
    series.queued = false;
    if (series.written === 0) this.#series.forget(series);
    this.#options.observer?.eventRecorded('dropped');
  }

  /** Calls `#pump` after this time at the latest. */
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

  /** Sends the Events that may be sent now. It is called again at the end of a request, or by the timer. */
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
    this.#options.observer?.eventRecorded('written');
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

  /**
   * Puts the Event back as the first one of its backend. If the API server as a whole does not answer, all
   * Events wait.
   */
  #again(series: EventSeries, error: unknown): void {
    const now = this.#options.clock.now();
    if (isOutage(error)) this.#pause(series, error, now);
    if (!this.#series.isCurrent(series) || !this.#queue.putBack(series.backend, series, now))
      this.#drop(series);
  }

  #pause(series: EventSeries, error: unknown, now: number): void {
    const { random, logger } = this.#options;
    if (this.#pauses === 0)
      logger.warn('failed to write an Event; Events wait and are retried', {
        backend: series.backend,
        error,
      });
    if (now < this.#pausedUntil) return;
    const pauseMs = Math.min(maxPauseMs, minPauseMs * 2 ** Math.min(this.#pauses, 10)) * (0.5 + random() / 2);
    const retryAfterMs = error instanceof OperatorError ? (error.afterMs ?? 0) : 0;
    this.#pausedUntil = now + Math.max(pauseMs, retryAfterMs);
    this.#pauses += 1;
  }

  #failed(series: EventSeries, error: unknown): void {
    series.queued = false;
    const { logger, observer } = this.#options;
    const fields = { backend: series.backend, error };
    // A namespace that is being deleted accepts no new objects, and a deleted one none at all.
    const isEnding = error instanceof OperatorError && error.reason === 'NamespaceTerminating';
    if (isEnding || hasStatus(error, 404) || this.#stopped) logger.debug('failed to write an Event', fields);
    else logger.warn('failed to write an Event', fields);
    observer?.eventRecorded('failed');
  }
}

/** Returns false for an answer that concerns one Event, such as 500: a webhook for its namespace fails. */
const isOutage = (error: unknown): boolean =>
  !(error instanceof OperatorError) ||
  error.status === undefined ||
  hasStatus(error, 401, 408, 429, 502, 503, 504);
