import { TokenBucket } from '../util/token-bucket.ts';

/** Waiting items of one owner, the oldest first, and how many it may still send. */
interface Line<T> {
  readonly owner: string;
  readonly items: T[];
  readonly bucket: TokenBucket;
}

export interface EventQueueOptions {
  /** Items of one owner that wait. */
  readonly maxPerOwner: number;
  /** Items that wait in all. */
  readonly max: number;
  readonly perOwner: Pace;
  readonly overall: Pace;
}

/** So many at once, then one each period. */
export interface Pace {
  readonly burst: number;
  readonly periodMs: number;
}

/**
 * Items that wait for their turn at a bounded pace. Owners take turns, one item each; time is an argument.
 *
 * | an item comes, and …                        | what goes                                            |
 * |---------------------------------------------|------------------------------------------------------|
 * | there is room                               | nothing                                              |
 * | `maxPerOwner` of its owner wait              | the oldest of the owner: the newest tell what is now |
 * | `max` wait in all                           | the oldest of the owner of which most wait           |
 * | it comes back, and either is so             | it itself: what waits is newer                       |
 */
export class EventQueue<T> {
  readonly #options: EventQueueOptions;
  /** All owners that wait or have sent a moment ago. */
  readonly #lines = new Map<string, Line<T>>();
  /** Owners with items and a token, in the order of their turns. */
  readonly #turns = new Set<Line<T>>();
  /** Owners with items and without a token. */
  readonly #resting = new Set<Line<T>>();
  #overall: TokenBucket | undefined;
  #size = 0;
  /** When the first of those that rest has a token. */
  #wakeAt = Infinity;

  constructor(options: EventQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an item; returns the one that had to go for it. */
  push(owner: string, item: T, now: number): T | undefined {
    const line = this.#line(owner, now);
    line.items.push(item);
    this.#size += 1;
    this.#seat(line, now);
    if (line.items.length > this.#options.maxPerOwner) return this.#drop(line);
    return this.#size > this.#options.max ? this.#drop(this.#longest(line)) : undefined;
  }

  /** Puts an item back in front of its owner's; returns false where there is no room for it. */
  putBack(owner: string, item: T, now: number): boolean {
    const line = this.#line(owner, now);
    if (line.items.length >= this.#options.maxPerOwner || this.#size >= this.#options.max) return false;
    line.items.unshift(item);
    this.#size += 1;
    this.#seat(line, now);
    return true;
  }

  /** The next item; undefined: none, or not yet. */
  take(now: number): T | undefined {
    this.#wake(now);
    const [line] = this.#turns;
    const overall = this.#all(now);
    if (line === undefined || overall.waitMs(now) > 0) return undefined;
    overall.take();
    line.bucket.take();
    const item = line.items.shift();
    this.#size -= 1;
    this.#turns.delete(line);
    this.#seat(line, now);
    return item;
  }

  /** Milliseconds until `take` has one; Infinity: nothing waits. */
  waitMs(now: number): number {
    this.#wake(now);
    const overallMs = this.#all(now).waitMs(now);
    if (this.#turns.size > 0) return overallMs;
    return Math.max(overallMs, this.#wakeAt - now);
  }

  /** Drops all that waits; returns it. */
  clear(): readonly T[] {
    const dropped = [...this.#lines.values()].flatMap(({ items }) => items.splice(0));
    this.#turns.clear();
    this.#resting.clear();
    this.#wakeAt = Infinity;
    this.#size = 0;
    return dropped;
  }

  /** Forgets owners whose state is that of a new one. */
  tidy(now: number): void {
    for (const [owner, { items, bucket }] of this.#lines)
      if (items.length === 0 && bucket.isFull(now)) this.#lines.delete(owner);
  }

  #line(owner: string, now: number): Line<T> {
    const known = this.#lines.get(owner);
    if (known !== undefined) return known;
    const { burst, periodMs } = this.#options.perOwner;
    const line = { owner, items: [], bucket: new TokenBucket(burst, periodMs, now) };
    this.#lines.set(owner, line);
    return line;
  }

  #all(now: number): TokenBucket {
    const { burst, periodMs } = this.#options.overall;
    return (this.#overall ??= new TokenBucket(burst, periodMs, now));
  }

  /** Gives the owner a turn behind the others, where it has none. */
  #seat(line: Line<T>, now: number): void {
    if (line.items.length === 0) return;
    const waitMs = line.bucket.waitMs(now);
    (waitMs === 0 ? this.#turns : this.#resting).add(line);
    (waitMs === 0 ? this.#resting : this.#turns).delete(line);
    if (waitMs > 0) this.#wakeAt = Math.min(this.#wakeAt, now + waitMs);
  }

  #wake(now: number): void {
    if (now < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    for (const line of this.#resting) this.#seat(line, now);
  }

  #drop(line: Line<T>): T | undefined {
    const item = line.items.shift();
    this.#size -= 1;
    if (line.items.length === 0) {
      this.#turns.delete(line);
      this.#resting.delete(line);
    }
    return item;
  }

  #longest(from: Line<T>): Line<T> {
    let longest = from;
    for (const lines of [this.#turns, this.#resting])
      for (const line of lines) if (line.items.length > longest.items.length) longest = line;
    return longest;
  }
}
