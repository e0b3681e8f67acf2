import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { keyOf } from './store.ts';
import type { Change } from './store.ts';

/** Index of objects by group. It follows a store, one change at a time. */
export class Index<T extends KubeObject> {
  readonly #groupsOf: (object: T) => readonly string[];
  readonly #groups = new Map<string, Map<string, T>>();

  /** @param groupsOf returns the names of the groups of an object */
  constructor(groupsOf: (object: T) => readonly string[]) {
    this.#groupsOf = groupsOf;
  }

  get(group: string): readonly T[] {
    const members = this.#groups.get(group);
    return members === undefined ? [] : [...members.values()];
  }

  apply({ before, after }: Change<T>): void {
    if (before !== undefined) this.#leave(before);
    if (after !== undefined) this.#join(after);
  }

  #leave(object: T): void {
    for (const group of this.#groupsOf(object)) {
      const members = this.#groups.get(group);
      members?.delete(keyOf(object));
      if (members?.size === 0) this.#groups.delete(group);
    }
  }

  #join(object: T): void {
    for (const group of this.#groupsOf(object)) {
      const members = this.#groups.get(group);
      if (members === undefined) this.#groups.set(group, new Map([[keyOf(object), object]]));
      else members.set(keyOf(object), object);
    }
  }
}
