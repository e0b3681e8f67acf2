import type { Check } from '../core/check.ts';
import type { ProbeCost } from '../core/probe-cost.ts';
import { stretched } from '../core/stretch.ts';

/** Checks whose runs take too much CPU time, as reported by the prober. Their periods are stretched. */
export class ProbeCosts {
  /** Owner -> id of the check. */
  readonly #owners = new Map<string, Map<string, ProbeCost>>();

  /** Number of checks whose period is stretched. */
  get size(): number {
    return [...this.#owners.values()].reduce((sum, checks) => sum + checks.size, 0);
  }

  set(owner: string, checkId: string, cost: ProbeCost): void {
    const checks = this.#owners.get(owner) ?? new Map<string, ProbeCost>();
    if (cost.factor > 1) checks.set(checkId, cost);
    else checks.delete(checkId);
    if (checks.size > 0) this.#owners.set(owner, checks);
    else this.#owners.delete(owner);
  }

  /** Returns the costs of the checks of an owner, by their ids. */
  of(owner: string): ReadonlyMap<string, ProbeCost> {
    return this.#owners.get(owner) ?? new Map();
  }

  /** Returns the checks of the owner with the periods that they may have. Forgets its other checks. */
  stretch(owner: string, checks: readonly Check[]): readonly Check[] {
    const costs = this.#owners.get(owner);
    if (costs === undefined) return checks;
    const ids = new Set(checks.map(({ id }) => id));
    for (const id of costs.keys()) if (!ids.has(id)) this.set(owner, id, { cpuMs: 0, factor: 1 });
    return checks.map((check) => {
      const factor = costs.get(check.id)?.factor;
      return factor === undefined ? check : { ...stretched(check, factor), costFactor: factor };
    });
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
  }
}
