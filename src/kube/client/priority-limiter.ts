import { FairQueue } from '../../util/fair-queue.ts';
import { HeldShares } from '../../util/held-shares.ts';

/**
 * Priorities of the requests to the API server. A limited number is in flight. Of those that wait, the next
 * one is of the first priority. In a priority namespaces take turns, and the requests of a namespace are sent in the
 * order in which they came. So after many transitions at once every slice is written before the first status,
 * and a namespace waits for at most one request of each other namespace.
 *
 * | priority  | requests                                     | maximum share of all places |
 * |-----------|----------------------------------------------|-----------------------------|
 * | slice     | EndpointSlices, and reads after a conflict    | all except a sixteenth      |
 * | service   | Services, reads before a create or an adoption | all except the reserve     |
 * | endpoints | Endpoints                                     | all except the reserve      |
 * | secret    | reads of Secrets                              | a half                      |
 * | status    | statuses                                      | all except the reserve      |
 * | event     | Events                                        | a quarter                   |
 *
 * The reserve, an eighth, is for slices alone: requests of all other priorities together leave it free. So an API
 * server that answers none of these (each holds its place until its deadline) does not delay a failover. A
 * sixteenth is for the other priorities, so that an endless number of slices does not keep Services and statuses
 * waiting. A namespace holds at most eight ninths of each priority and of all places (`HeldShares`). So another
 * namespace finds a free place, even if a webhook delays all requests of the first one.
 *
 * Requests without a priority are those of the Lease (nothing may delay it), and watches with their lists (one
 * per kind and namespace).
 */
export const priorities = { slice: 0, service: 1, endpoints: 2, secret: 3, status: 4, event: 5 } as const;

export type RequestPriority = (typeof priorities)[keyof typeof priorities];

const reserve = 1 / 8;

const reserveOfOthers = 1 / 16;

/** Maximum shares of all places for requests of one priority. Other priorities are only limited by the reserves. */
const shares: readonly (readonly [RequestPriority, number])[] = [
  [priorities.secret, 1 / 2],
  [priorities.event, 1 / 4],
];

interface Queue {
  readonly limit: number;
  running: number;
  /** Requests in flight by namespace. */
  readonly held: HeldShares;
  /** Functions that start the waiting requests, by namespace. */
  readonly waiting: FairQueue<string, () => void>;
}

export class PriorityLimiter {
  readonly #limit: number;
  /** Maximum number of places for requests of all priorities except `slice` together. */
  readonly #limitOfOthers: number;
  readonly #queues: ReadonlyMap<RequestPriority, Queue>;
  /** Requests in flight of all priorities by namespace. */
  readonly #held = new HeldShares();
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#limitOfOthers = limit - Math.floor(limit * reserve);
    const share = new Map(shares);
    const limitOfSlices = limit - Math.floor(limit * reserveOfOthers);
    const limitOf = (priority: RequestPriority) =>
      Math.max(1, Math.floor(limit * (share.get(priority) ?? 1)));
    this.#queues = new Map(
      Object.values(priorities).map((priority) => [
        priority,
        newQueue(priority === priorities.slice ? limitOfSlices : limitOf(priority)),
      ]),
    );
  }

  /** Number of requests in flight. */
  get running(): number {
    return this.#running;
  }

  /** Number of requests that wait. */
  get queued(): number {
    let queued = 0;
    for (const { waiting } of this.#queues.values()) queued += waiting.size;
    return queued;
  }

  /**
   * Resolves when the request may be sent. Then the caller must call `leave` once. Rejects with the reason of
   * the signal.
   *
   * @param namespace that of the object; '': it has none
   */
  enter(priority: RequestPriority, namespace: string, signal?: AbortSignal): Promise<void> {
    const queue = this.#queue(priority);
    const room = this.#room(priority, queue);
    if (room > 0 && this.#allows(queue, namespace, room)) {
      this.#take(queue, namespace);
      return Promise.resolve();
    }
    return this.#wait(queue, namespace, signal);
  }

  /** Frees the place of a request of this priority and namespace, and starts the next requests. */
  leave(priority: RequestPriority, namespace: string): void {
    const left = this.#queue(priority);
    left.running -= 1;
    left.held.release(namespace);
    this.#held.release(namespace);
    this.#running -= 1;
    for (const [next, queue] of this.#queues) {
      while (this.#next(next, queue));
      if (this.#running >= this.#limit) return;
    }
  }

  #queue(priority: RequestPriority): Queue {
    const queue = this.#queues.get(priority);
    if (queue === undefined) throw new RangeError(`no priority ${priority}`);
    return queue;
  }

  /** Returns how many more requests of the priority may be sent now. */
  #room(priority: RequestPriority, queue: Queue): number {
    const room = Math.min(this.#limit - this.#running, queue.limit - queue.running);
    if (priority === priorities.slice) return room;
    return Math.min(room, this.#limitOfOthers - this.#running + this.#queue(priorities.slice).running);
  }

  #allows({ held }: Queue, namespace: string, room: number): boolean {
    return held.allows(namespace, room) && this.#held.allows(namespace, this.#limit - this.#running);
  }

  #take(queue: Queue, namespace: string): void {
    queue.running += 1;
    queue.held.take(namespace);
    this.#held.take(namespace);
    this.#running += 1;
  }

  #wait({ waiting }: Queue, namespace: string, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const start = () => {
      signal?.removeEventListener('abort', abandon);
      resolve(undefined);
    };
    const ticket = waiting.push(start, [namespace]);
    const abandon = () => {
      waiting.remove(ticket);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abandon, { once: true });
    return promise;
  }

  /** Starts the request that has the next turn. Returns false if none may be sent. */
  #next(priority: RequestPriority, queue: Queue): boolean {
    const room = this.#room(priority, queue);
    if (room <= 0 || queue.waiting.size === 0) return false;
    const next = queue.waiting.turn((namespace) => this.#allows(queue, namespace, room));
    if (next === undefined) return false;
    this.#take(queue, next.owner);
    next.item();
    return true;
  }
}

const newQueue = (limit: number): Queue => ({
  limit,
  running: 0,
  held: new HeldShares(),
  waiting: new FairQueue(),
});
