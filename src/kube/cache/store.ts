import type { KubeObject } from '../../core/kubernetes/objects.ts';

/**
 * Change of one object. With both sides it is an update. An object that was replaced under its name is two
 * changes.
 */
export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
  /**
   * True for the answer to a write of the operator for which the writer waits; false for a watched change.
   */
  readonly isOwnWrite: boolean;
}

/**
 * Compares resource versions, which are comparable decimal integers (KEP-5504, stable in 1.35; before that
 * revisions of etcd). Returns a negative number if `a` is older, and 0 also if one of them is absent.
 */
export function compareVersions(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined || a === b) return 0;
  return a.length === b.length ? (a < b ? -1 : 1) : a.length - b.length;
}

/** Returns `namespace/name` of the object. */
export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}

/**
 * Cache of the objects of one kind. It has two sources: the watch, which is complete and ordered and comes
 * late, and the answers to writes of the operator, which come early. Neither may replace newer data of the
 * other.
 *
 * | cached        | received                                       | result                                     |
 * |---------------|------------------------------------------------|--------------------------------------------|
 * | nothing       | watched, deleted by the operator before        | nothing (a late event of a deleted object) |
 * | nothing       | watched                                        | added                                      |
 * | nothing       | answer, older than the last watched version    | nothing (another client deleted it meanwhile) |
 * | nothing       | answer, newer                                  | added                                      |
 * | nothing       | read, an object that the watch leaves out      | added, however old                         |
 * | same uid      | not newer                                      | nothing                                    |
 * | same uid      | newer                                          | updated                                    |
 * | another uid   | older                                          | nothing (an event of the former object)    |
 * | another uid   | newer                                          | deleted, then added                        |
 */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  /**
   * Uids of objects that the operator deleted and the watch has not yet reported. A uid is never used again.
   */
  readonly #deletedUids = new Set<string>();
  #position: string | undefined;

  /** Version that the watch has reached. */
  get resourceVersion(): string | undefined {
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

  /** Takes a watched ADDED or MODIFIED. */
  watched(object: T): Change<T>[] {
    this.advance(object.metadata.resourceVersion);
    return this.#isGone(object) ? [] : this.#accept(object, false);
  }

  /** Takes a watched DELETED. */
  watchedDeleted(object: T): Change<T>[] {
    this.advance(object.metadata.resourceVersion);
    this.#deletedUids.delete(object.metadata.uid ?? '');
    return this.#drop(keyOf(object), object.metadata.uid, false);
  }

  /** Takes the answer to a write of the operator. */
  put(object: T, own = true): Change<T>[] {
    if (this.#isGone(object)) return [];
    const held = this.#objects.has(keyOf(object));
    if (!held && compareVersions(object.metadata.resourceVersion, this.#position) < 0) return [];
    return this.#accept(object, own);
  }

  /**
   * Takes an object that was just read and that the watch leaves out, so the version of the watch does not
   * matter. The next write to the object shows whether it was deleted.
   */
  putUnwatched(object: T, own = true): Change<T>[] {
    return this.#isGone(object) ? [] : this.#accept(object, own);
  }

  /** Records that the operator deleted the object. Later events of that uid are ignored. */
  remove(key: string, uid: string, own = true): Change<T>[] {
    if (this.#objects.get(key)?.metadata.uid !== uid) return [];
    this.#deletedUids.add(uid);
    return this.#drop(key, uid, own);
  }

  /**
   * Takes a complete list in one step. Objects that were written while it was read remain.
   *
   * A list older than the watch means that the server lost its history (a restored backup). Then the list
   * replaces all.
   */
  replace(listed: readonly T[], version: string): Change<T>[] {
    const reset = compareVersions(version, this.#position) < 0;
    if (reset) this.#deletedUids.clear();
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
    if (this.#deletedUids.size === 0) return;
    const uids = new Set(listed.map((object) => object.metadata.uid));
    for (const uid of this.#deletedUids) if (!uids.has(uid)) this.#deletedUids.delete(uid);
  }

  #isGone(object: T): boolean {
    return this.#deletedUids.size > 0 && this.#deletedUids.has(object.metadata.uid ?? '');
  }

  #accept(object: T, isOwnWrite: boolean, evenOlder = false): Change<T>[] {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before === undefined) {
      this.#objects.set(key, object);
      return [{ before, after: object, isOwnWrite }];
    }
    const age = compareVersions(object.metadata.resourceVersion, before.metadata.resourceVersion);
    if (age === 0 || (age < 0 && !evenOlder)) return [];
    this.#objects.set(key, object);
    if (before.metadata.uid === object.metadata.uid) return [{ before, after: object, isOwnWrite }];
    return [
      { before, after: undefined, isOwnWrite },
      { before: undefined, after: object, isOwnWrite },
    ];
  }

  #drop(key: string, uid: string | undefined, isOwnWrite: boolean): Change<T>[] {
    const before = this.#objects.get(key);
    if (before === undefined || before.metadata.uid !== uid) return [];
    this.#objects.delete(key);
    return [{ before, after: undefined, isOwnWrite }];
  }
}
