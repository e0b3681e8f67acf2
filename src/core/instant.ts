/**
 * One instant of both clocks, in milliseconds. Intervals are measured with `now`; `wall` is for people and
 * the API.
 */
export interface Instant {
  /** Monotonic: never set back, has no epoch, and differs in each process. */
  readonly now: number;
  /** Unix time: an administrator or NTP may change it. */
  readonly wall: number;
}
