import { isInRow, step, withoutRuns } from '../core/health.ts';
import { initial, type Health, type Transition } from '../core/health-state.ts';
import { reported } from '../core/logins.ts';
import { reseeded } from '../core/reseed.ts';
import type { Check } from '../core/check.ts';
import type { HealthOf } from '../core/readiness.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Clock } from './ports.ts';

export interface HealthTableOptions {
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  /** Told of flips only, after the table holds the new health. */
  readonly onChanged: (owner: string, check: Check, before: Health, after: Health) => void;
  /** Receives health that a verdict has confirmed without a transition. */
  readonly onConfirmed?: (owner: string, check: Check, health: Health) => void;
}

interface Entry {
  health: Health;
  /** When the last verdict came, monotonic; undefined: it was seeded, and has had none. */
  heardAt: number | undefined;
}

/**
 * What is believed of every check of every backend. `owner` is the backend's uid, so a namesake created later
 * starts with a clean table. Verdicts alone move a state that one of them has confirmed; `seed` puts in what is published.
 */
export class HealthTable {
  readonly #options: HealthTableOptions;
  readonly #owners = new Map<string, Map<string, Entry>>();
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
    return this.#owners.get(owner)?.get(checkId)?.health;
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

  /**
   * Steps the check's health by one verdict and returns what that did. Verdicts that are further apart than the rhythm
   * allows are not in a row, so the counts of the earlier ones are dropped.
   *
   * @param dueAt when the run was due, monotonic: to wait for a slot breaks no row
   */
  record(owner: string, check: Check, verdict: Verdict, dueAt = this.#options.clock.now()): Transition {
    const { clock, onChanged, onConfirmed } = this.#options;
    const at = { now: clock.now(), wall: clock.wall() };
    const entry = this.#owners.get(owner)?.get(check.id);
    const before = entry?.health ?? initial(at.wall);
    const isBroken = entry?.heardAt !== undefined && !isInRow(dueAt - entry.heardAt, check.timing);
    const from = isBroken ? withoutRuns(before) : before;
    const heard = reported(check.handler, verdict, from.telling?.role);
    const { health, transition } = step(from, heard, check.timing, at, check.lagLimits);
    this.#put(owner, check.id, health).heardAt = at.now;
    if (transition === 'changed') onChanged(owner, check, before, health);
    else if (isConfirmation(before, health)) onConfirmed?.(owner, check, health);
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

  #put(owner: string, checkId: string, health: Health): Entry {
    const checks = this.#owners.get(owner) ?? new Map<string, Entry>();
    this.#owners.set(owner, checks);
    const known = checks.get(checkId);
    if (known !== undefined) {
      known.health = health;
      return known;
    }
    const entry: Entry = { health, heardAt: undefined };
    this.#size += 1;
    checks.set(checkId, entry);
    return entry;
  }
}

/** A belief about what was published is not presumed any more. */
const isConfirmation = (before: Health, after: Health): boolean =>
  before.seeded !== after.seeded || before.telling?.isPresumed !== after.telling?.isPresumed;
