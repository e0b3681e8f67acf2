import type { Check } from '../../core/probing/check.ts';
import { bareVerdict, type BareVerdict } from '../../core/probing/verdict.ts';
import type { Clock } from '../../util/clock.ts';
import type { ProbeFn } from '../ports.ts';
import { thrownFault } from './in-flight.ts';
import { StallMeter } from './stall-meter.ts';

export interface SingleRunsOptions {
  readonly clock: Clock;
  readonly probe: ProbeFn;
}

/**
 * Runs in this thread that belong to no schedule. A timeout while the thread stalled is inconclusive, by the rule of the
 * scheduled runs.
 */
export class SingleRuns {
  readonly #options: SingleRunsOptions;
  readonly #stalls: StallMeter;
  #running = 0;

  constructor(options: SingleRunsOptions) {
    this.#options = options;
    this.#stalls = new StallMeter(options.clock);
  }

  /** Performs one run to its end. Never rejects. */
  async run(check: Check, signal: AbortSignal): Promise<BareVerdict> {
    const { clock, probe } = this.#options;
    const startedAt = clock.now();
    this.#running += 1;
    this.#stalls.begin();
    try {
      const verdict = await probe(check, signal);
      return bareVerdict(this.#stalls.unlessStalled(verdict, startedAt, check.timing.timeoutMs));
    } catch {
      return bareVerdict(thrownFault);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#stalls.stop();
    }
  }
}
