/** Backends of a namespace, as `namespace/name`. Each set is in the order of arrival. */
interface Members {
  readonly shown: Set<string>;
  readonly hidden: Set<string>;
}

/** Backends that gained and lost a place. */
export interface PlaceChange {
  readonly gained?: string;
  readonly lost?: string;
}

/**
 * Places for series of backends, in max-min fair shares by namespace. Invariants between calls:
 * - at most `max` backends have a place, and no backend waits while a place is free;
 * - a namespace with a waiting backend has at most one place less than any other namespace.
 *
 * A place is moved only to restore these, so a backend keeps its place between scrapes.
 *
 * | change                 | places                                                             | result                                  |
 * |------------------------|--------------------------------------------------------------------|-----------------------------------------|
 * | a backend is added     | one is free                                                        | the backend gets it                     |
 * | a backend is added     | none is free, another namespace has at least two more than its own | the newest backend of the largest namespace loses its place to it |
 * | a backend is added     | none is free, otherwise                                            | the backend waits                       |
 * | a backend with a place is removed | -                                                       | the oldest waiting backend of the namespace with the fewest places gets the place |
 */
export class SeriesPlaces {
  readonly #max: number;
  readonly #namespaces = new Map<string, Members>();
  #taken = 0;

  /** @param max backends with a place */
  constructor(max: number) {
    this.#max = max;
  }

  has(key: string): boolean {
    return this.#namespaces.get(namespaceOf(key))?.shown.has(key) ?? false;
  }

  /** Returns the number of waiting backends by namespace, for namespaces with one. */
  waiting(): ReadonlyMap<string, number> {
    const waiting = [...this.#namespaces].filter(([, { hidden }]) => hidden.size > 0);
    return new Map(waiting.map(([namespace, { hidden }]) => [namespace, hidden.size]));
  }

  /** Adds a backend. Nothing changes for a known one. Takes time in the number of namespaces when no place is free. */
  add(key: string): PlaceChange {
    const own = this.#members(namespaceOf(key));
    if (own.shown.has(key) || own.hidden.has(key)) return {};
    if (this.#taken < this.#max) {
      this.#taken += 1;
      own.shown.add(key);
      return { gained: key };
    }
    const largest = this.#largest();
    const lost = largest.shown.size > own.shown.size + 1 ? [...largest.shown].at(-1) : undefined;
    if (lost === undefined) {
      own.hidden.add(key);
      return {};
    }
    largest.shown.delete(lost);
    largest.hidden.add(lost);
    own.shown.add(key);
    return { gained: key, lost };
  }

  remove(key: string): PlaceChange {
    const namespace = namespaceOf(key);
    const own = this.#members(namespace);
    own.hidden.delete(key);
    const had = own.shown.delete(key);
    const gained = had ? this.#refill() : undefined;
    if (own.shown.size + own.hidden.size === 0) this.#namespaces.delete(namespace);
    return { ...(had && { lost: key }), ...(gained !== undefined && { gained }) };
  }

  #refill(): string | undefined {
    let fewest: Members | undefined;
    for (const members of this.#namespaces.values())
      if (members.hidden.size > 0 && members.shown.size < (fewest?.shown.size ?? Infinity)) fewest = members;
    const [next] = fewest?.hidden ?? [];
    if (fewest === undefined || next === undefined) {
      this.#taken -= 1;
      return undefined;
    }
    fewest.hidden.delete(next);
    fewest.shown.add(next);
    return next;
  }

  #largest(): Members {
    let largest: Members = { shown: new Set(), hidden: new Set() };
    for (const members of this.#namespaces.values())
      if (members.shown.size > largest.shown.size) largest = members;
    return largest;
  }

  #members(namespace: string): Members {
    const known = this.#namespaces.get(namespace) ?? { shown: new Set(), hidden: new Set() };
    this.#namespaces.set(namespace, known);
    return known;
  }
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));
