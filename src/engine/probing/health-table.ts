import { isInRow, applyVerdict, withoutRuns } from '../../core/health/thresholds.ts';
import { unknownHealth, type Health, type Transition } from '../../core/health/state.ts';
import { reported } from '../../core/probing/logins.ts';
import { reseeded } from '../../core/restore/reseed.ts';
import type { Check } from '../../core/probing/check.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { Clock } from '../../util/clock.ts';

export interface HealthTableOptions {
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  /** Called for transitions only, after the table contains the new health. */
  readonly onChanged: (owner: string, check: Check, before: Health, after: Health) => void;
  /** Called with health that a verdict has confirmed without a transition. */
  readonly onConfirmed?: (owner: string, check: Check, health: Health) => void;
}

interface Entry {
  health: Health;
  /** Time of the last verdict, monotonic; undefined: the health was seeded, and there was no verdict yet. */
  recordedAt: number | undefined;
}

/**
 * Health of all checks of all backends. `owner` is the UID of the backend, so a backend that is created later
 * with the same name starts without health. Once a verdict has confirmed a state, only verdicts change it.
 * `seed` sets published health.
 */
export class HealthTable {
  readonly #options: HealthTableOptions;
  readonly #owners = new Map<string, Map<string, Entry>>();
  #size = 0;

  constructor(options: HealthTableOptions) {
    this.#options = options;
  }

  /** Number of checks of all owners. */
  get size(): number {
    return this.#size;
  }

  /** Returns the health of a check; undefined: it is neither seeded nor probed yet. */
  get(owner: string, checkId: string): Health | undefined {
    return this.#owners.get(owner)?.get(checkId)?.health;
  }

  /** Returns a lookup of the health of one owner's checks. It reads the health when it is called. */
  healthOf(owner: string): HealthOf {
    return (checkId) => this.get(owner, checkId);
  }

  /**
   * Sets published health, by the rule of `reseeded`. Never replaces health that a verdict has confirmed.
   * Returns true when this replaced other health.
   */
  seed(owner: string, checkId: string, health: Health): boolean {
    const known = this.get(owner, checkId);
    const next = reseeded(known, health);
    if (next !== known) this.#put(owner, checkId, next);
    return known !== undefined && next !== known;
  }

  /**
   * Steps the health of a check by one verdict and returns the transition. Verdicts that are further apart
   * than the period allows are not consecutive, so the counts of the earlier ones are dropped.
   *
   * @param dueAt when the run was due, monotonic. Waiting for a slot does not make verdicts non-consecutive.
   */
  record(owner: string, check: Check, verdict: Verdict, dueAt = this.#options.clock.now()): Transition {
    const { clock, onChanged, onConfirmed } = this.#options;
    const at = { now: clock.now(), wall: clock.wall() };
    const entry = this.#owners.get(owner)?.get(check.id);
    const before = entry?.health ?? unknownHealth(at.wall);
    const isBroken = entry?.recordedAt !== undefined && !isInRow(dueAt - entry.recordedAt, check.timing);
    const from = isBroken ? withoutRuns(before) : before;
    const effective = reported(check.handler, verdict, from.replication?.role);
    const { health, transition } = applyVerdict(from, effective, check.timing, at, check.lagLimits);
    this.#put(owner, check.id, health).recordedAt = at.now;
    if (transition === 'changed') onChanged(owner, check, before, health);
    else if (isConfirmation(before, health)) onConfirmed?.(owner, check, health);
    return transition;
  }

  /** Forgets all checks of the owner except these. */
  retain(owner: string, checkIds: Iterable<string>): void {
    const checks = this.#owners.get(owner);
    if (checks === undefined) return;
    const kept = new Set(checkIds);
    for (const id of checks.keys()) {
      if (!kept.has(id) && checks.delete(id)) this.#size -= 1;
    }
    if (checks.size === 0) this.#owners.delete(owner);
  }

  /** Forgets all checks of the owner. */
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
    const entry: Entry = { health, recordedAt: undefined };
    this.#size += 1;
    checks.set(checkId, entry);
    return entry;
  }
}

/** Returns true when health or a role that came from published data is confirmed now. */
const isConfirmation = (before: Health, after: Health): boolean =>
  before.seeded !== after.seeded || before.replication?.isPresumed !== after.replication?.isPresumed;
