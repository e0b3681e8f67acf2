import { setImmediate } from 'node:timers/promises';
import { Heap } from '../../src/engine/heap.ts';
import type { HeapItem } from '../../src/engine/heap.ts';
import type { Clock, Timer } from '../../src/engine/ports.ts';

interface Pending extends HeapItem {
  readonly run: () => void;
}

/** Time that passes when the test says so. Monotonic time starts at 0, wall time at `epoch`. */
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

  /** Somebody sets the wall clock: by so much, back where it is negative. */
  shiftWall(ms: number): void {
    this.#wallShift += ms;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer: Pending = { at: this.#now + Math.max(0, delayMs), order: 0, slot: -1, run };
    this.#timers.push(timer);
    return { cancel: () => this.#timers.remove(timer) };
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass: runs what becomes due, in order, and all that follows from it at its own instant. */
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

  /** Time passes without anybody running, as in a suspended machine; what became due runs at the next `advance`. */
  jump(ms: number): void {
    this.#now += ms;
  }
}

/** Lets all that can go on without the clock go on. */
export async function settle(): Promise<void> {
  await setImmediate();
}
