import type { Check } from '../../core/probing/check.ts';
import { probeCost, usualCpuMs, withRun } from '../../core/probing/probe-cost.ts';

/** CPU times of the latest runs, of checks with a recent notable run or a notable cost. */
export class RunCosts {
  /** Owner -> id of the check. */
  readonly #recent = new Map<string, Map<string, readonly number[]>>();

  /**
   * Adds a run. Returns the cost of the check, in milliseconds, if it differs from the one with which it was set.
   *
   * @param cpuMs of the run; 0: not notable
   */
  take(owner: string, { id, cpuMs: before = 0 }: Check, cpuMs: number): number | undefined {
    const known = this.#recent.get(owner)?.get(id);
    if (cpuMs === 0 && before === 0 && known === undefined) return undefined;
    const recent = withRun(known ?? [], cpuMs);
    if (before === 0 && recent.every((each) => each === 0)) {
      this.#forget(owner, id);
      return undefined;
    }
    const ofOwner = this.#recent.get(owner) ?? new Map<string, readonly number[]>();
    this.#recent.set(owner, ofOwner.set(id, recent));
    const usual = usualCpuMs(recent);
    if (usual === undefined) return undefined;
    const cost = probeCost(usual, before);
    return cost === before ? undefined : cost;
  }

  /** Forgets all checks of the owner except these. */
  retain(owner: string, checkIds: ReadonlySet<string>): void {
    for (const id of this.#recent.get(owner)?.keys() ?? []) if (!checkIds.has(id)) this.#forget(owner, id);
  }

  #forget(owner: string, checkId: string): void {
    const ofOwner = this.#recent.get(owner);
    ofOwner?.delete(checkId);
    if (ofOwner?.size === 0) this.#recent.delete(owner);
  }
}
