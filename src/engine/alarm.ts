import type { Clock, Timer } from './ports.ts';

/**
 * The timer fires at most this often: probes that begin together share wakings of the process, theirs and those for their
 * answers, and warm code. Jitter moves a probe by more.
 */
const TICK_MS = 20;

/** For the rest of a burst, in place of a tick. */
const BREATH_MS = 5;

/** A timer this late means that the machine stood still. */
const STANDSTILL_MS = 10_000;

/** One timer, for the earliest of the instants that it was set to. It must be set anew after each firing. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onFire: (now: number, stoodStill: boolean) => void;
  #timer: Timer | undefined;
  #at = Infinity;
  #notBefore = 0;

  constructor(clock: Clock, onFire: (now: number, stoodStill: boolean) => void) {
    this.#clock = clock;
    this.#onFire = onFire;
  }

  /** Sees to it that it fires then or earlier, but for the ticks. An instant that is past means at once. */
  set(at: number): void {
    const wanted = Math.max(at, this.#notBefore);
    if (wanted >= this.#at) return;
    const now = this.#clock.now();
    this.#timer?.cancel();
    this.#at = Math.max(wanted, now);
    this.#timer = this.#clock.after(this.#at - now, this.#fire);
  }

  /** Sees to it that it fires after a breath, for what could not be done at once. */
  soon(): void {
    this.#notBefore = this.#clock.now() + BREATH_MS;
    this.set(this.#notBefore);
  }

  /** For good. */
  cancel(): void {
    this.#timer?.cancel();
  }

  readonly #fire = (): void => {
    const now = this.#clock.now();
    const stoodStill = now - this.#at > STANDSTILL_MS;
    this.#at = Infinity;
    this.#timer = undefined;
    this.#notBefore = now + TICK_MS;
    this.#onFire(now, stoodStill);
  };
}
