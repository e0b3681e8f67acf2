import { Heap } from '../engine/heap.ts';
import type { HeapItem } from '../engine/heap.ts';

/** What the last answer was: records or a plain "no" (it will not take long), none yet, a failure. */
export type Lane = 'steady' | 'unheard' | 'suspect';

export interface AgendaItem extends HeapItem {
  /** Must change only while the item is neither planned nor running. */
  lane: Lane;
}

export interface AgendaLimits {
  /** Queries at a time: resolvers lose bursts. */
  readonly maxInFlight: number;
  /** Of these, how many may be for names that failed last time. */
  readonly maxSuspects: number;
}

/**
 * Who is asked next. Each lane is ordered by when its items are due.
 *
 * | lane    | last answer    | slots                                                | turn   |
 * |---------|----------------|------------------------------------------------------|--------|
 * | steady  | came           | all                                                  | first  |
 * | unheard | none yet       | all but a quarter, together with the suspects        | second |
 * | suspect | a failure      | `maxSuspects`                                        | last   |
 *
 * So any number of dead names, also of new ones, leaves a quarter of the slots to those that answer.
 */
export class Agenda<T extends AgendaItem> {
  readonly #limits: AgendaLimits;
  readonly #planned = { steady: new Heap<T>(), unheard: new Heap<T>(), suspect: new Heap<T>() };
  readonly #running = { steady: 0, unheard: 0, suspect: 0 };

  constructor(limits: AgendaLimits) {
    this.#limits = limits;
  }

  get running(): number {
    const { steady, unheard, suspect } = this.#running;
    return steady + unheard + suspect;
  }

  /** Plans the item for its `at`, or moves it after that has changed. */
  plan(item: T): void {
    this.#planned[item.lane].push(item);
  }

  /** Does nothing when the item is not planned. */
  remove(item: T): void {
    this.#planned[item.lane].remove(item);
  }

  /** The next item that is due and may be asked; it has its slot then, until `release`. */
  take(now: number): T | undefined {
    for (const lane of lanes) {
      const item = this.#planned[lane].peek();
      if (item === undefined || item.at > now || !this.#hasRoom(lane)) continue;
      this.#planned[lane].remove(item);
      this.#running[lane] += 1;
      return item;
    }
    return undefined;
  }

  release(item: T): void {
    this.#running[item.lane] -= 1;
  }

  /** When `take` has something, if no slot is given back before; Infinity: not until then. */
  nextAt(): number {
    return Math.min(...lanes.map((lane) => this.#next(lane)?.at ?? Infinity));
  }

  #next(lane: Lane): T | undefined {
    return this.#hasRoom(lane) ? this.#planned[lane].peek() : undefined;
  }

  #hasRoom(lane: Lane): boolean {
    const { maxInFlight, maxSuspects } = this.#limits;
    if (this.running >= maxInFlight) return false;
    if (lane === 'steady') return true;
    const unsure = this.#running.unheard + this.#running.suspect;
    if (unsure >= Math.ceil(maxInFlight * 0.75)) return false;
    return lane === 'unheard' || this.#running.suspect < maxSuspects;
  }
}

const lanes = ['steady', 'unheard', 'suspect'] as const satisfies readonly Lane[];
