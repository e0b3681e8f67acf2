import type { Clock, Timer } from '../../util/clock.ts';

/**
 * Calls a function once when nothing was received for a time. A call of `reset` is cheap: it only stores the
 * time.
 */
export class IdleWatchdog {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onBroken: () => void;
  #receivedAt = 0;
  #timer: Timer | undefined;
  expired = false;

  constructor(clock: Clock, limitMs: number, onBroken: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onBroken = onBroken;
  }

  /** Records that something was received. The time begins with the first call. */
  reset(): void {
    this.#receivedAt = this.#clock.now();
    this.#timer ??= this.#clock.after(this.#limitMs, () => this.#look());
  }

  end(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const leftMs = this.#receivedAt + this.#limitMs - this.#clock.now();
    if (leftMs > 0) {
      this.#timer = this.#clock.after(leftMs, () => this.#look());
      return;
    }
    this.expired = true;
    this.#onBroken();
  }
}
