/** Member of a chain. Only the chain may change the two fields. */
export interface ListLink<T> {
  prev: T | undefined;
  next: T | undefined;
}

/**
 * A doubly linked list whose members carry their own links: inserting and removing cost O(1) and allocate
 * nothing.
 */
export class LinkedList<T extends ListLink<T>> {
  #first: T | undefined;
  #last: T | undefined;

  get first(): T | undefined {
    return this.#first;
  }

  push(item: T): void {
    item.prev = this.#last;
    item.next = undefined;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  unshift(item: T): void {
    item.prev = undefined;
    item.next = this.#first;
    if (this.#first === undefined) this.#last = item;
    else this.#first.prev = item;
    this.#first = item;
  }

  /** The item must be in this chain. */
  remove(item: T): void {
    const { prev, next } = item;
    if (prev === undefined) this.#first = next;
    else prev.next = next;
    if (next === undefined) this.#last = prev;
    else next.prev = prev;
    item.prev = item.next = undefined;
  }
}
