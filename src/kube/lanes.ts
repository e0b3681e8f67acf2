/**
 * How many requests may be under way at once, and which of those that wait goes next: the lowest lane, and within
 * a lane the one that waits longest. So a storm of transitions writes every slice before the first status.
 *
 * | lane      | requests                                     | at most, of all places |
 * |-----------|----------------------------------------------|------------------------|
 * | slice     | EndpointSlices, and reads after a conflict    | all                    |
 * | service   | Services, reads before a create or an adoption | all but the reserve    |
 * | endpoints | Endpoints                                     | all but the reserve    |
 * | secret    | reads of Secrets                              | a half                 |
 * | status    | statuses                                      | all but the reserve    |
 * | event     | Events                                        | a quarter              |
 *
 * The reserve, an eighth, is for slices alone: requests of all other lanes together leave it free, so that an API
 * server that answers none of them (each holds its place until its deadline) does not delay a failover.
 *
 * Without a lane: the Lease (nothing may delay it), and watches with their lists (one per kind and namespace).
 */
export const lanes = { slice: 0, service: 1, endpoints: 2, secret: 3, status: 4, event: 5 } as const;

export type Lane = (typeof lanes)[keyof typeof lanes];

const reserve = 1 / 8;

/** Shares of all places that requests of one lane may hold; of the others there is no bound but the reserve. */
const shares: readonly (readonly [Lane, number])[] = [
  [lanes.secret, 1 / 2],
  [lanes.event, 1 / 4],
];

/** A queue that forgets its head without moving the rest at each step. */
interface Queue {
  readonly limit: number;
  running: number;
  items: ((() => void) | undefined)[];
  head: number;
}

export class Lanes {
  readonly #limit: number;
  /** Places that requests of all lanes except `slice` may hold together. */
  readonly #limitOfOthers: number;
  readonly #queues: ReadonlyMap<Lane, Queue>;
  #running = 0;
  #queued = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#limitOfOthers = limit - Math.floor(limit * reserve);
    const share = new Map(shares);
    this.#queues = new Map(
      Object.values(lanes).map((lane) => {
        const most = Math.max(1, Math.floor(limit * (share.get(lane) ?? 1)));
        return [lane, { limit: most, running: 0, items: [], head: 0 }];
      }),
    );
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Resolves when it is this request's turn; whoever got a turn must call `leave` once. Rejects with the signal's reason. */
  enter(lane: Lane, signal?: AbortSignal): Promise<void> {
    const queue = this.#queue(lane);
    if (this.#hasRoom(lane, queue)) {
      this.#take(queue);
      return Promise.resolve();
    }
    return this.#wait(queue, signal);
  }

  /** Gives the place of a request of this lane to the next one. */
  leave(lane: Lane): void {
    this.#queue(lane).running -= 1;
    this.#running -= 1;
    for (const [next, queue] of this.#queues) {
      while (queue.head < queue.items.length && this.#hasRoom(next, queue)) this.#next(queue);
      if (this.#running >= this.#limit) return;
    }
  }

  #queue(lane: Lane): Queue {
    const queue = this.#queues.get(lane);
    if (queue === undefined) throw new RangeError(`no lane ${lane}`);
    return queue;
  }

  #hasRoom(lane: Lane, queue: Queue): boolean {
    if (this.#running >= this.#limit || queue.running >= queue.limit) return false;
    return lane === lanes.slice || this.#running - this.#queue(lanes.slice).running < this.#limitOfOthers;
  }

  #take(queue: Queue): void {
    queue.running += 1;
    this.#running += 1;
  }

  #wait(queue: Queue, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const turn = () => {
      signal?.removeEventListener('abort', abandon);
      resolve(undefined);
    };
    const abandon = () => {
      const at = queue.items.indexOf(turn, queue.head);
      queue.items[at] = undefined;
      this.#queued -= 1;
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abandon, { once: true });
    queue.items.push(turn);
    this.#queued += 1;
    return promise;
  }

  /** Starts the request that waits longest; one that was given up is passed over. */
  #next(queue: Queue): void {
    const turn = queue.items[queue.head];
    queue.head += 1;
    if (queue.head === queue.items.length) Object.assign(queue, { items: [], head: 0 });
    if (turn === undefined) return;
    this.#queued -= 1;
    this.#take(queue);
    turn();
  }
}
