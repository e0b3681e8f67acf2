import { isInRow, applyVerdict, withoutRuns, type StepResult } from '../../core/health/thresholds.ts';
import { unknownHealth, type Health, type Transition } from '../../core/health/state.ts';
import { withLoginReason } from '../../core/probing/login-reasons.ts';
import { restoredAgain } from '../../core/restore/restore-again.ts';
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
  /**
   * Called when a verdict without an answer would make a healthy check unhealthy. The check remains healthy until
   * `release`. Not called again while it waits. Without this listener nothing waits.
   */
  readonly onHeld?: (owner: string, check: Check, run: HeldRun) => void;
  /** Called when a verdict does not wait any more: the host answered, or it does not count (`recount`). */
  readonly onSettled?: (owner: string, check: Check) => void;
}

/** Monotonic. */
export interface RunTimes {
  readonly dueAt: number;
  readonly startedAt: number;
}

/** Run whose verdict waits. */
export interface HeldRun {
  /** Monotonic. */
  readonly startedAt: number;
  /** False: the connection was accepted, and then hung. */
  readonly isUnreached: boolean;
}

interface Entry {
  health: Health;
  /** Time of the last verdict, monotonic; undefined: the health was restored, and there was no verdict yet. */
  recordedAt: number | undefined;
  /** True when the last conclusive verdict was without a packet of the host. */
  isSilent: boolean;
  /** Verdict that waits for `release`. */
  held: HeldVerdict | undefined;
}

interface HeldVerdict {
  readonly check: Check;
  readonly verdict: Verdict;
}

/**
 * Health of all checks of all backends. `owner` is the UID of the backend, so a backend that is created later
 * with the same name starts without health. Once a verdict has confirmed a state, only verdicts change it.
 * `restore` sets published health.
 */
export class HealthTable {
  readonly #options: HealthTableOptions;
  readonly #owners = new Map<string, Map<string, Entry>>();
  #size = 0;
  /** Silence of runs that began before this instant does not count, monotonic. */
  #freshSince = -Infinity;

  constructor(options: HealthTableOptions) {
    this.#options = options;
  }

  /** Number of checks of all owners. */
  get size(): number {
    return this.#size;
  }

  /** Returns the health of a check; undefined: it is neither restored nor probed yet. */
  get(owner: string, checkId: string): Health | undefined {
    return this.#owners.get(owner)?.get(checkId)?.health;
  }

  /** Returns a lookup of the health of one owner's checks. It reads the health when it is called. */
  healthOf(owner: string): HealthOf {
    return (checkId) => this.get(owner, checkId);
  }

  /**
   * Sets published health, by the rule of `restoredAgain`. Never replaces health that a verdict has confirmed.
   * Returns true when this replaced other health.
   */
  restore(owner: string, checkId: string, health: Health): boolean {
    const known = this.get(owner, checkId);
    const next = restoredAgain(known, health);
    if (next !== known) this.#put(owner, checkId, next);
    return known !== undefined && next !== known;
  }

  /**
   * Steps the health of a check by one verdict and returns the transition. Verdicts that are further apart
   * than the period allows are not consecutive, so the counts of the earlier ones are dropped.
   *
   * @param run when it was due and when it started, monotonic. Default: now. Waiting for a slot does not make verdicts
   *   non-consecutive.
   */
  record(owner: string, check: Check, verdict: Verdict, run: Partial<RunTimes> = {}): Transition {
    const now = this.#options.clock.now();
    const { dueAt = now, startedAt = now } = run;
    if (isSilence(verdict) && startedAt < this.#freshSince) return 'unchanged';
    return this.#record(owner, check, verdict, { dueAt, startedAt });
  }

  #record(owner: string, check: Check, verdict: Verdict, { dueAt, startedAt }: RunTimes): Transition {
    const { clock, onHeld } = this.#options;
    const entry =
      this.#owners.get(owner)?.get(check.id) ?? this.#put(owner, check.id, unknownHealth(clock.wall()));
    const before = entry.health;
    const isBroken = entry.recordedAt !== undefined && !isInRow(dueAt - entry.recordedAt, check.timing);
    const restarts = isBroken || isFirstAnswer(entry.held, verdict);
    const from = restarts ? withoutRuns(before) : before;
    const stepped = this.#step(check, verdict, from);
    entry.recordedAt = clock.now();
    const waits = onHeld !== undefined && mustWait(entry.held, verdict, from, stepped.health);
    const wasHeld = entry.held !== undefined;
    note(entry, check, verdict, waits);
    if (waits) {
      entry.health = from;
      if (!wasHeld) onHeld(owner, check, { startedAt, isUnreached: verdict.isUnreached === true });
      return 'pending';
    }
    if (wasHeld) this.#reportSettled(owner, check, entry);
    return this.#apply(owner, check, before, stepped);
  }

  #reportSettled(owner: string, check: Check, { held }: Entry): void {
    if (held === undefined) this.#options.onSettled?.(owner, check);
  }

  /** Applies the verdict of a check that waits. Has no effect on a check that does not. */
  release(owner: string, checkId: string): void {
    const entry = this.#owners.get(owner)?.get(checkId);
    if (entry?.held === undefined) return;
    const { check, verdict } = entry.held;
    entry.held = undefined;
    this.#apply(owner, check, entry.health, this.#step(check, verdict, entry.health));
  }

  /**
   * Drops the verdicts that wait, and the counts of all checks whose last verdict was without an answer: they need all
   * verdicts of their thresholds again, from runs that begin from now on.
   */
  recount(): void {
    this.#freshSince = this.#options.clock.now();
    for (const [owner, checks] of this.#owners)
      for (const entry of checks.values()) {
        const { held } = entry;
        if (entry.isSilent || held !== undefined) entry.health = withoutRuns(entry.health);
        entry.held = undefined;
        if (held !== undefined) this.#options.onSettled?.(owner, held.check);
      }
  }

  #step(check: Check, verdict: Verdict, from: Health): StepResult {
    const { clock } = this.#options;
    const effective = withLoginReason(check.handler, verdict, from.replication?.role);
    const at = { now: clock.now(), wall: clock.wall() };
    return applyVerdict(from, effective, check.timing, at, check.lagLimits);
  }

  #apply(owner: string, check: Check, before: Health, { health, transition }: StepResult): Transition {
    const { onChanged, onConfirmed } = this.#options;
    this.#put(owner, check.id, health);
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
    const entry: Entry = { health, recordedAt: undefined, isSilent: false, held: undefined };
    this.#size += 1;
    checks.set(checkId, entry);
    return entry;
  }
}

/**
 * Returns true for the first verdict with a packet of the host after one without, which waits. Silence that waits is
 * perhaps of the network of the operator, so it does not count towards the threshold of a fault of the server.
 */
const isFirstAnswer = (held: HeldVerdict | undefined, { kind, isUnreached }: Verdict): boolean =>
  held?.verdict.isUnreached === true && kind === 'down' && isUnreached !== true;

/**
 * Returns true when a step must wait. A connection that was accepted and then hung waits for one more verdict only: the
 * network may have been cut, or repaired, meanwhile.
 *
 * | verdict                       | a healthy check would become unhealthy              |
 * |-------------------------------|-----------------------------------------------------|
 * | down, without any packet      | waits                                               |
 * | down Timeout, after an answer | waits, unless the same verdict is the one that waits |
 * | any other                     | does not wait                                       |
 */
function mustWait(
  held: HeldVerdict | undefined,
  { isUnreached, reason }: Verdict,
  from: Health,
  after: Health,
): boolean {
  if (from.state !== 'healthy' || after.state !== 'unhealthy') return false;
  const isFirstHang = held === undefined || held.verdict.isUnreached === true;
  return isUnreached === true || (reason === 'Timeout' && isFirstHang);
}

const isSilence = ({ kind, isUnreached, reason }: Verdict): boolean =>
  kind === 'down' && (isUnreached === true || reason === 'Timeout');

/** Notes the last conclusive verdict of a check. */
function note(entry: Entry, check: Check, verdict: Verdict, waits: boolean): void {
  if (verdict.kind === 'inconclusive') return;
  entry.isSilent = verdict.isUnreached === true;
  entry.held = waits ? { check, verdict } : undefined;
}

/** Returns true when health or a role that came from published data is confirmed now. */
const isConfirmation = (before: Health, after: Health): boolean =>
  before.restored !== after.restored || before.replication?.isPresumed !== after.replication?.isPresumed;
