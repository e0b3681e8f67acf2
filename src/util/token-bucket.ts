/** Allows a burst, then one each period. Time is an argument. */
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

  /** Milliseconds until there is a token; 0: now. */
  waitMs(now: number): number {
    this.#refill(now);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#periodMs);
  }

  take(): void {
    this.#tokens -= 1;
  }

  /** Nothing was taken for so long that a new bucket would be the same. */
  isFull(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#burst;
  }

  #refill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#countedAt) / this.#periodMs);
    this.#countedAt = now;
  }
}
