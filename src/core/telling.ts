import type { Role, Verdict } from './verdict.ts';

/** What verdicts told of a server beside being up or down. */
export interface Telling {
  readonly role: Role | undefined;
  /** When the role became what it is, wall milliseconds. */
  readonly roleSince: number;
  readonly epoch: number | undefined;
  /** Limit in seconds -> verdicts in a row with a lag over it, counted up to the threshold. */
  readonly over: ReadonlyMap<number, number>;
  /** Limits that it is out of bounds for. */
  readonly lagging: readonly number[];
  /** When the lag was last 0, wall milliseconds. */
  readonly caughtUpAt: number | undefined;
}

export interface TellingOptions {
  /** What the verdict made of the state. */
  readonly unhealthy: boolean;
  readonly failureThreshold: number;
  readonly lagLimits: readonly number[];
  /** Wall milliseconds. */
  readonly now: number;
}

/**
 * What one conclusive verdict does to what is known.
 *
 * | verdict                              | role              | lag                                                    |
 * |--------------------------------------|-------------------|--------------------------------------------------------|
 * | says a role                          | that, at once     |                                                        |
 * | says none, the address is unhealthy  | forgotten: who comes back may be another | forgotten                       |
 * | says none                            | stays             |                                                        |
 * | a lag over a limit, the first told   |                   | out of bounds, at once                                 |
 * | a lag over a limit                   |                   | out of bounds after failureThreshold of them in a row  |
 * | a lag within a limit                 |                   | within bounds, at once                                 |
 * | says no lag                          |                   | stays                                                  |
 *
 * A lag never counts for more than the time since the lag was last 0: after an idle time the first write makes the
 * naive difference jump to the whole of it.
 */
export function tell(
  before: Telling | undefined,
  verdict: Verdict,
  options: TellingOptions,
): { readonly telling: Telling | undefined; readonly changed: boolean } {
  if (verdict.role === undefined && options.unhealthy)
    return { telling: undefined, changed: before?.role !== undefined };
  const role = verdict.role ?? before?.role;
  const epoch = verdict.role === undefined ? before?.epoch : verdict.epoch;
  const { lagSeconds } = verdict;
  const caughtUpAt = lagSeconds === 0 ? options.now : before?.caughtUpAt;
  const over = lagSeconds === undefined ? before?.over : counted(before, lagSeconds, caughtUpAt, options);
  const lagging = options.lagLimits.filter((limit) => (over?.get(limit) ?? 0) >= options.failureThreshold);
  const turned = before?.role !== role;
  const telling = {
    role,
    roleSince: turned || before === undefined ? options.now : before.roleSince,
    epoch,
    over: over ?? new Map<number, number>(),
    lagging,
    caughtUpAt,
  };
  const changed = turned || before?.epoch !== epoch || before?.lagging.join() !== lagging.join();
  return {
    telling,
    changed: changed && !(before === undefined && role === undefined && lagging.length === 0),
  };
}

function counted(
  before: Telling | undefined,
  lagSeconds: number,
  caughtUpAt: number | undefined,
  { failureThreshold, lagLimits, now }: TellingOptions,
): ReadonlyMap<number, number> {
  const bound = caughtUpAt === undefined ? Infinity : (now - caughtUpAt) / 1000;
  const lag = Math.min(lagSeconds, bound);
  return new Map(
    lagLimits.map((limit) => {
      const run = before?.over.get(limit);
      if (lag <= limit) return [limit, 0];
      return [limit, run === undefined ? failureThreshold : Math.min(run + 1, failureThreshold)];
    }),
  );
}

/** What is known of an address that was published before this process began. */
export const seededTelling = (role: Role, now: number, epoch?: number): Telling => ({
  role,
  roleSince: now,
  epoch,
  over: new Map(),
  lagging: [],
  caughtUpAt: undefined,
});
