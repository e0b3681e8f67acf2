import { OperatorError } from '../../core/errors.ts';
import type { Logger } from '../../util/log.ts';
import type { Random } from '../../util/clock.ts';
import type { Resource } from '../client/resources.ts';

/** Receives the ends of watches, for metrics. */
export interface WatchObserver {
  /** Called when a watch ends. `reason`: `Ended` after a normal end, otherwise that of the failure. */
  watchRestarted(resource: string, reason: string): void;
}

export interface WatchFailuresOptions {
  readonly random: Random;
  readonly logger: Logger;
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly observer?: WatchObserver;
  /** Longest backoff. Default 10 s. */
  readonly maxBackoffMs?: number;
}

const minBackoffMs = 200;
/** A failure of a watch that lasted this long counts as the first one again. */
const goodWatchMs = 5_000;

/** Counts failures in a row of the watches of one collection, and reports them. */
export class WatchFailures {
  readonly #options: WatchFailuresOptions;
  #count = 0;

  constructor(options: WatchFailuresOptions) {
    this.#options = options;
  }

  reset(): void {
    this.#count = 0;
  }

  /**
   * Records the end of a watch, with its error if it failed. Returns the milliseconds to wait before the next
   * watch; 0: it begins at once.
   */
  ended(error: unknown, livedMs: number): number {
    const isGood = livedMs >= goodWatchMs;
    this.#count = error === undefined && isGood ? 0 : isGood ? 1 : this.#count + 1;
    this.#report(error);
    return this.#count > 0 ? this.#backoffMs(error) : 0;
  }

  #backoffMs(error: unknown): number {
    const { random, maxBackoffMs = 10_000 } = this.#options;
    const exponent = Math.min(this.#count - 1, 20);
    const backoff = Math.min(maxBackoffMs, minBackoffMs * 2 ** exponent) * (0.5 + random());
    const retryAfterMs = error instanceof OperatorError && error.status !== 403 ? (error.afterMs ?? 0) : 0;
    return Math.max(retryAfterMs, backoff);
  }

  #report(error: unknown): void {
    const { resource, namespace, logger, observer } = this.#options;
    const reason = error === undefined ? 'Ended' : error instanceof OperatorError ? error.reason : 'Fault';
    observer?.watchRestarted(resource.plural, reason);
    const failures = this.#count;
    // A single failure is normal for a connection. Of failures in a row, the 2nd, 4th, 8th and so on are
    // logged.
    const isLogged = failures > 1 && Number.isInteger(Math.log2(failures));
    if (error !== undefined && isLogged) {
      const what = { resource: resource.plural, namespace, reason, failures, error };
      logger.warn('a watch failed; retrying', what);
    }
  }
}
