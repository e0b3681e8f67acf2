import { FairQueue } from '../../util/fair-queue.ts';
import { HeldShares } from '../../util/held-shares.ts';
import { Heap } from '../../util/heap.ts';
import type { HeapItem } from '../../util/heap.ts';

/** Key with the instant at which it is due (`at`). */
export interface QueuedKey extends HeapItem {
  readonly key: string;
  readonly namespace: string;
  /** True while the key is due and waits for a place. Only `DueKeys` changes it. */
  isDue: boolean;
}

/**
 * Returns the number of places of which one namespace may hold `workers`. The others are free for other
 * namespaces.
 */
export const placesFor = (workers: number): number => workers + Math.ceil(workers / 8);

/**
 * Keys that wait to run, and the places of those that run.
 *
 * | key                | waits in                                   | is next                                        |
 * |--------------------|--------------------------------------------|------------------------------------------------|
 * | not due yet        | one heap, by the instant at which it is due | never                                         |
 * | due                | the line of its namespace                  | when the namespace has its turn and may hold another place |
 *
 * Keys of one namespace leave in the order in which they became due. Namespaces take turns, and have shares
 * of the places (`HeldShares`). So a namespace that comes later finds a free place, however many keys of
 * another namespace are due and however long their runs last.
 */
export class DueKeys<T extends QueuedKey> {
  readonly #places: number;
  readonly #planned = new Heap<T>();
  readonly #due = new FairQueue<string, T>();
  readonly #held = new HeldShares();
  #running = 0;

  /** @param places runs at a time, over all namespaces */
  constructor(places: number) {
    this.#places = places;
  }

  /** Number of runs that have a place. */
  get running(): number {
    return this.#running;
  }

  /** Number of keys that wait, due or not. */
  get size(): number {
    return this.#due.size + this.#planned.size;
  }

  /**
   * Instant at which the first key is due that was not due at the last `hasNext`. Infinity where there is
   * none, or no place: a key can be next only after a `release`.
   */
  get nextAt(): number {
    return this.#running < this.#places ? (this.#planned.peek()?.at ?? Infinity) : Infinity;
  }

  /** Returns how many keys are due and wait. */
  countDue(now: number): number {
    return this.#due.size + this.#planned.countDue(now);
  }

  /**
   * Lets the key wait until `at`, or until earlier where it waits already. Returns false where that changes
   * nothing. `at` is not before any `now` that was given to this object.
   */
  plan(item: T, at: number): boolean {
    if (item.isDue || (item.slot >= 0 && item.at <= at)) return false;
    item.at = at;
    this.#planned.push(item);
    return true;
  }

  /** Returns true when a key is due and may have a place. */
  hasNext(now: number): boolean {
    this.#collect(now);
    return (
      this.#running < this.#places && this.#due.hasGroupThat((namespace) => this.#allows(String(namespace)))
    );
  }

  /** Takes the next key that is due and may have a place, and gives it the place until `release`. */
  take(now: number): T | undefined {
    this.#collect(now);
    if (this.#running >= this.#places) return undefined;
    const item = this.#due.turn((namespace) => this.#allows(namespace))?.item;
    if (item === undefined) return undefined;
    item.isDue = false;
    this.#running += 1;
    this.#held.take(item.namespace);
    return item;
  }

  /** Frees the place of a key that was taken. */
  release({ namespace }: T): void {
    this.#running -= 1;
    this.#held.release(namespace);
  }

  #allows(namespace: string): boolean {
    return this.#held.allows(namespace, this.#places - this.#running);
  }

  #collect(now: number): void {
    for (let item = this.#planned.peek(); item !== undefined && item.at <= now; item = this.#planned.peek()) {
      this.#planned.remove(item);
      item.isDue = true;
      this.#due.push(item, [item.namespace]);
    }
  }
}
