import type { Clock, Timer } from '../../util/clock.ts';

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** Sends a small request to the API server. Settles with its answer; ends within the silence. */
  readonly beat: () => Promise<unknown>;
  /** Called when the API server has stopped answering. */
  readonly onSilent: () => void;
  /** Called when it answers again. */
  readonly onSettled: () => void;
  /** Period of the beats. Default 500 ms. */
  readonly periodMs?: number;
  /**
   * Silence begins when no request of this time is answered. Default 2 s, so that one slow answer is no
   * silence.
   */
  readonly idleTimeoutMs?: number;
}

/** A write needs no beat if a request that was sent within this time is answered. */
const freshMs = 100;

/**
 * Determines whether the API server can be reached. Any answer to any request counts, also one with an error
 * status, from the instant at which the request was *sent*. An answer to an old request proves nothing,
 * because the request may have waited in the socket until the network was back. Time in which this process
 * does not run (a busy event loop, no CPU) is no silence: the 2 s begin again after it. After it, no write is
 * sent before an answer to a later request: see `confirm`.
 *
 * | the API server                                           | call         |
 * |----------------------------------------------------------|--------------|
 * | answers no request of the last 2 s                        | `onSilent`   |
 * | answers, within a second, a request sent since the silence | `onSettled` |
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #periodMs: number;
  readonly #idleTimeoutMs: number;
  /** Instant at which the latest of the answered requests was sent. */
  #answeredAt = -Infinity;
  /** Instant at which the latest beat was sent. */
  #beatAt = -Infinity;
  /** Instant at which this process ran again after a pause. Answers of the pause are not read yet. */
  #awakeAt = -Infinity;
  /** Instant at which the silence of the API server was noticed; undefined: it answers. */
  #silentAt: number | undefined;
  #pulse: Timer | undefined;
  #idleTimer: Timer | undefined;
  #confirming: Promise<void> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#periodMs = options.periodMs ?? 500;
    this.#idleTimeoutMs = options.idleTimeoutMs ?? 2_000;
  }

  /** True while the API server does not answer. */
  get silent(): boolean {
    return this.#silentAt !== undefined;
  }

  /** Begins to send beats. The API server has just answered. */
  start(): void {
    if (this.#pulse !== undefined) return;
    this.#silentAt = undefined;
    this.#answeredAt = this.#options.clock.now();
    this.#beatAt = this.#answeredAt;
    this.#startIdleTimer();
    this.#beatOn();
  }

  stop(): void {
    this.#pulse?.cancel();
    this.#idleTimer?.cancel();
    this.#pulse = undefined;
    this.#silentAt = undefined;
  }

  /** Records an answer to a request that was sent at that instant. */
  answered(sentAt: number): void {
    this.#answeredAt = Math.max(this.#answeredAt, sentAt);
    if (this.#silentAt === undefined || sentAt <= this.#silentAt || this.#isLate(sentAt)) return;
    this.#silentAt = undefined;
    this.#startIdleTimer();
    this.#options.onSettled();
  }

  /** Returns true if a request that was sent later is answered. */
  hasAnswered(sentAt: number): boolean {
    return this.#answeredAt > sentAt;
  }

  /**
   * Resolves when a request of the last 100 ms, or a new beat, is answered. Rejects with the error of the
   * beat.
   */
  confirm(): Promise<void> {
    if (this.#options.clock.now() - this.#answeredAt <= freshMs) return Promise.resolve();
    this.#confirming ??= this.#confirm().finally(() => (this.#confirming = undefined));
    return this.#confirming;
  }

  #isLate(sentAt: number): boolean {
    return this.#options.clock.now() - sentAt > this.#idleTimeoutMs / 2;
  }

  async #confirm(): Promise<void> {
    const sentAt = this.#options.clock.now();
    await this.#options.beat().catch((error: unknown) => {
      if (this.#answeredAt < sentAt) throw error;
    });
  }

  #beatOn(): void {
    const now = this.#options.clock.now();
    if (now - this.#beatAt >= 2 * this.#periodMs) this.#awakeAt = now;
    this.#beatAt = now;
    this.#pulse = this.#options.clock.after(this.#periodMs, () => this.#beatOn());
    void this.#options.beat().catch(() => undefined);
  }

  #startIdleTimer(): void {
    const { clock } = this.#options;
    this.#idleTimer?.cancel();
    this.#idleTimer = clock.after(Math.max(0, this.#silentFrom() - clock.now()), () => this.#look());
  }

  #silentFrom(): number {
    return Math.max(this.#answeredAt, this.#awakeAt) + this.#idleTimeoutMs;
  }

  #look(): void {
    const now = this.#options.clock.now();
    if (now < this.#silentFrom()) {
      this.#startIdleTimer();
      return;
    }
    this.#silentAt = now;
    this.#options.onSilent();
  }
}
