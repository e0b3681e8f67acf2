import type { DesiredService } from '../../core/publish/desired.ts';
import { tierTimes, type TierTimes } from '../../core/publish/tiers.ts';

/**
 * Since when the tiers of a backend have been ready in this term. After a restart a better tier is used again
 * only after the whole of failbackSeconds.
 */
export class ReadyTiers {
  #since: TierTimes = new Map();

  /** @param now monotonic milliseconds */
  at(now: number): { readonly since: TierTimes; readonly now: number } {
    return { since: this.#since, now };
  }

  update(desired: readonly DesiredService[], now: number): void {
    const ready = desired.flatMap(({ readyTiers }) => readyTiers);
    this.#since = tierTimes(this.#since, ready, now);
  }
}
