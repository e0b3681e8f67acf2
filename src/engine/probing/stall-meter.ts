import type { Verdict } from '../../core/probing/verdict.ts';
import type { Clock, Timer } from '../../util/clock.ts';

/** A stall is seen if it delays one of these beats. */
const BEAT_MS = 50;
/** Delays of timers below this are normal. */
const USUAL_MS = 25;
/** Stalls that are remembered. Older ones are longer ago than any timeout that they could affect. */
const MAX_STALLS = 32;
/** A stall longer than this part of the timeout makes a timeout inconclusive. */
const STALL_PART = 4;
/** Shorter stalls are not counted, because a TLS handshake of another check may take that long. */
const LEAST_STALL_MS = 50;

const stalled: Verdict = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message: 'the operator was stalled during the probe: it has too little CPU, or was suspended',
};

interface Stall {
  readonly endedAt: number;
  readonly ms: number;
}

/** Measures for how long this thread did not run its timers, while probes are in progress. */
export class StallMeter {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #stalls: Stall[] = [];
  #timer: Timer | undefined;
  #dueAt = 0;

  constructor(clock: Pick<Clock, 'now' | 'after'>) {
    this.#clock = clock;
  }

  /** Starts to measure, if it does not yet. */
  begin(): void {
    if (this.#timer !== undefined) return;
    this.#dueAt = this.#clock.now() + BEAT_MS;
    this.#timer = this.#clock.after(BEAT_MS, this.#beat);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Returns the longest stall that ended after this instant (monotonic), in milliseconds; 0: none. */
  longestSince(at: number): number {
    this.#note();
    return this.#stalls.reduce(
      (longest, { endedAt, ms }) => (endedAt > at ? Math.max(longest, ms) : longest),
      0,
    );
  }

  /** Returns the verdict of a run, or an inconclusive one for a timeout while this thread stalled. */
  unlessStalled(verdict: Verdict, startedAt: number, timeoutMs: number): Verdict {
    if (verdict.kind !== 'down' || verdict.reason !== 'Timeout') return verdict;
    const lateMs = this.#clock.now() - startedAt - timeoutMs;
    const stallMs = Math.max(lateMs, this.longestSince(startedAt));
    return stallMs > Math.max(timeoutMs / STALL_PART, LEAST_STALL_MS) ? stalled : verdict;
  }

  readonly #beat = (): void => {
    this.#note();
    this.#timer = undefined;
    this.begin();
  };

  /** Remembers a beat that is late. */
  #note(): void {
    const now = this.#clock.now();
    const ms = now - this.#dueAt;
    if (this.#timer === undefined || ms < USUAL_MS) return;
    this.#stalls.push({ endedAt: now, ms });
    if (this.#stalls.length > MAX_STALLS) this.#stalls.shift();
    this.#dueAt = now;
  }
}
