/** One instant by both clocks, in milliseconds. Intervals are measured by `now`; `wall` is for what people and the API read. */
export interface Instant {
  /** Monotonic: never set back, without an epoch, and another one in each process. */
  readonly now: number;
  /** Unix time: an administrator or NTP may set it. */
  readonly wall: number;
}
