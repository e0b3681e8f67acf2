import type { Clock } from '../../util/clock.ts';

/**
 * Number of misses in a row after which a server counts as one without EDNS. One lost packet proves nothing.
 */
const failuresToBelieve = 2;

/** Time without OPT, as `infra-host-ttl` of Unbound: servers are upgraded, and firewalls are repaired. */
const plainMs = 15 * 60_000;

/**
 * Remembers whether one name server accepts queries with an OPT record (RFC 6891).
 *
 * | a question                                                        | next queries of the server                          |
 * |-------------------------------------------------------------------|-----------------------------------------------------|
 * | got a response with an OPT record                                 | with OPT; earlier misses no longer count            |
 * | got a useful response without OPT to a query with OPT             | as before: the server ignores OPT                   |
 * | got a useful response only to the query without OPT (a miss)      | as before                                           |
 * | the same, and the question before it too                          | without OPT for 15 minutes, then once with it again |
 *
 * Misses of questions that were in flight at the same time count once.
 */
export class EdnsMemory {
  readonly #clock: Clock;
  #failures = 0;
  #plainUntil = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the next query has an OPT record. */
  get isUsed(): boolean {
    return this.#clock.now() >= this.#plainUntil;
  }

  /** Number of misses in a row; an argument of `missed`. */
  get unanswered(): number {
    return this.#failures;
  }

  /** Records a useful response with an OPT record. */
  echoed(): void {
    this.#failures = 0;
    this.#plainUntil = -Infinity;
  }

  /**
   * Records that only the query without OPT got a useful response.
   *
   * @param before `consecutiveFailures` when the question was sent
   */
  missed(before: number): void {
    if (before !== this.#failures) return;
    this.#failures += 1;
    if (this.#failures >= failuresToBelieve) this.#plainUntil = this.#clock.now() + plainMs;
  }
}
