import type { KubeObject } from '../core/objects.ts';
import type { BackendEvent, Clock, Random } from '../engine/ports.ts';
import { newSeries, seriesKey } from './event-series.ts';
import type { EventSeries } from './event-series.ts';

export interface SeriesCacheOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The replica that reports: the pod's name. */
  readonly instance: string;
}

/** A repeat within this time is the same series (the length of client-go's). */
const seriesMs = 6 * 60_000;
const maxSeries = 10_000;
const tidyMs = 60_000;

/** The series of Events that may still repeat, in the order of their last occurrences. */
export class SeriesCache {
  readonly #options: SeriesCacheOptions;
  readonly #series = new Map<string, EventSeries>();
  #serial = 0;
  #tidiedAt = 0;

  constructor(options: SeriesCacheOptions) {
    this.#options = options;
  }

  /** Counts an occurrence in its series, which begins where there is none. */
  count(backend: KubeObject, event: BackendEvent): EventSeries {
    const { clock } = this.#options;
    const now = clock.now();
    const key = seriesKey(backend, event);
    const known = this.#series.get(key);
    const series = known !== undefined && !isOver(known, now) ? known : this.#begin(backend, event);
    series.count += 1;
    series.lastAt = now;
    series.lastWall = clock.wall();
    this.#series.delete(key);
    this.#series.set(key, series);
    return series;
  }

  /** Returns false for a series after which another one of that key began, or that was forgotten. */
  isCurrent(series: EventSeries): boolean {
    return this.#series.get(series.key) === series;
  }

  clear(): void {
    this.#series.clear();
  }

  /** Forgets series that are over. Returns true once a minute, when it has looked at all of them. */
  tidy(now: number): boolean {
    if (this.#series.size > maxSeries)
      this.#forget((series, left) => left > maxSeries * 0.9 || isOver(series, now));
    if (now - this.#tidiedAt < tidyMs) return false;
    this.#tidiedAt = now;
    this.#forget((series) => isOver(series, now));
    return true;
  }

  #begin(backend: KubeObject, event: BackendEvent): EventSeries {
    const { clock, random, instance } = this.#options;
    const wall = clock.wall();
    this.#serial += 1;
    const salt = Math.floor(random() * 0x1_0000_0000);
    // As client-go's: the object's name, then something that no other event has.
    const tail = [wall, salt, this.#serial].map((part) => part.toString(16)).join('');
    const name = `${backend.metadata.name.slice(0, 200)}.${tail}`;
    return newSeries(backend, event, { name, instance, wall });
  }

  /** Forgets series that neither wait nor are under way, the longest quiet first. */
  #forget(isDue: (series: EventSeries, left: number) => boolean): void {
    for (const series of this.#series.values())
      if (!series.queued && isDue(series, this.#series.size)) this.#series.delete(series.key);
  }
}

const isOver = ({ lastAt }: EventSeries, now: number): boolean => now - lastAt >= seriesMs;
