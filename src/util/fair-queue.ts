import { LinkedList, type ListLink } from './linked-list.ts';

/**
 * Owners that share one place in the order of turns. A group is in the ring while one of its owners has
 * items.
 */
interface Group<Owner, Item> extends ListLink<Group<Owner, Item>> {
  readonly key: unknown;
  /** Lines of its owners that have items; the first line has the next turn of the group. */
  readonly lines: LinkedList<Line<Owner, Item>>;
}

/** Waiting items of one owner, oldest first. A line is in its group while it has items. */
interface Line<Owner, Item> extends ListLink<Line<Owner, Item>> {
  readonly owner: Owner;
  readonly group: Group<Owner, Item>;
  readonly entries: LinkedList<Entry<Owner, Item>>;
  size: number;
}

/** Item in the line of one of its owners. */
interface Entry<Owner, Item> extends ListLink<Entry<Owner, Item>> {
  readonly item: Item;
  readonly line: Line<Owner, Item>;
  /** Entry of the first owner; undefined: it is this entry. */
  readonly ticket: Entry<Owner, Item> | undefined;
  /** Entry of the next owner of the same item. */
  more: Entry<Owner, Item> | undefined;
  /** True while the item waits; only in the entry of its first owner. */
  isWaiting: boolean;
}

/** Place of one item in the queue: an argument of `remove`. */
export interface Ticket<Item> {
  readonly item: Item;
  readonly isWaiting: boolean;
}

export interface Turn<Owner, Item> {
  readonly owner: Owner;
  readonly item: Item;
}

type End = 'push' | 'unshift';

/**
 * Queue in which groups take turns, and in each group its owners. This is deficit round robin with equal
 * weights and equal costs, which is round robin. If owners are backends and groups are namespaces, the next
 * item of a namespace waits for at most one item of each other namespace, however many backends and items
 * these have.
 *
 * - Items of one owner leave in the order in which they were added.
 * - A group or an owner without items has no turn and saves no turns. It is put behind the others when it has
 *   items again.
 * - An item may have several owners, of several groups. It waits in the line of each owner and leaves all
 *   lines at once, at the first turn of any of them. The turns of the other owners are not used up.
 *
 * Each operation costs O(1) per owner of the item.
 */
export class FairQueue<Owner, Item> {
  readonly #groupOf: (owner: Owner) => unknown;
  readonly #groups = new Map<unknown, Group<Owner, Item>>();
  readonly #lines = new Map<Owner, Line<Owner, Item>>();
  /** Groups with items; the first one has the next turn. */
  readonly #ring = new LinkedList<Group<Owner, Item>>();
  #size = 0;

  /**
   * @param groupOf returns the group of an owner, which never changes; default: each owner is a group of its
   * own
   */
  constructor(groupOf: (owner: Owner) => unknown = (owner) => owner) {
    this.#groupOf = groupOf;
  }

  /** Number of items that wait. An item of several owners counts once. */
  get size(): number {
    return this.#size;
  }

  /** Number of owners that have items. */
  get owners(): number {
    return this.#lines.size;
  }

  /** Number of groups that have items. */
  get groups(): number {
    return this.#groups.size;
  }

  /** Returns the number of items of the owner. */
  sizeOf(owner: Owner): number {
    return this.#lines.get(owner)?.size ?? 0;
  }

  /** Returns true when the group has items. */
  hasGroup(group: unknown): boolean {
    return this.#groups.has(group);
  }

  /** Adds the item at the end of the line of each owner. `owners` has at least one, and no duplicates. */
  push(item: Item, owners: readonly Owner[]): Ticket<Item> {
    return this.#add(item, owners, 'push');
  }

  /**
   * Returns an item to the queue that should not have been taken: it becomes the first item of its owners.
   * Owners and groups that have no other item get the next turns.
   */
  unshift(item: Item, owners: readonly Owner[]): Ticket<Item> {
    return this.#add(item, owners, 'unshift');
  }

  /** Removes and returns the oldest item of the owner that has the next turn. */
  shift(): Item | undefined {
    return this.turn()?.item;
  }

  /**
   * Like `shift`, but returns the owner too. Owners and groups that are not allowed are skipped and keep
   * their place. Each of them costs one call.
   */
  turn(
    allows: (owner: Owner) => boolean = () => true,
    allowsGroup: (group: unknown) => boolean = () => true,
  ): Turn<Owner, Item> | undefined {
    for (let group = this.#ring.first; group !== undefined; group = group.next) {
      if (!allowsGroup(group.key)) continue;
      let line = group.lines.first;
      while (line !== undefined && !allows(line.owner)) line = line.next;
      const taken = line?.entries.first;
      if (line === undefined || taken === undefined) continue;
      this.#leave(taken.ticket ?? taken);
      this.#rotate(group, line);
      return { owner: line.owner, item: taken.item };
    }
    return undefined;
  }

  /** Returns true when `allows` accepts a group that has items. */
  hasGroupThat(allows: (group: unknown) => boolean): boolean {
    let group = this.#ring.first;
    while (group !== undefined && !allows(group.key)) group = group.next;
    return group !== undefined;
  }

  /** Removes and returns the oldest item of this owner, outside of its turn. */
  shiftOf(owner: Owner): Item | undefined {
    const taken = this.#lines.get(owner)?.entries.first;
    if (taken !== undefined) this.#leave(taken.ticket ?? taken);
    return taken?.item;
  }

  /** Removes the item of a ticket of this queue. Returns false if the item no longer waits. */
  remove(ticket: Ticket<Item>): boolean {
    if (!ticket.isWaiting) return false;
    this.#leave(ticket as Entry<Owner, Item>);
    return true;
  }

  #add(item: Item, owners: readonly Owner[], end: End): Ticket<Item> {
    let ticket: Entry<Owner, Item> | undefined;
    let last: Entry<Owner, Item> | undefined;
    for (const owner of owners) {
      const line = this.#lineOf(owner, end);
      const entry = newEntry(item, line, ticket);
      line.entries[end](entry);
      line.size += 1;
      if (last !== undefined) last.more = entry;
      ticket ??= entry;
      last = entry;
    }
    if (ticket === undefined) throw new Error('an item of a FairQueue has at least one owner');
    this.#size += 1;
    return ticket;
  }

  #lineOf(owner: Owner, end: End): Line<Owner, Item> {
    const known = this.#lines.get(owner);
    if (known !== undefined) return known;
    const group = this.#group(this.#groupOf(owner), end);
    const line = {
      prev: undefined,
      next: undefined,
      owner,
      group,
      entries: new LinkedList<Entry<Owner, Item>>(),
      size: 0,
    };
    this.#lines.set(owner, line);
    group.lines[end](line);
    return line;
  }

  #group(key: unknown, end: End): Group<Owner, Item> {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = { prev: undefined, next: undefined, key, lines: new LinkedList<Line<Owner, Item>>() };
    this.#groups.set(key, group);
    this.#ring[end](group);
    return group;
  }

  /**
   * Moves the owner that had its turn behind the others of its group, and the group behind the other groups.
   */
  #rotate(group: Group<Owner, Item>, line: Line<Owner, Item>): void {
    if (line.size > 0) {
      group.lines.remove(line);
      group.lines.push(line);
    }
    if (group.lines.first === undefined) return;
    this.#ring.remove(group);
    this.#ring.push(group);
  }

  #leave(ticket: Entry<Owner, Item>): void {
    ticket.isWaiting = false;
    this.#size -= 1;
    for (let entry: Entry<Owner, Item> | undefined = ticket; entry !== undefined; entry = entry.more) {
      const { line } = entry;
      line.entries.remove(entry);
      line.size -= 1;
      if (line.size === 0) this.#end(line);
    }
  }

  #end(line: Line<Owner, Item>): void {
    const { group } = line;
    this.#lines.delete(line.owner);
    group.lines.remove(line);
    if (group.lines.first !== undefined) return;
    this.#ring.remove(group);
    this.#groups.delete(group.key);
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
