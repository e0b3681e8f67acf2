import { FairQueue, type Ticket } from '../../util/fair-queue.ts';
import { TokenBucket } from '../../util/token-bucket.ts';

/** Waiting items of one owner, oldest first, and the number that it may still send. */
interface Line<T> {
  readonly share: Share<T>;
  readonly items: T[];
  readonly bucket: TokenBucket;
  /** Place in the order of turns; undefined: it has no items, or no token. */
  ticket: Ticket<Line<T>> | undefined;
}

/** Owners of one namespace. */
interface Share<T> {
  readonly namespace: string;
  /** Lines with items. */
  readonly lines: Set<Line<T>>;
  /** Number of items that wait. */
  size: number;
}

export interface EventQueueOptions {
  /** Maximum number of waiting items of one owner. */
  readonly maxPerOwner: number;
  /** Maximum number of waiting items of all owners. */
  readonly max: number;
  readonly perOwner: EventPace;
  readonly overall: EventPace;
}

/** A burst, then one item per period. */
export interface EventPace {
  readonly burst: number;
  readonly periodMs: number;
}

type Allows = (namespace: string) => boolean;

/**
 * Queue of items with a bounded rate. Namespaces take turns, and in a namespace its owners, one item each.
 * Instants are arguments, in monotonic milliseconds. An owner is a backend, as `namespace/name`.
 *
 * | an item is added, and …                     | dropped item                                         |
 * |---------------------------------------------|------------------------------------------------------|
 * | there is room                               | none                                                 |
 * | `maxPerOwner` items of its owner wait       | the oldest of the owner, because the newest are current |
 * | `max` items wait in all                     | the oldest of the owner with most items, in the namespace with most items |
 * | it is put back, and one of these limits is reached | the item itself, because those that wait are newer |
 */
export class EventQueue<T> {
  readonly #options: EventQueueOptions;
  /** All owners with waiting items, or with items sent lately. */
  readonly #lines = new Map<string, Line<T>>();
  /** Namespaces with such owners. */
  readonly #shares = new Map<string, Share<T>>();
  /** Order of turns of the owners with items and a token. */
  readonly #turns = new FairQueue<Line<T>, Line<T>>(({ share }) => share.namespace);
  /** Owners with items and without a token. */
  readonly #resting = new Set<Line<T>>();
  #overall: TokenBucket | undefined;
  #size = 0;
  /** Instant at which the first owner without a token gets one. */
  #wakeAt = Infinity;

  constructor(options: EventQueueOptions) {
    this.#options = options;
  }

  /** Number of items that wait. */
  get size(): number {
    return this.#size;
  }

  /** Adds an item; returns the one that is dropped for it. */
  push(owner: string, item: T, now: number): T | undefined {
    const line = this.#line(owner, now);
    line.items.push(item);
    this.#count(line, 1);
    this.#seat(line, now);
    if (line.items.length > this.#options.maxPerOwner) return this.#drop(line);
    return this.#size > this.#options.max ? this.#drop(longest(this.#largest(line.share), line)) : undefined;
  }

  /** Puts an item back as the first one of its owner. Returns false if there is no room for it. */
  putBack(owner: string, item: T, now: number): boolean {
    const line = this.#line(owner, now);
    if (line.items.length >= this.#options.maxPerOwner || this.#size >= this.#options.max) return false;
    line.items.unshift(item);
    this.#count(line, 1);
    this.#seat(line, now);
    return true;
  }

  /** Returns the next item of a namespace that `allows` accepts; undefined: none, or not yet. */
  take(now: number, allows: Allows = () => true): T | undefined {
    this.#wake(now);
    const overall = this.#all(now);
    if (overall.waitMs(now) > 0) return undefined;
    const line = this.#turns.turn(undefined, (namespace) => allows(String(namespace)))?.item;
    if (line === undefined) return undefined;
    line.ticket = undefined;
    overall.take();
    line.bucket.take();
    const item = line.items.shift();
    this.#count(line, -1);
    this.#seat(line, now);
    return item;
  }

  /** Returns the milliseconds until `take` returns an item; Infinity: no item waits that `allows` accepts. */
  waitMs(now: number, allows: Allows = () => true): number {
    this.#wake(now);
    const overallMs = this.#all(now).waitMs(now);
    if (this.#turns.hasGroupThat((namespace) => allows(String(namespace)))) return overallMs;
    return Math.max(overallMs, this.#wakeAt - now);
  }

  /** Drops all waiting items. Returns them. */
  clear(): readonly T[] {
    const dropped: T[] = [];
    for (const line of this.#lines.values()) {
      const items = line.items.splice(0);
      dropped.push(...items);
      this.#count(line, -items.length);
      this.#unseat(line);
    }
    this.#wakeAt = Infinity;
    return dropped;
  }

  /** Removes owners whose state is equal to that of a new owner. */
  prune(now: number): void {
    for (const [owner, { items, bucket }] of this.#lines)
      if (items.length === 0 && bucket.isFull(now)) this.#lines.delete(owner);
    const used = new Set([...this.#lines.values()].map(({ share }) => share.namespace));
    for (const namespace of this.#shares.keys()) if (!used.has(namespace)) this.#shares.delete(namespace);
  }

  #line(owner: string, now: number): Line<T> {
    const known = this.#lines.get(owner);
    if (known !== undefined) return known;
    const { burst, periodMs } = this.#options.perOwner;
    const share = this.#share(owner.slice(0, Math.max(0, owner.indexOf('/'))));
    const bucket = new TokenBucket(burst, periodMs, now);
    const line: Line<T> = { share, items: [], bucket, ticket: undefined };
    this.#lines.set(owner, line);
    return line;
  }

  #share(namespace: string): Share<T> {
    const share = this.#shares.get(namespace) ?? { namespace, lines: new Set<Line<T>>(), size: 0 };
    this.#shares.set(namespace, share);
    return share;
  }

  #all(now: number): TokenBucket {
    const { burst, periodMs } = this.#options.overall;
    return (this.#overall ??= new TokenBucket(burst, periodMs, now));
  }

  #count(line: Line<T>, more: number): void {
    this.#size += more;
    line.share.size += more;
    if (line.items.length > 0) line.share.lines.add(line);
    else line.share.lines.delete(line);
  }

  /** Gives the owner a turn behind the others, unless it has one. */
  #seat(line: Line<T>, now: number): void {
    if (line.items.length === 0 || line.ticket !== undefined) return;
    const waitMs = line.bucket.waitMs(now);
    if (waitMs > 0) {
      this.#resting.add(line);
      this.#wakeAt = Math.min(this.#wakeAt, now + waitMs);
    } else {
      this.#resting.delete(line);
      line.ticket = this.#turns.push(line, [line]);
    }
  }

  #unseat(line: Line<T>): void {
    if (line.ticket !== undefined) this.#turns.remove(line.ticket);
    line.ticket = undefined;
    this.#resting.delete(line);
  }

  #wake(now: number): void {
    if (now < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    for (const line of this.#resting) this.#seat(line, now);
  }

  #drop(line: Line<T>): T | undefined {
    const item = line.items.shift();
    this.#count(line, -1);
    if (line.items.length === 0) this.#unseat(line);
    return item;
  }

  /**
   * Returns the namespace with most waiting items. If there are several and `from` is one of them, returns
   * `from`.
   */
  #largest(from: Share<T>): Share<T> {
    let largest = from;
    for (const share of this.#shares.values()) if (share.size > largest.size) largest = share;
    return largest;
  }
}

/**
 * Returns the owner in a namespace with most waiting items. If there are several and `from` is one, returns
 * `from`.
 */
function longest<T>({ lines }: Share<T>, from: Line<T>): Line<T> {
  let line = lines.has(from) ? from : undefined;
  for (const each of lines) if (line === undefined || each.items.length > line.items.length) line = each;
  return line ?? from;
}
