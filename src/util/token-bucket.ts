/** Allows a burst, then one per period. Instants are arguments, in monotonic milliseconds. */
export class TokenBucket {
  readonly #burst: number;
  readonly #periodMs: number;
  #tokens: number;
  #countedAt: number;

  constructor(burst: number, periodMs: number, now: number) {
    this.#burst = burst;
    this.#periodMs = periodMs;
    this.#tokens = burst;
    this.#countedAt = now;
  }

  /** Returns the milliseconds until a token is available; 0: one is available now. */
  waitMs(now: number): number {
    this.#refill(now);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#periodMs);
  }

  /** Takes a token, whether or not one is available. */
  take(): void {
    this.#tokens -= 1;
  }

  /** Returns true when all tokens are available, as in a new bucket. */
  isFull(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#burst;
  }

  #refill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#countedAt) / this.#periodMs);
    this.#countedAt = now;
  }
}
