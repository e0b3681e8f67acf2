import type { KubeObject } from '../../core/kubernetes/objects.ts';
import type { BackendEvent } from '../../core/events/backend-event.ts';
import type { Clock, Random } from '../../util/clock.ts';
import { newSeries, seriesKey } from './event-series.ts';
import type { EventSeries } from './event-series.ts';

export interface SeriesCacheOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Name of this replica: the name of the pod. */
  readonly instance: string;
  /** Maximum number of series. Default 5,000. */
  readonly max?: number;
}

/** Time within which a repeat belongs to the same series, as in client-go. */
const seriesMs = 6 * 60_000;
const defaultMax = 5_000;
const pruneMs = 60_000;

/**
 * Series of Events that may still repeat. Beyond the maximum a series is removed: that with the oldest last
 * occurrence in the namespace with most series. Its next occurrence begins a new series. Series that wait or
 * are in flight are never removed.
 */
export class SeriesCache {
  readonly #options: SeriesCacheOptions;
  /** Series by namespace and key, in the order of their last occurrences. */
  readonly #series = new Map<string, Map<string, EventSeries>>();
  #size = 0;
  #serial = 0;
  #prunedAt = 0;

  constructor(options: SeriesCacheOptions) {
    this.#options = options;
  }

  /** Number of series. */
  get size(): number {
    return this.#size;
  }

  /** Counts an occurrence in its series, or in a new one. Returns the series. */
  count(backend: KubeObject, event: BackendEvent): EventSeries {
    const { clock } = this.#options;
    const now = clock.now();
    const known = this.#series.get(backend.metadata.namespace)?.get(seriesKey(backend, event));
    const series = known !== undefined && !isOver(known, now) ? known : this.#begin(backend, event);
    series.count += 1;
    series.lastAt = now;
    series.lastWall = clock.wall();
    this.#put(series);
    return series;
  }

  /** Returns false for a series that was removed or replaced by a newer one with the same key. */
  isCurrent(series: EventSeries): boolean {
    return this.#series.get(series.namespace)?.get(series.key) === series;
  }

  /** Removes the series. */
  forget(series: EventSeries): void {
    if (!this.isCurrent(series)) return;
    const own = this.#series.get(series.namespace);
    own?.delete(series.key);
    this.#size -= 1;
    if (own?.size === 0) this.#series.delete(series.namespace);
  }

  /** Removes all series. */
  clear(): void {
    this.#series.clear();
    this.#size = 0;
  }

  /** Removes series that have ended, once a minute. Returns true when it has done so. */
  prune(now: number): boolean {
    if (now - this.#prunedAt < pruneMs) return false;
    this.#prunedAt = now;
    for (const own of this.#series.values())
      for (const series of own.values()) if (!series.queued && isOver(series, now)) this.forget(series);
    return true;
  }

  #begin(backend: KubeObject, event: BackendEvent): EventSeries {
    const { clock, random, instance, max = defaultMax } = this.#options;
    if (this.#size >= max) this.#forgetQuietest();
    const wall = clock.wall();
    this.#serial += 1;
    const salt = Math.floor(random() * 0x1_0000_0000);
    // The form of client-go: the name of the object, then a unique suffix.
    const tail = [wall, salt, this.#serial].map((part) => part.toString(16)).join('');
    const name = `${backend.metadata.name.slice(0, 200)}.${tail}`;
    return newSeries(backend, event, { name, instance, wall });
  }

  /** Puts the series behind all others of its namespace. */
  #put(series: EventSeries): void {
    const own = this.#series.get(series.namespace) ?? new Map<string, EventSeries>();
    this.#series.set(series.namespace, own);
    if (!own.delete(series.key)) this.#size += 1;
    own.set(series.key, series);
  }

  #forgetQuietest(): void {
    const bySize = [...this.#series.values()].toSorted((a, b) => b.size - a.size);
    for (const own of bySize) {
      const quiet = quietest(own);
      if (quiet === undefined) continue;
      this.forget(quiet);
      return;
    }
  }
}

function quietest(own: ReadonlyMap<string, EventSeries>): EventSeries | undefined {
  for (const series of own.values()) if (!series.queued) return series;
  return undefined;
}

const isOver = ({ lastAt }: EventSeries, now: number): boolean => now - lastAt >= seriesMs;
