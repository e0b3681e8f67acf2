import type { Clock } from '../util/clock.ts';
import { BoundedMap } from './bounded-map.ts';

/** Questions at the same time, of all addresses. */
const maxAtOnce = 4;
/** Questions of all addresses: a burst, then one each period. */
const burst = 20;
const periodMs = 100;
/** Pause of an address after a question that did not let it in. */
const penaltyMs = 1_000;
/** Addresses that were let in and may ask whatever others do. */
const maxTrusted = 64;

/**
 * Bounds the questions about unknown tokens, so that a flood of them reaches the API server as a trickle and does not shut
 * out the clients of other addresses.
 *
 * | bound                                              | value              |
 * |----------------------------------------------------|--------------------|
 * | questions of one address at the same time           | 1                  |
 * | the next question of an address that was not let in | after 1 s          |
 * | questions at the same time, of all addresses        | 4                  |
 * | questions a second, of all addresses                | 10, after a burst of 20 |
 *
 * The last two do not count for the 64 addresses that were let in last: Prometheus has another token every hour, and a flood
 * from many addresses must not keep that one out.
 */
export class LookupBudget {
  readonly #clock: Clock;
  readonly #outstanding = new Set<string>();
  /** End of the pause, by address. */
  readonly #waiting = new BoundedMap<string, number>(1024);
  readonly #trusted = new BoundedMap<string, true>(maxTrusted);
  /** Time at which all questions so far would have been asked at one each period. */
  #pacedAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns true if the address may ask now. The caller must then call `give`. */
  take(address: string): boolean {
    const now = this.#clock.now();
    if (this.#outstanding.has(address) || (this.#waiting.get(address) ?? now) > now) return false;
    if (this.#trusted.get(address) === undefined && !this.#takeShared(now)) return false;
    this.#outstanding.add(address);
    return true;
  }

  #takeShared(now: number): boolean {
    const pacedAt = Math.max(this.#pacedAt, now - (burst - 1) * periodMs);
    if (this.#outstanding.size >= maxAtOnce || pacedAt > now) return false;
    this.#pacedAt = pacedAt + periodMs;
    return true;
  }

  give(address: string, letIn: boolean): void {
    this.#outstanding.delete(address);
    if (letIn) {
      this.#waiting.delete(address);
      this.#trusted.set(address, true);
    } else this.#waiting.set(address, this.#clock.now() + penaltyMs);
  }
}
