import type { Check } from '../../core/probing/check.ts';
import { costFactor, maxCpuMs } from '../../core/probing/probe-cost.ts';
import { withLongerPeriods } from '../../core/probing/period-factor.ts';

/** Checks with a notable cost, as reported by the prober. The periods of costly ones are stretched. */
export class ProbeCosts {
  /** Owner -> id of the check -> cost in milliseconds. */
  readonly #owners = new Map<string, Map<string, number>>();

  /** Number of checks that cost too much. */
  get costly(): number {
    const costs = [...this.#owners.values()].flatMap((checks) => [...checks.values()]);
    return costs.filter((cost) => cost > maxCpuMs).length;
  }

  /** @param cost of `probeCost`, in milliseconds */
  set(owner: string, checkId: string, cost: number): void {
    const checks = this.#owners.get(owner) ?? new Map<string, number>();
    if (cost > 0) checks.set(checkId, cost);
    else checks.delete(checkId);
    if (checks.size > 0) this.#owners.set(owner, checks);
    else this.#owners.delete(owner);
  }

  /** Returns the costs of the checks of an owner, in milliseconds, by their ids. */
  of(owner: string): ReadonlyMap<string, number> {
    return this.#owners.get(owner) ?? new Map();
  }

  /** Returns the checks of the owner with their costs and the periods that they may have. Forgets its other checks. */
  stretch(owner: string, checks: readonly Check[]): readonly Check[] {
    const costs = this.#owners.get(owner);
    if (costs === undefined) return checks;
    const ids = new Set(checks.map(({ id }) => id));
    for (const id of costs.keys()) if (!ids.has(id)) this.set(owner, id, 0);
    return checks.map((check) => {
      const cpuMs = costs.get(check.id);
      if (cpuMs === undefined) return check;
      const factor = costFactor(cpuMs, check.timing.periodMs);
      return { ...(factor === 1 ? check : withLongerPeriods(check, factor)), cpuMs };
    });
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
  }
}
