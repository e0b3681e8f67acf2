import type { Check } from '../core/check.ts';
import { costFactor, usualCpuMs, withRun, type ProbeCost } from '../core/probe-cost.ts';

/** CPU times of the latest runs, of checks with a recent notable run or a stretched period. */
export class RunCosts {
  /** Owner -> id of the check. */
  readonly #recent = new Map<string, Map<string, readonly number[]>>();

  /**
   * Adds a run. Returns the cost of the check if its period must be stretched by another factor.
   *
   * @param cpuMs of the run; 0: not notable
   */
  take(owner: string, check: Check, cpuMs: number): ProbeCost | undefined {
    const { id, timing, costFactor: before = 1 } = check;
    const known = this.#recent.get(owner)?.get(id);
    if (cpuMs === 0 && before === 1 && known === undefined) return undefined;
    const recent = withRun(known ?? [], cpuMs);
    if (before === 1 && recent.every((each) => each === 0)) {
      this.#forget(owner, id);
      return undefined;
    }
    this.#recent.set(
      owner,
      (this.#recent.get(owner) ?? new Map<string, readonly number[]>()).set(id, recent),
    );
    const usual = usualCpuMs(recent);
    if (usual === undefined) return undefined;
    const factor = costFactor(usual, timing.periodMs / before, before);
    return factor === before ? undefined : { cpuMs: Math.round(usual), factor };
  }

  /** Forgets every check of the owner except these. */
  retain(owner: string, checkIds: ReadonlySet<string>): void {
    for (const id of this.#recent.get(owner)?.keys() ?? []) if (!checkIds.has(id)) this.#forget(owner, id);
  }

  #forget(owner: string, checkId: string): void {
    const ofOwner = this.#recent.get(owner);
    ofOwner?.delete(checkId);
    if (ofOwner?.size === 0) this.#recent.delete(owner);
  }
}
