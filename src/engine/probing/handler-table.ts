import type { Handler } from '../../core/probing/check.ts';
import { isSame } from '../../core/kubernetes/is-same.ts';
import { shortHash } from '../../core/kubernetes/short-hash.ts';

/** Object that is shared by all handlers of equal content. */
export interface InternedHandler {
  readonly id: number;
  readonly handler: Handler;
}

interface Entry extends InternedHandler {
  readonly hash: string;
  /** Number of tasks that use it. */
  users: number;
  isRemoved: boolean;
}

/**
 * Interns handlers by content, so that a number identifies the handler of a probe. A handler may contain a
 * password and PEM texts of hundreds of kilobytes, and 2,000 checks may share it. Contents are compared; a
 * hash only finds the candidates. Each handler object is hashed and compared once, which is once per group of
 * ports and reconcile; with a hint nothing is hashed. An entry exists while a task uses it.
 */
export class HandlerTable {
  readonly #byHash = new Map<string, readonly Entry[]>();
  readonly #byObject = new WeakMap<Handler, Entry>();
  #lastId = 0;

  /** Number of handlers with different contents. */
  get size(): number {
    return [...this.#byHash.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Returns the entry of all handlers with this content.
   *
   * @param hint an entry in use that is probably equal, for example of the same check before a change
   */
  intern(handler: Handler, hint?: InternedHandler): InternedHandler {
    const known = this.#byObject.get(handler);
    if (known?.isRemoved === false) return known;
    const hinted = hint && this.#byObject.get(hint.handler);
    const entry =
      hinted?.isRemoved === false && isSame(hinted.handler, handler) ? hinted : this.#find(handler);
    this.#byObject.set(handler, entry);
    return entry;
  }

  /** Counts a task that uses the entry; one `release` must follow. */
  use({ handler }: InternedHandler): void {
    const entry = this.#byObject.get(handler);
    if (entry !== undefined) entry.users += 1;
  }

  release({ handler }: InternedHandler): void {
    const entry = this.#byObject.get(handler);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.isRemoved = true;
    const others = (this.#byHash.get(entry.hash) ?? []).filter((each) => each !== entry);
    if (others.length > 0) this.#byHash.set(entry.hash, others);
    else this.#byHash.delete(entry.hash);
  }

  #find(handler: Handler): Entry {
    const hash = shortHash(JSON.stringify(handler, sample));
    const entries = this.#byHash.get(hash) ?? [];
    const known = entries.find((each) => isSame(each.handler, handler));
    if (known !== undefined) return known;
    this.#lastId += 1;
    const entry = { id: this.#lastId, handler, hash, users: 0, isRemoved: false };
    this.#byHash.set(hash, [...entries, entry]);
    return entry;
  }
}

/**
 * Shortens a long text before it is hashed, because hashing all of it costs milliseconds. Most texts still
 * differ.
 */
function sample(_: string, value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= 256) return value;
  const middle = value.length >> 1;
  return [value.length, value.slice(0, 64), value.slice(middle, middle + 64), value.slice(-64)];
}
