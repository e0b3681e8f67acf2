import { Heap } from '../engine/heap.ts';
import type { HeapItem } from '../engine/heap.ts';
import { FairQueue, type Ticket } from '../util/fair-queue.ts';
import { LaneRoom, lanes, type Lane } from './lane-room.ts';
import type { LaneLimits } from './lane-room.ts';

export interface AgendaItem extends HeapItem {
  /** Must change only while the item is neither planned nor running. */
  lane: Lane;
  /** At least one while the item is planned. `plan` again after a change. */
  readonly owners: ReadonlyMap<string, { readonly namespace: string }>;
}

/** Order of the lanes, turn by turn, so that none of them starves: a new name does not wait behind known ones, nor these behind new ones. */
const turns: readonly (readonly Lane[])[] = [
  ['steady', 'unsure', 'suspect'],
  ['unsure', 'steady', 'suspect'],
  ['steady', 'unsure', 'suspect'],
  ['suspect', 'unsure', 'steady'],
];

/**
 * Decides which question is asked next. Lanes take turns; in each lane namespaces take turns, in a namespace its
 * backends, and the questions of a backend leave in the order in which they are due. A question of several backends is
 * asked once, at the turn of whichever comes first. How many slots a lane and a namespace may hold is decided by
 * `lane-room.ts`.
 *
 * So whatever the number of names of another namespace, and whether they answer, a namespace waits for one question of
 * each other namespace at most; and a backend likewise for the others of its namespace.
 */
export class Agenda<T extends AgendaItem> {
  readonly #room: LaneRoom;
  readonly #planned = new Heap<T>();
  readonly #queues: Readonly<Record<Lane, FairQueue<string, T>>> = {
    steady: new FairQueue(namespaceOf),
    unsure: new FairQueue(namespaceOf),
    suspect: new FairQueue(namespaceOf),
  };
  /** Tickets of the questions that are due and wait for a slot. */
  readonly #tickets = new Map<T, Ticket<T>>();
  /** Namespaces at whose turn the questions that run were taken. */
  readonly #running = new Map<T, string>();
  #turn = 0;

  constructor(limits: LaneLimits) {
    this.#room = new LaneRoom(limits);
  }

  get running(): number {
    return this.#running.size;
  }

  /** Questions that were due at the last `due` or `take`, and wait. */
  get waiting(): number {
    return this.#tickets.size;
  }

  /** Plans the item for its `at`, or moves it after that or its owners have changed. */
  plan(item: T): void {
    this.#dequeue(item);
    this.#planned.push(item);
  }

  /** True when the item is due and waits for a slot. */
  isWaiting(item: T): boolean {
    return this.#tickets.has(item);
  }

  /** Does nothing when the item is not planned. */
  remove(item: T): void {
    this.#dequeue(item);
    this.#planned.remove(item);
  }

  /** Returns how many items are due, those that wait for a slot included. */
  due(now: number): number {
    for (let item = this.#planned.peek(); item !== undefined && item.at <= now; item = this.#planned.peek()) {
      this.#planned.remove(item);
      this.#tickets.set(item, this.#queues[item.lane].push(item, turnsOf(item)));
    }
    return this.#tickets.size;
  }

  /** The next item that is due and may be asked; it has its slot then, until `release`. */
  take(now: number): T | undefined {
    if (this.due(now) === 0) return undefined;
    for (const lane of turns[this.#turn % turns.length] ?? lanes) {
      const room = this.#room.of(lane);
      if (room <= 0) continue;
      const next = this.#queues[lane].turn(undefined, (namespace) =>
        this.#room.allows(lane, String(namespace), room),
      );
      if (next === undefined) continue;
      this.#turn += 1;
      this.#admit(next.item, namespaceOf(next.owner));
      return next.item;
    }
    return undefined;
  }

  release(item: T): void {
    const namespace = this.#running.get(item);
    if (namespace === undefined) return;
    this.#running.delete(item);
    this.#room.release(item.lane, namespace);
  }

  /** When an item becomes due, after `take` had nothing more; Infinity: not until then. */
  nextAt(): number {
    return this.#planned.peek()?.at ?? Infinity;
  }

  #admit(item: T, namespace: string): void {
    this.#tickets.delete(item);
    this.#running.set(item, namespace);
    this.#room.take(item.lane, namespace);
  }

  #dequeue(item: T): void {
    const ticket = this.#tickets.get(item);
    if (ticket === undefined) return;
    this.#tickets.delete(item);
    this.#queues[item.lane].remove(ticket);
  }
}

/** A question that thousands of one namespace follow has as many turns as it needs. */
const mostTurns = 8;

/** Owners in whose lines a question waits, as `namespace/owner`: one of each namespace, and up to `mostTurns` in all. */
function turnsOf({ owners }: AgendaItem): readonly string[] {
  const all = [...owners].map(([owner, { namespace }]) => `${namespace}/${owner}`);
  if (all.length <= mostTurns) return all;
  const first = new Map(all.toReversed().map((turn) => [namespaceOf(turn), turn]));
  return [...new Set([...first.values(), ...all.slice(0, Math.max(0, mostTurns - first.size))])];
}

/** The part before the slash, which no namespace has. */
function namespaceOf(turn: string): string {
  return turn.slice(0, turn.indexOf('/'));
}
