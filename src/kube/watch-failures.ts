import { OperatorError } from '../core/errors.ts';
import type { Logger, Random } from '../engine/ports.ts';
import type { Resource } from './resources.ts';

export interface WatchFailuresOptions {
  readonly random: Random;
  readonly logger: Logger;
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  /** A watch was restarted; `reason` is `Ended` after a full term, else that of the failure. */
  readonly onRestart?: (resource: string, reason: string) => void;
  /** Longest wait between attempts. Default 10 s. */
  readonly maxBackoffMs?: number;
}

const minBackoffMs = 200;
/** A watch that lived this long was a good one: the next failure is a first one again. */
const goodWatchMs = 5_000;

/** Counts the failures of the watches of one collection in a row, and reports them. */
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
   * Takes the end of a watch, with the error where it failed. Returns the milliseconds to wait before the next one; 0: it
   * begins at once.
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
    const asked = error instanceof OperatorError && error.status !== 403 ? (error.afterMs ?? 0) : 0;
    return Math.max(asked, backoff);
  }

  #report(error: unknown): void {
    const { resource, namespace, logger, onRestart } = this.#options;
    const reason = error === undefined ? 'Ended' : error instanceof OperatorError ? error.reason : 'Fault';
    onRestart?.(resource.plural, reason);
    const failures = this.#count;
    // A single failure is normal for a connection. Of those that follow, the 2nd, 4th, 8th and so on are logged.
    const isLogged = failures > 1 && Number.isInteger(Math.log2(failures));
    if (error !== undefined && isLogged) {
      const what = { resource: resource.plural, namespace, reason, failures, error };
      logger.warn('The watch failed; trying again', what);
    }
  }
}
