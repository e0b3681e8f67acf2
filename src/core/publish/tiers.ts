import type { ServiceSpec, Target } from '../../api/external-backend.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import { originsOf, preferredOrigins, type Origin } from '../resolution/origins.ts';

/** Preference of addresses: lower first. */
export interface Tier {
  /** `targets[].priority`. */
  readonly priority: number;
  /** Position of the priority of the SRV record among those of its target; 0 for other targets. */
  readonly srvRank: number;
}

/** Returns the tier of an address in a Service of that role. `isGiven`: its role comes from targets. */
export type TierOf = (address: BackendAddress, role: ServiceSpec['role'], isGiven: boolean) => Tier;

/**
 * Returns a lookup of tiers. An address of several targets has the best tier of those that put it into the
 * Service and do not drain it (`preferredOrigins`). The priorities of SRV records are compared within one target alone (RFC 2782).
 */
export function tiersOf(addresses: readonly BackendAddress[]): TierOf {
  const priorities = srvPriorities(addresses);
  const tierOf = ({ target, record }: Origin): Tier => ({
    priority: target.priority,
    srvRank: record === undefined ? 0 : (priorities.get(target)?.indexOf(record.priority) ?? 0),
  });
  return (address, role, isGiven) => {
    const tiers = preferredOrigins(address, role, isGiven).map(tierOf).toSorted(compareTiers);
    return tiers[0] ?? tierOf(address);
  };
}

/** Returns the distinct priorities of the SRV records of each target, ascending. */
function srvPriorities(addresses: readonly BackendAddress[]): ReadonlyMap<Target, readonly number[]> {
  const records = addresses
    .flatMap(originsOf)
    .flatMap(({ target, record }) => (record === undefined ? [] : [{ target, record }]));
  const byTarget = Map.groupBy(records, ({ target }) => target);
  return new Map(
    [...byTarget].map(([target, all]) => [
      target,
      [...new Set(all.map(({ record }) => record.priority))].toSorted((a, b) => a - b),
    ]),
  );
}

export const compareTiers = (a: Tier, b: Tier): number => a.priority - b.priority || a.srvRank - b.srvRank;

const isSameTier = (a: Tier, b: Tier): boolean => compareTiers(a, b) === 0;

/** One address of a Service, at one port. */
export interface TierMember {
  readonly tier: Tier;
  readonly ready: boolean;
  /** Clients of the Service use it now, at this port. */
  readonly isPublished: boolean;
}

export interface TierChoice {
  /** Tier whose ready addresses are published; undefined: no address is ready. */
  readonly tier: Tier | undefined;
  /** Milliseconds after which a better tier may be used, only because time passes. */
  readonly afterMs?: number;
}

/**
 * Chooses the tier whose ready addresses a Service publishes at one port. "In use" is the best tier of the
 * addresses that are ready and published now, so that a restart changes nothing.
 *
 * | in use | ready tiers that are better     | chosen                                        |
 * |--------|---------------------------------|-----------------------------------------------|
 * | none   | any                             | the best tier with a ready address, if any    |
 * | a tier | none                            | the same                                      |
 * | a tier | one, for failbackMs             | the best such tier                            |
 * | a tier | some, none of them for so long  | the same; chosen again when the first one has |
 *
 * @param readyForMs time for which a tier has had a ready address without interruption
 */
export function chooseTier(
  members: readonly TierMember[],
  failbackMs: number,
  readyForMs: (tier: Tier) => number,
): TierChoice {
  const ready = members.filter((member) => member.ready);
  const [best] = tiersIn(ready);
  const [current] = tiersIn(ready.filter(({ isPublished }) => isPublished));
  if (best === undefined || current === undefined) return { tier: best };
  const better = tiersIn(ready)
    .filter((tier) => compareTiers(tier, current) < 0)
    .map((tier) => ({ tier, ms: failbackMs - readyForMs(tier) }));
  const due = better.find(({ ms }) => ms <= 0);
  if (due !== undefined) return { tier: due.tier };
  const afterMs = Math.min(...better.map(({ ms }) => ms));
  return better.length > 0 ? { tier: current, afterMs } : { tier: current };
}

/** Returns the distinct tiers of members, the best one first. */
export const tiersIn = (members: readonly Pick<TierMember, 'tier'>[]): readonly Tier[] =>
  members
    .map(({ tier }) => tier)
    .toSorted(compareTiers)
    .filter((tier, i, all) => i === 0 || !isSameTier(tier, all[i - 1] ?? tier));

/** Key of a tier of a Service at a port, and the monotonic milliseconds since when it has been ready. */
export type TierTimes = ReadonlyMap<string, number>;

export const tierKey = (service: string, group: string, { priority, srvRank }: Tier): string =>
  `${service} ${group} ${priority} ${srvRank}`;

/**
 * Returns since when tiers have been ready without interruption.
 *
 * @param ready keys of the tiers that have a ready address now
 */
export const tierTimes = (before: TierTimes, ready: readonly string[], now: number): TierTimes =>
  new Map(ready.map((key) => [key, before.get(key) ?? now]));
