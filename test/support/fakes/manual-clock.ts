import { setImmediate } from 'node:timers/promises';
import { Heap } from '../../../src/util/heap.ts';
import type { HeapItem } from '../../../src/util/heap.ts';
import type { Clock, Timer } from '../../../src/util/clock.ts';

interface Pending extends HeapItem {
  readonly run: () => void;
}

/** A clock that only the test advances. Monotonic time starts at 0, wall-clock time at `epoch`. */
export class ManualClock implements Clock {
  readonly #epoch: number;
  readonly #timers = new Heap<Pending>();
  #now = 0;
  #wallShift = 0;

  constructor(epoch = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#epoch + this.#wallShift + this.#now;
  }

  /** Changes the wall clock by this amount, back if it is negative. */
  shiftWall(ms: number): void {
    this.#wallShift += ms;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer: Pending = { at: this.#now + Math.max(0, delayMs), order: 0, slot: -1, run };
    this.#timers.push(timer);
    return { cancel: () => this.#timers.remove(timer) };
  }

  /** Number of armed timers. */
  get armed(): number {
    return this.#timers.size;
  }

  /**
   * Lets `ms` pass: runs what becomes due, in order, and everything that follows from it at its own instant.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const timer = this.#timers.peek();
      if (timer === undefined || timer.at > end) break;
      this.#timers.remove(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.run();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Lets time pass without running anything, as in a suspended machine. What became due runs at the next
   * `advance`.
   */
  jump(ms: number): void {
    this.#now += ms;
  }
}

/** Runs everything that does not wait for the clock. */
export async function settle(): Promise<void> {
  await setImmediate();
}
