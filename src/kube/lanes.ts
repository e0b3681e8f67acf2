import { FairQueue } from '../util/fair-queue.ts';
import { HeldShares } from '../util/held-shares.ts';

/**
 * How many requests may be under way at once, and which of those that wait goes next: the lowest lane; in a lane
 * namespaces take turns, and of a namespace the request that waits longest goes first. So a storm of transitions writes
 * every slice before the first status, and a namespace waits for one request of each other namespace at most.
 *
 * | lane      | requests                                     | at most, of all places |
 * |-----------|----------------------------------------------|------------------------|
 * | slice     | EndpointSlices, and reads after a conflict    | all but a sixteenth    |
 * | service   | Services, reads before a create or an adoption | all but the reserve    |
 * | endpoints | Endpoints                                     | all but the reserve    |
 * | secret    | reads of Secrets                              | a half                 |
 * | status    | statuses                                      | all but the reserve    |
 * | event     | Events                                        | a quarter              |
 *
 * The reserve, an eighth, is for slices alone: requests of all other lanes together leave it free, so that an API
 * server that answers none of them (each holds its place until its deadline) does not delay a failover. A sixteenth is
 * for the other lanes, so that slices without end do not keep Services and statuses waiting. Of each lane, and of all
 * places, a namespace holds eight ninths at most (`HeldShares`), so that another one finds a free place, whatever webhook
 * holds the requests of the first.
 *
 * Without a lane: the Lease (nothing may delay it), and watches with their lists (one per kind and namespace).
 */
export const lanes = { slice: 0, service: 1, endpoints: 2, secret: 3, status: 4, event: 5 } as const;

export type Lane = (typeof lanes)[keyof typeof lanes];

const reserve = 1 / 8;

const reserveOfOthers = 1 / 16;

/** Shares of all places that requests of one lane may hold; of the others there is no bound but the reserves. */
const shares: readonly (readonly [Lane, number])[] = [
  [lanes.secret, 1 / 2],
  [lanes.event, 1 / 4],
];

interface Queue {
  readonly limit: number;
  running: number;
  /** Requests under way by namespace. */
  readonly held: HeldShares;
  /** What starts the requests that wait, by namespace. */
  readonly waiting: FairQueue<string, () => void>;
}

export class Lanes {
  readonly #limit: number;
  /** Places that requests of all lanes except `slice` may hold together. */
  readonly #limitOfOthers: number;
  readonly #queues: ReadonlyMap<Lane, Queue>;
  /** Requests under way by namespace, of all lanes. */
  readonly #held = new HeldShares();
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#limitOfOthers = limit - Math.floor(limit * reserve);
    const share = new Map(shares);
    const limitOfSlices = limit - Math.floor(limit * reserveOfOthers);
    const limitOf = (lane: Lane) => Math.max(1, Math.floor(limit * (share.get(lane) ?? 1)));
    this.#queues = new Map(
      Object.values(lanes).map((lane) => [
        lane,
        newQueue(lane === lanes.slice ? limitOfSlices : limitOf(lane)),
      ]),
    );
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    let queued = 0;
    for (const { waiting } of this.#queues.values()) queued += waiting.size;
    return queued;
  }

  /**
   * Resolves when it is this request's turn; whoever got a turn must call `leave` once. Rejects with the signal's reason.
   *
   * @param namespace of the object; '': of none
   */
  enter(lane: Lane, namespace: string, signal?: AbortSignal): Promise<void> {
    const queue = this.#queue(lane);
    const room = this.#room(lane, queue);
    if (room > 0 && this.#allows(queue, namespace, room)) {
      this.#take(queue, namespace);
      return Promise.resolve();
    }
    return this.#wait(queue, namespace, signal);
  }

  /** Gives the place of a request of this lane and namespace to the next one. */
  leave(lane: Lane, namespace: string): void {
    const left = this.#queue(lane);
    left.running -= 1;
    left.held.release(namespace);
    this.#held.release(namespace);
    this.#running -= 1;
    for (const [next, queue] of this.#queues) {
      while (this.#next(next, queue));
      if (this.#running >= this.#limit) return;
    }
  }

  #queue(lane: Lane): Queue {
    const queue = this.#queues.get(lane);
    if (queue === undefined) throw new RangeError(`no lane ${lane}`);
    return queue;
  }

  /** Returns how many more requests of the lane may be under way. */
  #room(lane: Lane, queue: Queue): number {
    const room = Math.min(this.#limit - this.#running, queue.limit - queue.running);
    if (lane === lanes.slice) return room;
    return Math.min(room, this.#limitOfOthers - this.#running + this.#queue(lanes.slice).running);
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

  /** Starts the request whose turn it is. Returns false where none may go. */
  #next(lane: Lane, queue: Queue): boolean {
    const room = this.#room(lane, queue);
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
