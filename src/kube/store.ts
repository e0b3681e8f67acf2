import type { KubeObject } from '../core/objects.ts';

/** One step of one object. Both sides present: an update; a new life under an old name comes as two changes. */
export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
  /** The answer to a write of our own for which the writer waits, not something that was watched. */
  readonly own: boolean;
}

/**
 * Compares resource versions: the API defines them as comparable decimal integers (KEP-5504, stable in 1.35; etcd
 * revisions before). Negative when `a` is the older; 0 also when either is absent.
 */
export function compareVersions(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined || a === b) return 0;
  return a.length === b.length ? (a < b ? -1 : 1) : a.length - b.length;
}

export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}

/**
 * The objects of one kind, fed from two sides: the watch, which is complete and in order but late, and the answers
 * to our own writes, which are early. Neither may roll back what the other knows.
 *
 * | held          | comes                                          | result                                     |
 * |---------------|------------------------------------------------|--------------------------------------------|
 * | nothing       | watched, deleted by ourselves before           | nothing (a late event of a deleted object) |
 * | nothing       | watched                                        | added                                      |
 * | nothing       | own answer, older than what was watched last   | nothing (somebody deleted it meanwhile)    |
 * | nothing       | own answer, newer                              | added                                      |
 * | nothing       | read, one that the watch leaves out            | added, however old                         |
 * | same uid      | not newer                                      | nothing                                    |
 * | same uid      | newer                                          | updated                                    |
 * | another uid   | older                                          | nothing (an event of the former life)      |
 * | another uid   | newer                                          | deleted, then added                        |
 */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  /** Uids that we deleted and the watch has not yet reported: a uid never comes back. */
  readonly #gone = new Set<string>();
  #position: string | undefined;

  /** How far the watch has come. */
  get position(): string | undefined {
    return this.#position;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  advance(version: string | undefined): void {
    if (version !== undefined) this.#position = version;
  }

  /** A watched ADDED or MODIFIED. */
  watched(object: T): Change<T>[] {
    this.advance(object.metadata.resourceVersion);
    return this.#isGone(object) ? [] : this.#accept(object, false);
  }

  /** A watched DELETED. */
  watchedGone(object: T): Change<T>[] {
    this.advance(object.metadata.resourceVersion);
    this.#gone.delete(object.metadata.uid ?? '');
    return this.#drop(keyOf(object), object.metadata.uid, false);
  }

  /** The answer to a write of our own. */
  put(object: T, own = true): Change<T>[] {
    if (this.#isGone(object)) return [];
    const held = this.#objects.has(keyOf(object));
    if (!held && compareVersions(object.metadata.resourceVersion, this.#position) < 0) return [];
    return this.#accept(object, own);
  }

  /** An object that the watch leaves out, just read: the watch has no say in how old it is. The next write to it tells when it is gone. */
  putHidden(object: T, own = true): Change<T>[] {
    return this.#isGone(object) ? [] : this.#accept(object, own);
  }

  /** We deleted the object: later events of that uid are history. */
  remove(key: string, uid: string, own = true): Change<T>[] {
    if (this.#objects.get(key)?.metadata.uid !== uid) return [];
    this.#gone.add(uid);
    return this.#drop(key, uid, own);
  }

  /**
   * Takes a whole list in one step; what was written while it was read stays.
   *
   * A list older than the watch means that the server lost history (a restored backup): then the list alone counts.
   */
  replace(listed: readonly T[], version: string): Change<T>[] {
    const reset = compareVersions(version, this.#position) < 0;
    if (reset) this.#gone.clear();
    const changes: Change<T>[] = [];
    const keys = new Set(listed.map(keyOf));
    for (const [key, held] of this.#objects) {
      if (keys.has(key) || (!reset && compareVersions(held.metadata.resourceVersion, version) > 0)) continue;
      changes.push(...this.#drop(key, held.metadata.uid, false));
    }
    for (const object of listed) {
      if (!this.#isGone(object)) changes.push(...this.#accept(object, false, reset));
    }
    this.#forgetGone(listed);
    this.#position = version;
    return changes;
  }

  #forgetGone(listed: readonly T[]): void {
    if (this.#gone.size === 0) return;
    const uids = new Set(listed.map((object) => object.metadata.uid));
    for (const uid of this.#gone) if (!uids.has(uid)) this.#gone.delete(uid);
  }

  #isGone(object: T): boolean {
    return this.#gone.size > 0 && this.#gone.has(object.metadata.uid ?? '');
  }

  #accept(object: T, own: boolean, evenOlder = false): Change<T>[] {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before === undefined) {
      this.#objects.set(key, object);
      return [{ before, after: object, own }];
    }
    const age = compareVersions(object.metadata.resourceVersion, before.metadata.resourceVersion);
    if (age === 0 || (age < 0 && !evenOlder)) return [];
    this.#objects.set(key, object);
    if (before.metadata.uid === object.metadata.uid) return [{ before, after: object, own }];
    return [
      { before, after: undefined, own },
      { before: undefined, after: object, own },
    ];
  }

  #drop(key: string, uid: string | undefined, own: boolean): Change<T>[] {
    const before = this.#objects.get(key);
    if (before === undefined || before.metadata.uid !== uid) return [];
    this.#objects.delete(key);
    return [{ before, after: undefined, own }];
  }
}
