import type { Role, Verdict } from './verdict.ts';

/** What verdicts told of a server beside being up or down. */
export interface Telling {
  readonly role: Role | undefined;
  /** When the role became what it is, monotonic milliseconds. */
  readonly roleSince: number;
  readonly epoch: number | undefined;
  /** True for a primary that refuses writes: one that accepts them is preferred. */
  readonly refusesWrites?: true;
  /** It was a replica until the last verdict: a primary of before has not been asked since, and may be none any more. */
  readonly isNew?: true;
  /** Limit in seconds -> verdicts in a row with a lag over it, counted up to the threshold. */
  readonly over: ReadonlyMap<number, number>;
  /** Limits that it is out of bounds for, ascending. */
  readonly lagging: readonly number[];
  /** When the lag was last 0, monotonic milliseconds. */
  readonly caughtUpAt: number | undefined;
  /** Seeded, and beyond a limit only because a slice does not have it: a verdict without lag ends that. */
  readonly isPresumed?: true;
  /** Seeded, and in slices as the primary and as a replica, because a write was cut: no verdict has reported a role yet. */
  readonly isBoth?: true;
  /**
   * Seeded, and another server is the primary in the slices of another Service, because a switch was cut: no verdict has
   * reported a role yet.
   */
  readonly isDisputed?: true;
}

export interface TellingOptions {
  /** What the verdict made of the state. */
  readonly unhealthy: boolean;
  readonly failureThreshold: number;
  /** Ascending. */
  readonly lagLimits: readonly number[];
  /** Monotonic milliseconds. */
  readonly now: number;
}

/**
 * What one conclusive verdict does to what is known.
 *
 * | verdict                              | role              | lag                                                    |
 * |--------------------------------------|-------------------|--------------------------------------------------------|
 * | says a role                          | that, at once     |                                                        |
 * | says Primary                         | that, at once     | forgotten: a primary is behind nobody                  |
 * | says Primary, and was a replica      | is new, until it says so again, which is a change |                        |
 * | says none, the address is unhealthy  | forgotten: who comes back may be another | forgotten                       |
 * | reports that the server has none     | forgotten         | forgotten                                              |
 * | says none                            | stays             |                                                        |
 * | a lag over a limit, the first told   |                   | out of bounds, at once                                 |
 * | a lag over a limit                   |                   | out of bounds after failureThreshold of them in a row  |
 * | a lag within a limit                 |                   | within bounds, at once                                 |
 * | has no lag                           |                   | stays; ends where it was presumed of the slices        |
 *
 * A lag never counts for more than the time since the lag was last 0: after an idle time the first write makes the
 * naive difference jump to the whole of it.
 */
export function tell(
  before: Telling | undefined,
  verdict: Verdict,
  options: TellingOptions,
): { readonly telling: Telling | undefined; readonly changed: boolean } {
  const telling = forgets(verdict, options) ? undefined : after(before, verdict, options);
  return { telling, changed: textOf(before) !== textOf(telling) };
}

const forgets = (verdict: Verdict, { unhealthy }: TellingOptions): boolean =>
  verdict.isRoleless === true || (verdict.role === undefined && unhealthy);

/** What others go by. */
const textOf = (telling: Telling | undefined): string =>
  [
    telling?.role,
    telling?.epoch,
    telling?.refusesWrites,
    telling?.isNew,
    telling?.isBoth,
    telling?.isDisputed,
    ...(telling?.lagging ?? []),
  ].join();

function after(before: Telling | undefined, verdict: Verdict, options: TellingOptions): Telling {
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
    ...(isPromotion(before, verdict) && { isNew: true }),
    ...(refusesWrites(verdict) && { refusesWrites: true }),
  };
}

const isPromotion = (before: Telling | undefined, { role }: Verdict): boolean =>
  role === 'Primary' && before?.role === 'Replica';

const refusesWrites = ({ role, reason }: Verdict): boolean => role === 'Primary' && reason === 'ReadOnly';

type Lag = Pick<Telling, 'over' | 'lagging' | 'caughtUpAt'>;

const noLag: Lag = { over: new Map(), lagging: [], caughtUpAt: undefined };

function lagAfter(before: Telling | undefined, verdict: Verdict, options: TellingOptions): Lag {
  const { lagSeconds, role } = verdict;
  if (role === 'Primary') return noLag;
  if (lagSeconds === undefined) return before?.isPresumed === true ? noLag : lagOf(before);
  const { now, failureThreshold, lagLimits } = options;
  const caughtUpAt = lagSeconds === 0 ? now : before?.caughtUpAt;
  const bound = caughtUpAt === undefined ? Infinity : (now - caughtUpAt) / 1000;
  const over = counted(before, Math.min(lagSeconds, bound), options);
  const isOut = (limit: number, run: number): boolean =>
    run >= failureThreshold || (run > 0 && before?.lagging.includes(limit) === true);
  return { over, lagging: lagLimits.filter((limit) => isOut(limit, over.get(limit) ?? 0)), caughtUpAt };
}

const lagOf = ({ over, lagging, caughtUpAt }: Lag = noLag): Lag => ({ over, lagging, caughtUpAt });

function counted(
  before: Telling | undefined,
  lag: number,
  { failureThreshold, lagLimits }: TellingOptions,
): ReadonlyMap<number, number> {
  return new Map(
    lagLimits.map((limit) => {
      const run = before?.over.get(limit);
      if (lag <= limit) return [limit, 0];
      return [limit, run === undefined ? failureThreshold : Math.min(run + 1, failureThreshold)];
    }),
  );
}

/** Without the counts that have not led to anything. */
export function withoutLagRuns(telling: Telling): Telling {
  const isShort = ([limit, run]: readonly [number, number]) => run > 0 && !telling.lagging.includes(limit);
  const runs = [...telling.over];
  if (!runs.some(isShort)) return telling;
  return { ...telling, over: new Map(runs.map(([limit, run]) => [limit, isShort([limit, run]) ? 0 : run])) };
}

/** Roles under which an address is published before it is probed in this term. */
export interface Seed {
  readonly role: Role | undefined;
  /** True when it is published as the primary and as a replica. */
  readonly isBoth: boolean;
  /** True while another Service publishes another server as the primary. */
  readonly isDisputed?: boolean;
  /** Limits that it is within. */
  readonly within: readonly number[];
  /** Limits that it is beyond, ascending. */
  readonly lagging: readonly number[];
  /** True when one of them follows from the slices alone. */
  readonly isPresumed: boolean;
  readonly failureThreshold: number;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** A first lag over a limit that the address is within is a first one of failureThreshold. */
export function seededTelling(seed: Seed): Telling {
  const { role, isBoth, isDisputed = false, within, lagging, isPresumed, failureThreshold, now } = seed;
  const flags = { ...(isBoth && { isBoth }), ...(isDisputed && { isDisputed }) };
  const told = { role, roleSince: now, epoch: undefined, ...flags };
  if (role === 'Primary') return { ...told, ...noLag };
  const over = new Map([
    ...within.map((limit) => [limit, 0] as const),
    ...lagging.map((limit) => [limit, failureThreshold] as const),
  ]);
  return { ...told, over, lagging, caughtUpAt: undefined, ...(isPresumed && { isPresumed }) };
}
