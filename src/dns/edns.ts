import type { Clock } from '../engine/ports.ts';

/** Questions in a row after which a server counts as one without EDNS: one lost packet proves nothing. */
const believedMisses = 2;

/** Unbound's `infra-host-ttl`: servers are upgraded, and firewalls are repaired. */
const plainMs = 15 * 60_000;

/**
 * Memory of whether one name server accepts queries with an OPT record (RFC 6891).
 *
 * | a question                                                        | the server is asked                                 |
 * |-------------------------------------------------------------------|-----------------------------------------------------|
 * | had a response with an OPT record                                 | with OPT; earlier misses no longer count            |
 * | had a useful response without OPT, to a query with OPT            | as before: the server ignores OPT                   |
 * | had a useful response to the query without OPT alone              | as before                                           |
 * | the same, and the question before it too                          | without OPT for 15 minutes, then once more with it  |
 *
 * Questions that were under way at the same time count once.
 */
export class EdnsMemory {
  readonly #clock: Clock;
  #misses = 0;
  #plainUntil = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns true when the next query carries an OPT record. */
  get isUsed(): boolean {
    return this.#clock.now() >= this.#plainUntil;
  }

  /** Number of questions so far that only the query without OPT answered; see `missed`. */
  get misses(): number {
    return this.#misses;
  }

  echoed(): void {
    this.#misses = 0;
    this.#plainUntil = -Infinity;
  }

  /** @param before `misses` when the question was sent */
  missed(before: number): void {
    if (before !== this.#misses) return;
    this.#misses += 1;
    if (this.#misses >= believedMisses) this.#plainUntil = this.#clock.now() + plainMs;
  }
}
