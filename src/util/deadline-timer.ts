import type { Clock, Timer } from './clock.ts';

/**
 * Shortest time between two firings, unless `set` has a shorter one. Probes that begin together wake the process
 * together, also for their answers, and run with warm caches. Jitter moves a probe by more than this.
 */
export const TICK_MS = 20;

/** The same before the rest of a burst. */
const YIELD_MS = 5;

/** A timer that fires this late shows that the machine was suspended. */
const SUSPEND_DETECTION_MS = 10_000;

/** One timer for the earliest of the instants that it is set to. It must be set again after each firing. */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #onFire: (now: number, stoodStill: boolean) => void;
  #timer: Timer | undefined;
  #at = Infinity;
  #firedAt = -Infinity;
  /** End of the time for sockets within a burst; undefined: it is over. */
  #yieldsUntil: number | undefined;

  constructor(clock: Clock, onFire: (now: number, stoodStill: boolean) => void) {
    this.#clock = clock;
    this.#onFire = onFire;
  }

  /**
   * Ensures that it fires at this instant or earlier, except that ticks are kept. An instant in the past
   * means now.
   *
   * @param tickMs shortest time since the last firing
   */
  set(at: number, tickMs = TICK_MS): void {
    const wanted = Math.max(at, this.#yieldsUntil ?? this.#firedAt + tickMs);
    if (wanted >= this.#at) return;
    const now = this.#clock.now();
    this.#timer?.cancel();
    this.#at = Math.max(wanted, now);
    this.#timer = this.#clock.after(this.#at - now, this.#fire);
  }

  /** Ensures that it fires after `YIELD_MS`, for the rest of a burst. */
  yield(): void {
    this.#yieldsUntil = this.#clock.now() + YIELD_MS;
    this.set(this.#yieldsUntil);
  }

  /** Stops the timer. It must not be set again. */
  cancel(): void {
    this.#timer?.cancel();
  }

  readonly #fire = (): void => {
    const now = this.#clock.now();
    const stoodStill = now - this.#at > SUSPEND_DETECTION_MS;
    this.#at = Infinity;
    this.#timer = undefined;
    this.#firedAt = now;
    this.#yieldsUntil = undefined;
    this.#onFire(now, stoodStill);
  };
}
