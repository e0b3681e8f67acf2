import { Heap } from '../../util/heap.ts';
import type { HeapItem } from '../../util/heap.ts';
import { FairQueue, type Ticket } from '../../util/fair-queue.ts';
import { QueryShares, queryClasses, type QueryClass } from './query-shares.ts';
import type { QueryLimits } from './query-shares.ts';

export interface ScheduledQuery extends HeapItem {
  /** Changes only while the item is neither planned nor running. */
  queryClass: QueryClass;
  /** At least one while the item is planned. Call `plan` again after a change. */
  readonly owners: ReadonlyMap<string, { readonly namespace: string }>;
}

/**
 * Order of the classes in each turn, so that no class starves: new names do not wait behind known ones, and
 * known names do not wait behind new ones.
 */
const turns: readonly (readonly QueryClass[])[] = [
  ['steady', 'unsure', 'suspect'],
  ['unsure', 'steady', 'suspect'],
  ['steady', 'unsure', 'suspect'],
  ['suspect', 'unsure', 'steady'],
];

/**
 * Decides which question is sent next.
 *
 * Classes take turns. In each class namespaces take turns, and in each namespace its backends. The questions of
 * a backend are sent in the order in which they are due. A question of several backends is sent once, at the
 * first turn of any of them. `query-shares.ts` decides how many slots a class and a namespace may hold.
 *
 * So a namespace waits for at most one question of each other namespace, whatever the number of names there
 * and whether these are answered. The same holds for a backend and the others of its namespace.
 */
export class QueryScheduler<T extends ScheduledQuery> {
  readonly #room: QueryShares;
  readonly #planned = new Heap<T>();
  readonly #queues: Readonly<Record<QueryClass, FairQueue<string, T>>> = {
    steady: new FairQueue(namespaceOf),
    unsure: new FairQueue(namespaceOf),
    suspect: new FairQueue(namespaceOf),
  };
  /** Tickets of the questions that are due and wait for a slot. */
  readonly #tickets = new Map<T, Ticket<T>>();
  /** Namespace at whose turn each question in flight was taken. */
  readonly #running = new Map<T, string>();
  #turn = 0;

  constructor(limits: QueryLimits) {
    this.#room = new QueryShares(limits);
  }

  /** Number of questions in flight. */
  get running(): number {
    return this.#running.size;
  }

  /** Number of questions that were due at the last `due` or `take`, and wait for a slot. */
  get waiting(): number {
    return this.#tickets.size;
  }

  /** Plans the item for its `at`. Call it again after `at` or the owners have changed. */
  plan(item: T): void {
    this.#dequeue(item);
    this.#planned.push(item);
  }

  /** Returns true when the item is due and waits for a slot. */
  isWaiting(item: T): boolean {
    return this.#tickets.has(item);
  }

  /** Removes the item. Does nothing if it is not planned. */
  remove(item: T): void {
    this.#dequeue(item);
    this.#planned.remove(item);
  }

  /** Returns how many items are due, including those that wait for a slot. */
  due(now: number): number {
    for (let item = this.#planned.peek(); item !== undefined && item.at <= now; item = this.#planned.peek()) {
      this.#planned.remove(item);
      this.#tickets.set(item, this.#queues[item.queryClass].push(item, turnsOf(item)));
    }
    return this.#tickets.size;
  }

  /** Returns the next item that is due and may be sent. It holds its slot until `release`. */
  take(now: number): T | undefined {
    if (this.due(now) === 0) return undefined;
    for (const queryClass of turns[this.#turn % turns.length] ?? queryClasses) {
      const room = this.#room.of(queryClass);
      if (room <= 0) continue;
      const next = this.#queues[queryClass].turn(undefined, (namespace) =>
        this.#room.allows(queryClass, String(namespace), room),
      );
      if (next === undefined) continue;
      this.#turn += 1;
      this.#admit(next.item, namespaceOf(next.owner));
      return next.item;
    }
    return undefined;
  }

  /** Frees the slot of an item. Does nothing if it holds none. */
  release(item: T): void {
    const namespace = this.#running.get(item);
    if (namespace === undefined) return;
    this.#running.delete(item);
    this.#room.release(item.queryClass, namespace);
  }

  /**
   * Returns the instant at which the next item becomes due, after `take` returned undefined; Infinity: none
   * is planned.
   */
  nextAt(): number {
    return this.#planned.peek()?.at ?? Infinity;
  }

  #admit(item: T, namespace: string): void {
    this.#tickets.delete(item);
    this.#running.set(item, namespace);
    this.#room.take(item.queryClass, namespace);
  }

  #dequeue(item: T): void {
    const ticket = this.#tickets.get(item);
    if (ticket === undefined) return;
    this.#tickets.delete(item);
    this.#queues[item.queryClass].remove(ticket);
  }
}

/**
 * Maximum number of lines in which a question waits, unless its owners are in more namespaces. A question of
 * thousands of backends of one namespace needs no more turns.
 */
const maxTurns = 8;

/**
 * Returns the owners in whose lines a question waits, as `namespace/owner`: one of each namespace, and others
 * up to `maxTurns` in all.
 */
function turnsOf({ owners }: ScheduledQuery): readonly string[] {
  const all = [...owners].map(([owner, { namespace }]) => `${namespace}/${owner}`);
  if (all.length <= maxTurns) return all;
  const first = new Map(all.toReversed().map((turn) => [namespaceOf(turn), turn]));
  return [...new Set([...first.values(), ...all.slice(0, Math.max(0, maxTurns - first.size))])];
}

/** Returns the part before the slash. Names of namespaces have no slash. */
function namespaceOf(turn: string): string {
  return turn.slice(0, turn.indexOf('/'));
}
