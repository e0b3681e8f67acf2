import type { Clock } from '../engine/ports.ts';
import { BoundedMap } from './bounded-map.ts';

/** Of questions at the same time, over all addresses. */
const mostAtOnce = 4;
/** Of questions: a burst, then one each period. */
const burst = 20;
const periodMs = 100;
/** Wait of an address after a question that let nobody in. */
const penaltyMs = 1_000;

/**
 * Bounds the questions about unknown tokens, so that a flood of them reaches the API server as a trickle and does not shut
 * out the clients of other addresses.
 *
 * | bound                                              | value              |
 * |----------------------------------------------------|--------------------|
 * | questions of one address at the same time           | 1                  |
 * | the next question of an address that was not let in | after 1 s          |
 * | questions at the same time                          | 4                  |
 * | questions a second                                  | 10, after a burst of 20 |
 */
export class LookupBudget {
  readonly #clock: Clock;
  readonly #asking = new Set<string>();
  /** Addresses that wait, and until when. */
  readonly #waiting = new BoundedMap<string, number>(1024);
  /** Time at which the questions so far would have been asked one each period. */
  #pacedAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns true where the address may ask now; it then must call `give`. */
  take(address: string): boolean {
    const now = this.#clock.now();
    if (this.#asking.has(address) || this.#asking.size >= mostAtOnce) return false;
    if ((this.#waiting.get(address) ?? now) > now) return false;
    const pacedAt = Math.max(this.#pacedAt, now - (burst - 1) * periodMs);
    if (pacedAt > now) return false;
    this.#pacedAt = pacedAt + periodMs;
    this.#asking.add(address);
    return true;
  }

  give(address: string, letIn: boolean): void {
    this.#asking.delete(address);
    if (letIn) this.#waiting.delete(address);
    else this.#waiting.set(address, this.#clock.now() + penaltyMs);
  }
}
