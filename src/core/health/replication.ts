import type { Verdict } from '../probing/verdict.ts';
import type { Role } from '../role.ts';

/** Replication state of a server, from its verdicts. */
export interface ReplicationState {
  readonly role: Role | undefined;
  /** Monotonic milliseconds of the last change of the role. */
  readonly roleSince: number;
  readonly epoch: number | undefined;
  /** True for a primary that refuses writes: one that accepts them is preferred. */
  readonly refusesWrites?: true;
  /**
   * True if it was a replica until the last verdict. The previous primary has not been probed since, and may
   * not be one any more.
   */
  readonly justPromoted?: true;
  /** Limit in seconds -> number of consecutive verdicts with a lag over it, counted up to the threshold. */
  readonly runsOverLimit: ReadonlyMap<number, number>;
  /** Limits that its lag exceeds, ascending. */
  readonly exceededLimits: readonly number[];
  /** Monotonic milliseconds of the last verdict with a lag of 0. */
  readonly caughtUpAt: number | undefined;
  /**
   * True if it is restored, and exceeds a limit only because a slice does not have it. A verdict without a lag
   * ends that.
   */
  readonly isPresumed?: true;
  /**
   * True if it is restored, and its slices have it as the primary and as a replica, because a write was cut.
   * The first verdict that reports a role ends that.
   */
  readonly isBoth?: true;
  /**
   * True if it is restored, and the slices of another Service have another server as the primary, because a
   * switch was cut. The first verdict that reports a role ends that.
   */
  readonly isDisputed?: true;
}

export interface ReplicationContext {
  /** True if the address is unhealthy after this verdict. */
  readonly unhealthy: boolean;
  readonly failureThreshold: number;
  /** Limits in seconds, ascending. */
  readonly lagLimits: readonly number[];
  /** Monotonic milliseconds. */
  readonly now: number;
}

/**
 * Steps the replication state by one conclusive verdict.
 *
 * | verdict                                    | role                                                    | lag                                              |
 * |--------------------------------------------|---------------------------------------------------------|--------------------------------------------------|
 * | reports a role                             | that role, at once                                      |                                                  |
 * | reports Primary                            | that role, at once                                      | cleared: a primary has no lag                    |
 * | reports Primary, and was a replica         | `isNew` until the next such verdict, which is a change  |                                                  |
 * | reports no role, the address is unhealthy  | cleared: another server may come back under the address | cleared                                          |
 * | reports that the server has no role        | cleared                                                 | cleared                                          |
 * | reports no role                            | remains                                                 |                                                  |
 * | a lag over a limit, the first lag reported |                                                         | exceeds the limit, at once                       |
 * | a lag over a limit                         |                                                         | exceeds the limit after failureThreshold consecutive verdicts |
 * | a lag within a limit                       |                                                         | within the limit, at once                        |
 * | reports no lag                             |                                                         | remains; ends if it was presumed from the slices |
 *
 * A lag never counts for more than the time since the lag was last 0. After an idle time the first write
 * makes the reported lag as long as the whole idle time.
 */
export function applyReplicationVerdict(
  before: ReplicationState | undefined,
  verdict: Verdict,
  options: ReplicationContext,
): { readonly replication: ReplicationState | undefined; readonly changed: boolean } {
  const replication = resetsOn(verdict, options) ? undefined : after(before, verdict, options);
  return { replication, changed: textOf(before) !== textOf(replication) };
}

const resetsOn = (verdict: Verdict, { unhealthy }: ReplicationContext): boolean =>
  verdict.isRoleless === true || (verdict.role === undefined && unhealthy);

/** The parts on which other decisions depend, as text. */
const textOf = (replication: ReplicationState | undefined): string =>
  [
    replication?.role,
    replication?.epoch,
    replication?.refusesWrites,
    replication?.justPromoted,
    replication?.isBoth,
    replication?.isDisputed,
    ...(replication?.exceededLimits ?? []),
  ].join();

function after(
  before: ReplicationState | undefined,
  verdict: Verdict,
  options: ReplicationContext,
): ReplicationState {
  const lag = lagAfter(before, verdict, options);
  if (verdict.role === undefined) {
    const { isPresumed: _, ...kept } = before ?? {
      role: undefined,
      roleSince: options.now,
      epoch: undefined,
    };
    return { ...kept, ...lag };
  }
  const { role, epoch } = verdict;
  const roleSince = before?.role === role ? before.roleSince : options.now;
  return {
    ...lag,
    role,
    roleSince,
    epoch,
    ...(isPromotion(before, verdict) && { justPromoted: true }),
    ...(refusesWrites(verdict) && { refusesWrites: true }),
  };
}

const isPromotion = (before: ReplicationState | undefined, { role }: Verdict): boolean =>
  role === 'Primary' && before?.role === 'Replica';

const refusesWrites = ({ role, reason }: Verdict): boolean => role === 'Primary' && reason === 'ReadOnly';

type Lag = Pick<ReplicationState, 'runsOverLimit' | 'exceededLimits' | 'caughtUpAt'>;

const noLag: Lag = { runsOverLimit: new Map(), exceededLimits: [], caughtUpAt: undefined };

function lagAfter(before: ReplicationState | undefined, verdict: Verdict, options: ReplicationContext): Lag {
  const { lagSeconds, role } = verdict;
  if (role === 'Primary') return noLag;
  if (lagSeconds === undefined) return before?.isPresumed === true ? noLag : lagOf(before);
  const { now, failureThreshold, lagLimits } = options;
  const caughtUpAt = lagSeconds === 0 ? now : before?.caughtUpAt;
  const bound = caughtUpAt === undefined ? Infinity : (now - caughtUpAt) / 1000;
  const runsOverLimit = counted(before, Math.min(lagSeconds, bound), options);
  const isOut = (limit: number, run: number): boolean =>
    run >= failureThreshold || (run > 0 && before?.exceededLimits.includes(limit) === true);
  return {
    runsOverLimit,
    exceededLimits: lagLimits.filter((limit) => isOut(limit, runsOverLimit.get(limit) ?? 0)),
    caughtUpAt,
  };
}

const lagOf = ({ runsOverLimit, exceededLimits, caughtUpAt }: Lag = noLag): Lag => ({
  runsOverLimit,
  exceededLimits,
  caughtUpAt,
});

function counted(
  before: ReplicationState | undefined,
  lag: number,
  { failureThreshold, lagLimits }: ReplicationContext,
): ReadonlyMap<number, number> {
  return new Map(
    lagLimits.map((limit) => {
      const run = before?.runsOverLimit.get(limit);
      if (lag <= limit) return [limit, 0];
      return [limit, run === undefined ? failureThreshold : Math.min(run + 1, failureThreshold)];
    }),
  );
}

/** Returns it without counts that are below the threshold. */
export function withoutLagRuns(replication: ReplicationState): ReplicationState {
  const isShort = ([limit, run]: readonly [number, number]) =>
    run > 0 && !replication.exceededLimits.includes(limit);
  const runs = [...replication.runsOverLimit];
  if (!runs.some(isShort)) return replication;
  return {
    ...replication,
    runsOverLimit: new Map(runs.map(([limit, run]) => [limit, isShort([limit, run]) ? 0 : run])),
  };
}

/** Roles and limits under which an address is published before it is probed in this term. */
export interface RestoredReplication {
  readonly role: Role | undefined;
  /** True when it is published as the primary and as a replica. */
  readonly isBoth: boolean;
  /** True while another Service publishes another server as the primary. */
  readonly isDisputed?: boolean;
  /** Limits that its lag is within. */
  readonly within: readonly number[];
  /** Limits that its lag exceeds, ascending. */
  readonly exceededLimits: readonly number[];
  /** True when one of these limits follows from the slices alone. */
  readonly isPresumed: boolean;
  readonly failureThreshold: number;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/**
 * Returns the replication state of a restored address. The first lag over a limit that the address is within
 * counts as the first of failureThreshold.
 */
export function restoreReplication(restored: RestoredReplication): ReplicationState {
  const {
    role,
    isBoth,
    isDisputed = false,
    within,
    exceededLimits,
    isPresumed,
    failureThreshold,
    now,
  } = restored;
  const flags = { ...(isBoth && { isBoth }), ...(isDisputed && { isDisputed }) };
  const base = { role, roleSince: now, epoch: undefined, ...flags };
  if (role === 'Primary') return { ...base, ...noLag };
  const runsOverLimit = new Map([
    ...within.map((limit) => [limit, 0] as const),
    ...exceededLimits.map((limit) => [limit, failureThreshold] as const),
  ]);
  return { ...base, runsOverLimit, exceededLimits, caughtUpAt: undefined, ...(isPresumed && { isPresumed }) };
}
