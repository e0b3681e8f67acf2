/** Milliseconds. `now` is monotonic and has no epoch; `wall` is for people and the API. */
export interface Clock {
  now(): number;
  wall(): number;
  /** Runs once after at least `delayMs`; never synchronously. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Uniform in [0, 1). */
export type Random = () => number;
