/** Item of a heap. Only the heap changes `order` and `slot`; `slot` is -1 while the item is in no heap. */
export interface HeapItem {
  /**
   * Monotonic milliseconds. While the item is in the heap, it may only be changed right before `push` moves
   * the item.
   */
  at: number;
  order: number;
  slot: number;
}

/**
 * Binary heap on `at`, first in first out among equals. Each item contains its position, so moving and
 * removing cost O(log n).
 */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  #pushed = 0;

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** Inserts the item, or moves it after its `at` has changed. */
  push(item: T): void {
    item.order = this.#pushed++;
    const slot = item.slot >= 0 ? item.slot : this.#items.length;
    this.#sink(item, this.#rise(item, slot));
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Does nothing when the item is not in the heap. */
  remove(item: T): void {
    const slot = item.slot;
    if (slot < 0) return;
    item.slot = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#sink(last, this.#rise(last, slot));
  }

  /** Number of items that are due at `now`. Visits only those. */
  countDue(now: number, slot = 0): number {
    const item = this.#items[slot];
    if (item === undefined || item.at > now) return 0;
    return 1 + this.countDue(now, 2 * slot + 1) + this.countDue(now, 2 * slot + 2);
  }

  /** Moves the hole at `slot` up to the position of `item`, and returns that position. */
  #rise(item: T, slot: number): number {
    while (slot > 0) {
      const up = (slot - 1) >> 1;
      const parent = this.#items[up];
      if (parent === undefined || !before(item, parent)) break;
      this.#place(parent, slot);
      slot = up;
    }
    return slot;
  }

  /** Moves the hole at `slot` down to the position of `item`, and inserts the item there. */
  #sink(item: T, slot: number): void {
    for (;;) {
      const left = this.#items[2 * slot + 1];
      const right = this.#items[2 * slot + 2];
      const child = left !== undefined && right !== undefined && before(right, left) ? right : left;
      if (child === undefined || !before(child, item)) break;
      const down = child.slot;
      this.#place(child, slot);
      slot = down;
    }
    this.#place(item, slot);
  }

  #place(item: T, slot: number): void {
    this.#items[slot] = item;
    item.slot = slot;
  }
}

function before(a: HeapItem, b: HeapItem): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
