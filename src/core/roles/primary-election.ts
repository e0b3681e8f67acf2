import type { BackendAddress } from '../resolution/addresses.ts';
import { checkId, type PortGroup } from '../probing/port-groups.ts';
import { rolesFromTargets, isDrainedIn, isYieldingIn } from '../resolution/origins.ts';
import { addressReadiness, type HealthOf } from '../health/readiness.ts';
import type { Role } from '../role.ts';

/** Roles of the addresses of a backend, and the elected primary. */
export interface Roles {
  roleOf(address: BackendAddress): Role | undefined;
  /** Returns the limits in seconds that the lag of the address exceeds, ascending. */
  exceededLagLimits(address: BackendAddress): readonly number[];
  /** Returns true when the role comes from the targets, because no verdict reports one. */
  isGiven(address: BackendAddress): boolean;
  /**
   * Returns true when a primary is a replica too. Either it is published as both, and no verdict has reported
   * a role yet; or one target gives it as Primary and another one as Replica.
   */
  isBoth(address: BackendAddress): boolean;
  /**
   * Returns the servers that a Service of role Primary keeps until a verdict shows which of several is the
   * primary; undefined: the Service uses the elected primary.
   */
  keptBy(service: string): readonly BackendAddress[] | undefined;
  /**
   * Addresses that Services of role Primary lead to: one server, with all its addresses. All of them are
   * ready.
   */
  readonly primary: readonly BackendAddress[];
  /**
   * Conflicting primaries: other ready addresses that reported to be the primary after the elected one became
   * primary. They are excluded.
   */
  readonly conflictingPrimaries: readonly BackendAddress[];
  /** Addresses of the elected primary, whether or not it is ready. */
  readonly electedPrimary: readonly BackendAddress[];
}

export interface RolesInput {
  readonly groups: readonly PortGroup[];
  readonly addresses: readonly BackendAddress[];
  readonly healthOf: HealthOf;
  /**
   * Returns true if that Service of role Primary publishes the address as ready now. Service undefined: if
   * any of them does.
   */
  readonly isPublishedPrimary: (address: BackendAddress, service?: string) => boolean;
}

interface RoleClaim {
  readonly address: BackendAddress;
  readonly role: Role | undefined;
  readonly epoch: number | undefined;
  readonly since: number;
  readonly refusesWrites: boolean;
  readonly exceededLimits: readonly number[];
  readonly isGiven: boolean;
  readonly isBoth: boolean;
  /** Another server is published as the primary too, and no verdict has reported its role yet. */
  readonly isDisputed: boolean;
  /** A maintenance window drains it: another ready server that claims to be the primary is preferred. */
  readonly isYielding: boolean;
  /** Ready at the port whose probe reported the role; at all ports if none did. */
  readonly ready: boolean;
  /** Primary only since the last verdict: the reports of other servers are older. */
  readonly justPromoted: boolean;
  /** The last verdict was a failure, and there are too few of them to make it unhealthy. */
  readonly lastVerdictFailed: boolean;
}

/**
 * Elects the primary. Only ready addresses count, and of these the ones that no maintenance window drains, if there are any. If none is ready, the others count, so that at most one
 * server is published as the primary also among addresses that are published although they are not ready.
 *
 * | report to be primary                                         | epochs                   | the elected primary is                              |
 * |--------------------------------------------------------------|--------------------------|-----------------------------------------------------|
 * | none                                                         |                          | none                                                |
 * | one                                                          |                          | that one                                            |
 * | two addresses of one host, of different families             |                          | both: they are one server                           |
 * | several                                                      | known and different      | the one with the highest                            |
 * | several, some refuse writes                                  | equal, or some not known | one of the others, by the rows below                |
 * | several                                                      | equal, or some not known | the published one; the others are excluded          |
 * | several, none published                                      | equal, or some not known | the one that has been primary for the longest time  |
 * | several, all published                                       | equal, or some not known | the one that has been primary for the longest time  |
 * | several, because a switch was cut; one of them has a verdict | any                      | the one with the verdict                            |
 * | the same, none of them has a verdict                         | any                      | each Service keeps its own until there is a verdict |
 */
export function electPrimary(input: RolesInput): Roles {
  const known = new Map(input.addresses.map((address) => [address, roleClaimOf(address, input)]));
  const claimants = [...known.values()].filter(({ role }) => role === 'Primary');
  const ready = preferred(
    claimants.filter((claimant) => claimant.ready),
    ({ isYielding }) => !isYielding,
  );
  const first = chooseClaim(settledClaims(ready.length > 0 ? ready : claimants), input.isPublishedPrimary);
  const elected = first === undefined ? [] : sameServer(first, claimants);
  const isElected = (claimant: RoleClaim): boolean => elected.includes(claimant);
  return {
    roleOf: (address) => known.get(address)?.role,
    exceededLagLimits: (address) => known.get(address)?.exceededLimits ?? [],
    isGiven: (address) => known.get(address)?.isGiven === true,
    isBoth: (address) => known.get(address)?.isBoth === true,
    keptBy: (service) => {
      if (first?.isDisputed !== true || isOneServer(addressesOf(claimants))) return undefined;
      const kept = addressesOf(claimants).filter((address) => input.isPublishedPrimary(address, service));
      return kept.length > 0 ? kept : undefined;
    },
    primary: addressesOf(ready.filter(isElected)),
    conflictingPrimaries:
      first?.justPromoted === true
        ? []
        : addressesOf(ready.filter((each) => !isElected(each) && hasConfirmedClaim(each))),
    electedPrimary: addressesOf(elected),
  };
}

/** Returns true when its report is no older than that of the elected primary. */
const hasConfirmedClaim = ({ justPromoted, lastVerdictFailed, isDisputed }: RoleClaim): boolean =>
  !justPromoted && !lastVerdictFailed && !isDisputed;

/** Returns the claimants whose role a verdict reported; all of them if there is no such one. */
function settledClaims(claimants: readonly RoleClaim[]): readonly RoleClaim[] {
  const reported = claimants.filter(({ isDisputed }) => !isDisputed);
  return reported.length > 0 ? reported : claimants;
}

const addressesOf = (all: readonly RoleClaim[]): readonly BackendAddress[] =>
  all.map(({ address }) => address);

const unknownReplication = {
  role: undefined,
  epoch: undefined,
  roleSince: 0,
  refusesWrites: false,
  exceededLimits: [],
  justPromoted: false,
  isBoth: false,
  isDisputed: false,
};

/** Takes the first port group whose probe reports a role. If none does, the role is that of the spec. */
function roleClaimOf(address: BackendAddress, { groups, healthOf }: RolesInput): RoleClaim {
  const states = groups.map((group) => {
    const { replication, consecutive = 0 } = healthOf(checkId(group, address)) ?? {};
    return { group, replication, lastVerdictFailed: consecutive > 0 };
  });
  const reporting = states.find(({ replication }) => replication?.role !== undefined);
  const { replication } = reporting ?? states.find((each) => each.replication !== undefined) ?? {};
  const given = rolesFromTargets(address);
  const { role = given[0], roleSince, ...rest } = { ...unknownReplication, ...replication };
  const isGiven = reporting === undefined && given.length > 0;
  return {
    address,
    role,
    epoch: rest.epoch,
    since: roleSince,
    refusesWrites: rest.refusesWrites,
    exceededLimits: rest.exceededLimits,
    justPromoted: rest.justPromoted,
    isGiven,
    isBoth: rest.isBoth || (isGiven && given.length > 1),
    isDisputed: rest.isDisputed,
    lastVerdictFailed: reporting?.lastVerdictFailed === true,
    isYielding: isYieldingIn(address, 'Primary', isGiven),
    ready:
      addressReadiness(reporting === undefined ? groups : [reporting.group], address, healthOf).ready &&
      !isDrainedIn(address, 'Primary', isGiven),
  };
}

/**
 * Returns true when the addresses can be one server: they have the same host name and port, and each has
 * another family. A name with one A and one AAAA record is one server. With two A records it is two servers,
 * and nothing shows which of them has the AAAA record.
 */
export function isOneServer(addresses: readonly BackendAddress[]): boolean {
  const places = new Set(addresses.map(({ host, port }) => `${host} ${port}`));
  const families = new Set(addresses.map(({ family }) => family));
  return places.size === 1 && families.size === addresses.length;
}

/** Returns the claimants that are the same server as the first one. */
function sameServer(first: RoleClaim, claimants: readonly RoleClaim[]): readonly RoleClaim[] {
  const { host, port } = first.address;
  const namesakes = claimants.filter(({ address }) => address.host === host && address.port === port);
  return isOneServer(addressesOf(namesakes)) ? namesakes : [first];
}

function chooseClaim(
  claimants: readonly RoleClaim[],
  isPublished: (address: BackendAddress) => boolean,
): RoleClaim | undefined {
  const highest = Math.max(...claimants.map(({ epoch }) => epoch ?? NaN));
  const contenders = Number.isNaN(highest) ? claimants : claimants.filter(({ epoch }) => epoch === highest);
  const writable = preferred(contenders, ({ refusesWrites }) => !refusesWrites);
  const left = preferred(writable, ({ address }) => isPublished(address));
  return left.toSorted((a, b) => a.since - b.since)[0];
}

/** Returns the items for which the condition is true; all of them if it is true for none. */
function preferred<T>(all: readonly T[], isPreferred: (each: T) => boolean): readonly T[] {
  const some = all.filter(isPreferred);
  return some.length > 0 ? some : all;
}
