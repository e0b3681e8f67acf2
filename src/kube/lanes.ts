/**
 * How many requests may be under way at once, and which of those that wait goes next: the lowest lane, and within
 * a lane the one that waits longest. So a storm of transitions writes every slice before the first status.
 */
export const lanes = { slice: 0, service: 1, endpoints: 2, status: 3, event: 4 } as const;

export type Lane = (typeof lanes)[keyof typeof lanes];

const laneCount = 5;

/** A queue that forgets its head without moving the rest at each step. */
interface Waiting {
  items: ((() => void) | undefined)[];
  head: number;
}

export class Lanes {
  readonly #limit: number;
  readonly #waiting: readonly Waiting[];
  #running = 0;
  #queued = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#waiting = Array.from({ length: laneCount }, () => ({ items: [], head: 0 }));
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Resolves when it is this request's turn; whoever got a turn must call `leave` once. Rejects with the signal's reason. */
  enter(lane: Lane, signal?: AbortSignal): Promise<void> {
    if (this.#running < this.#limit) {
      this.#running += 1;
      return Promise.resolve();
    }
    return this.#wait(lane, signal);
  }

  leave(): void {
    const next = this.#next();
    if (next === undefined) this.#running -= 1;
    else next();
  }

  #wait(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    const waiting = this.#waiting[lane];
    if (waiting === undefined) throw new RangeError(`no lane ${lane}`);
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const turn = () => {
      signal?.removeEventListener('abort', abandon);
      resolve(undefined);
    };
    const abandon = () => {
      const at = waiting.items.indexOf(turn, waiting.head);
      waiting.items[at] = undefined;
      this.#queued -= 1;
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abandon, { once: true });
    waiting.items.push(turn);
    this.#queued += 1;
    return promise;
  }

  #next(): (() => void) | undefined {
    for (const waiting of this.#waiting) {
      while (waiting.head < waiting.items.length) {
        const turn = waiting.items[waiting.head];
        waiting.head += 1;
        if (waiting.head === waiting.items.length) Object.assign(waiting, { items: [], head: 0 });
        if (turn === undefined) continue;
        this.#queued -= 1;
        return turn;
      }
    }
    return undefined;
  }
}
