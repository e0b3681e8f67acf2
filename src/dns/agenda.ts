import { FairQueue, type Ticket } from '../util/fair-queue.ts';
import { Heap } from '../engine/heap.ts';
import type { HeapItem } from '../engine/heap.ts';

/** By the last answers: `steady` answered, `unsure` did not answer yet or failed once since, `suspect` failed again. */
export type Lane = 'steady' | 'unsure' | 'suspect';

export interface AgendaItem extends HeapItem {
  /** Must change only while the item is neither planned nor running. */
  lane: Lane;
  /** At least one while the item is planned. `plan` again after a change. */
  readonly owners: ReadonlyMap<string, unknown>;
}

export interface AgendaLimits {
  /** Queries at a time: resolvers lose bursts. */
  readonly maxInFlight: number;
  /** Most of these for names that failed twice in a row. */
  readonly maxSuspects: number;
}

/**
 * Which question is asked next. In each lane owners take turns, and each owner's questions leave in the order in which
 * they are due. A question with several owners leaves at the turn of whichever comes first.
 *
 * | lane    | last answers                   | slots                                              | turn   |
 * |---------|--------------------------------|----------------------------------------------------|--------|
 * | steady  | records or a denial            | all                                                | first  |
 * | unsure  | none yet; one failure          | all but a quarter, together with the suspects      | second |
 * | suspect | two failures in a row, or more | `maxSuspects`                                      | last   |
 *
 * So whatever the number of dead names, a quarter of the slots is left for names that answer, a name that loses one
 * answer does not wait behind dead ones, and no owner waits for more than one question of each other owner.
 */
export class Agenda<T extends AgendaItem> {
  readonly #limits: AgendaLimits;
  readonly #planned = new Heap<T>();
  readonly #queues = {
    steady: new FairQueue<string, T>(),
    unsure: new FairQueue<string, T>(),
    suspect: new FairQueue<string, T>(),
  };
  /** Tickets of the questions that are due and wait for a slot. */
  readonly #tickets = new Map<T, Ticket<T>>();
  readonly #running = { steady: 0, unsure: 0, suspect: 0 };

  constructor(limits: AgendaLimits) {
    this.#limits = limits;
  }

  get running(): number {
    const { steady, unsure, suspect } = this.#running;
    return steady + unsure + suspect;
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

  /** The next item that is due and may be asked; it has its slot then, until `release`. */
  take(now: number): T | undefined {
    this.#enqueueDue(now);
    for (const lane of lanes) {
      if (!this.#hasRoom(lane)) continue;
      const item = this.#queues[lane].shift();
      if (item === undefined) continue;
      this.#tickets.delete(item);
      this.#running[lane] += 1;
      return item;
    }
    return undefined;
  }

  release(item: T): void {
    this.#running[item.lane] -= 1;
  }

  /** When an item becomes due, after `take` had nothing more; Infinity: not until then. */
  nextAt(): number {
    return this.#planned.peek()?.at ?? Infinity;
  }

  #enqueueDue(now: number): void {
    for (let item = this.#planned.peek(); item !== undefined && item.at <= now; item = this.#planned.peek()) {
      this.#planned.remove(item);
      this.#tickets.set(item, this.#queues[item.lane].push(item, turnsOf(item)));
    }
  }

  #dequeue(item: T): void {
    const ticket = this.#tickets.get(item);
    if (ticket === undefined) return;
    this.#tickets.delete(item);
    this.#queues[item.lane].remove(ticket);
  }

  #hasRoom(lane: Lane): boolean {
    const { maxInFlight, maxSuspects } = this.#limits;
    if (this.running >= maxInFlight) return false;
    if (lane === 'steady') return true;
    const unsure = this.#running.unsure + this.#running.suspect;
    if (unsure >= Math.ceil(maxInFlight * 0.75)) return false;
    return lane === 'unsure' || this.#running.suspect < maxSuspects;
  }
}

const lanes = ['steady', 'unsure', 'suspect'] as const satisfies readonly Lane[];

/** A question that thousands follow has as many turns as it needs. */
const mostTurns = 8;

function turnsOf({ owners }: AgendaItem): readonly string[] {
  const turns: string[] = [];
  for (const owner of owners.keys()) {
    if (turns.length === mostTurns) break;
    turns.push(owner);
  }
  return turns;
}
