import { Chain, type Link } from './chain.ts';

/** The waiting items of one owner, oldest first. A line is in the ring while it has items. */
interface Line<Owner, Item> extends Link<Line<Owner, Item>> {
  readonly owner: Owner;
  readonly entries: Chain<Entry<Owner, Item>>;
  size: number;
}

/** An item in the line of one of its owners. */
interface Entry<Owner, Item> extends Link<Entry<Owner, Item>> {
  readonly item: Item;
  readonly line: Line<Owner, Item>;
  /** The entry of the first owner; undefined: it is this one. */
  readonly ticket: Entry<Owner, Item> | undefined;
  /** The entry of the next owner of the same item. */
  more: Entry<Owner, Item> | undefined;
  /** True for the first entry when the item waits. */
  isWaiting: boolean;
}

/** The place of one waiting item: for `remove`. */
export interface Ticket<Item> {
  readonly item: Item;
  readonly isWaiting: boolean;
}

export interface Turn<Owner, Item> {
  readonly owner: Owner;
  readonly item: Item;
}

/**
 * A queue in which owners take turns: deficit round robin with the same weight for each owner and the same cost for
 * each item, which is round robin. However many items one owner has, another owner's next item waits for at most one
 * item of each other owner.
 *
 * - Items of one owner leave in the order in which they came.
 * - An owner without items has no turn and saves none; it joins again behind the other owners.
 * - An item may have several owners. It waits in the line of each and leaves all lines at once, at the turn of
 *   whichever owner is next; the turns of the others are not used up.
 *
 * Each operation costs O(1) per owner of the item.
 */
export class FairQueue<Owner, Item> {
  readonly #lines = new Map<Owner, Line<Owner, Item>>();
  /** Lines with items; the first one has the next turn. */
  readonly #ring = new Chain<Line<Owner, Item>>();
  #size = 0;

  /** Items that wait; one with several owners counts once. */
  get size(): number {
    return this.#size;
  }

  /** Owners with items. */
  get owners(): number {
    return this.#lines.size;
  }

  sizeOf(owner: Owner): number {
    return this.#lines.get(owner)?.size ?? 0;
  }

  /** Adds the item at the end of each owner's line. `owners`: at least one, each once. */
  push(item: Item, owners: readonly Owner[]): Ticket<Item> {
    return this.#add(item, owners, 'push');
  }

  /** Gives an item back that should not have been taken: it is the first of its owners, and these have the next turns. */
  unshift(item: Item, owners: readonly Owner[]): Ticket<Item> {
    return this.#add(item, owners, 'unshift');
  }

  /** Takes the oldest item of the owner whose turn it is. */
  shift(): Item | undefined {
    return this.turn()?.item;
  }

  /**
   * The same, with the owner whose turn it was. Owners that `allows` refuses are passed over and keep their place;
   * each of them costs one call.
   */
  turn(allows: (owner: Owner) => boolean = () => true): Turn<Owner, Item> | undefined {
    let line = this.#ring.first;
    while (line !== undefined && !allows(line.owner)) line = line.next;
    const taken = line?.entries.first;
    if (line === undefined || taken === undefined) return undefined;
    this.#leave(taken.ticket ?? taken);
    if (line.size > 0) {
      this.#ring.remove(line);
      this.#ring.push(line);
    }
    return { owner: line.owner, item: taken.item };
  }

  /** Takes the oldest item of this owner, out of turn. */
  shiftOf(owner: Owner): Item | undefined {
    const taken = this.#lines.get(owner)?.entries.first;
    if (taken !== undefined) this.#leave(taken.ticket ?? taken);
    return taken?.item;
  }

  /** Removes the item of a ticket of this queue. Returns false where it does not wait any more. */
  remove(ticket: Ticket<Item>): boolean {
    if (!ticket.isWaiting) return false;
    this.#leave(ticket as Entry<Owner, Item>);
    return true;
  }

  #add(item: Item, owners: readonly Owner[], how: 'push' | 'unshift'): Ticket<Item> {
    let ticket: Entry<Owner, Item> | undefined;
    let last: Entry<Owner, Item> | undefined;
    for (const owner of owners) {
      const line = this.#lineOf(owner, how);
      const entry = newEntry(item, line, ticket);
      line.entries[how](entry);
      line.size += 1;
      if (last !== undefined) last.more = entry;
      ticket ??= entry;
      last = entry;
    }
    if (ticket === undefined) throw new Error('an item of a FairQueue has at least one owner');
    this.#size += 1;
    return ticket;
  }

  #lineOf(owner: Owner, how: 'push' | 'unshift'): Line<Owner, Item> {
    const known = this.#lines.get(owner);
    if (known !== undefined) return known;
    const line: Line<Owner, Item> = {
      prev: undefined,
      next: undefined,
      owner,
      entries: new Chain(),
      size: 0,
    };
    this.#lines.set(owner, line);
    this.#ring[how](line);
    return line;
  }

  #leave(ticket: Entry<Owner, Item>): void {
    ticket.isWaiting = false;
    this.#size -= 1;
    for (let entry: Entry<Owner, Item> | undefined = ticket; entry !== undefined; entry = entry.more) {
      const { line } = entry;
      line.entries.remove(entry);
      line.size -= 1;
      if (line.size > 0) continue;
      this.#ring.remove(line);
      this.#lines.delete(line.owner);
    }
  }
}

const newEntry = <Owner, Item>(
  item: Item,
  line: Line<Owner, Item>,
  ticket: Entry<Owner, Item> | undefined,
): Entry<Owner, Item> => ({
  prev: undefined,
  next: undefined,
  item,
  line,
  ticket,
  more: undefined,
  isWaiting: true,
});
