import { initial, step } from '../core/health.ts';
import { reseeded } from '../core/seed.ts';
import type { Check } from '../core/check.ts';
import type { Health, Transition } from '../core/health.ts';
import type { HealthOf } from '../core/readiness.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Clock } from './ports.ts';

export interface HealthTableOptions {
  readonly clock: Pick<Clock, 'wall'>;
  /** Told of flips only, after the table holds the new health. */
  readonly onChanged: (owner: string, check: Check, before: Health, after: Health) => void;
}

/**
 * What is believed of every check of every backend. `owner` is the backend's uid, so a namesake created later
 * starts with a clean table. Verdicts alone move a state that one of them has confirmed; `seed` puts in what is published.
 */
export class HealthTable {
  readonly #options: HealthTableOptions;
  readonly #owners = new Map<string, Map<string, Health>>();
  #size = 0;

  constructor(options: HealthTableOptions) {
    this.#options = options;
  }

  /** Checks held, over all owners. */
  get size(): number {
    return this.#size;
  }

  /** Undefined: neither seeded nor probed yet. */
  get(owner: string, checkId: string): Health | undefined {
    return this.#owners.get(owner)?.get(checkId);
  }

  /** The checks of one owner, as they are when they are asked for. */
  of(owner: string): HealthOf {
    return (checkId) => this.get(owner, checkId);
  }

  /**
   * Puts in what is published, by the rule of `reseeded`. Never overrides what a verdict has confirmed. Returns whether
   * that changed something that was believed.
   */
  seed(owner: string, checkId: string, health: Health): boolean {
    const known = this.get(owner, checkId);
    const next = reseeded(known, health);
    if (next !== known) this.#put(owner, checkId, next);
    return known !== undefined && next !== known;
  }

  /** Steps the check's health by one verdict and says what that did. */
  record(owner: string, check: Check, verdict: Verdict): Transition {
    const now = this.#options.clock.wall();
    const known = this.get(owner, check.id);
    const before = known ?? initial(now);
    const { health, transition } = step(before, verdict, check.timing, now, check.lagLimits);
    if (health !== known) this.#put(owner, check.id, health);
    if (transition === 'changed') this.#options.onChanged(owner, check, before, health);
    return transition;
  }

  /** Forgets every check of the owner but these. */
  retain(owner: string, checkIds: Iterable<string>): void {
    const checks = this.#owners.get(owner);
    if (checks === undefined) return;
    const kept = new Set(checkIds);
    for (const id of checks.keys()) {
      if (!kept.has(id) && checks.delete(id)) this.#size -= 1;
    }
    if (checks.size === 0) this.#owners.delete(owner);
  }

  /** Forgets the owner whole. */
  forget(owner: string): void {
    this.#size -= this.#owners.get(owner)?.size ?? 0;
    this.#owners.delete(owner);
  }

  #put(owner: string, checkId: string, health: Health): void {
    const checks = this.#owners.get(owner) ?? new Map<string, Health>();
    this.#owners.set(owner, checks);
    if (!checks.has(checkId)) this.#size += 1;
    checks.set(checkId, health);
  }
}
