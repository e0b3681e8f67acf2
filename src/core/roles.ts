import type { ServiceSpec } from '../api/external-backend.ts';
import type { BackendAddress } from './address.ts';
import { checkId, type PortGroup } from './checks.ts';
import { givenRoles, isDrainedIn } from './origins.ts';
import { overall, type HealthOf } from './readiness.ts';
import type { Role } from './verdict.ts';

/** What is known of the roles of a backend's addresses, and which of them is the primary. */
export interface Roles {
  roleOf(address: BackendAddress): Role | undefined;
  /** Limits in seconds that the address is behind by more than, ascending. */
  laggingOf(address: BackendAddress): readonly number[];
  /** Returns true when the role is of the targets, because no verdict reports one. */
  isGiven(address: BackendAddress): boolean;
  /**
   * Returns true when a primary is a replica too: it is published so, and no verdict has reported a role yet; or one target
   * gives it as Primary and another one as Replica.
   */
  isBoth(address: BackendAddress): boolean;
  /** Servers that a Service of role Primary keeps until a verdict shows which of several is the primary; undefined: it follows the heir. */
  keptBy(service: string): readonly BackendAddress[] | undefined;
  /** Those that Services of role Primary lead to: one server, with all its addresses. Ready all of them. */
  readonly primary: readonly BackendAddress[];
  /** Others that claim to be primary and are ready, and said so after the primary became one; they wait. */
  readonly pretenders: readonly BackendAddress[];
  /** The server that stands behind Services of role Primary, ready or not: the primary, or while nobody is, who would be. */
  readonly heir: readonly BackendAddress[];
}

export interface RolesInput {
  readonly groups: readonly PortGroup[];
  readonly addresses: readonly BackendAddress[];
  readonly healthOf: HealthOf;
  /** Returns true where that Service of role Primary publishes the address as ready now; undefined: where any does. */
  readonly isPublishedPrimary: (address: BackendAddress, service?: string) => boolean;
}

interface Known {
  readonly address: BackendAddress;
  readonly role: Role | undefined;
  readonly epoch: number | undefined;
  readonly since: number;
  readonly refusesWrites: boolean;
  readonly lagging: readonly number[];
  readonly isGiven: boolean;
  readonly isBoth: boolean;
  /** Another is published as the primary too, and no verdict has reported its role yet. */
  readonly isDisputed: boolean;
  /** Ready at the port that told the role; at all ports where none did. */
  readonly ready: boolean;
  /** Primary since the last verdict: what others said is older. */
  readonly isNew: boolean;
  /** The last verdict was a failure, and too few of them yet. */
  readonly fails: boolean;
}

/**
 * Who is the primary. Only addresses that are ready count, and where none is, the others do, so that also among those
 * that are published although they are not ready there is one server at most.
 *
 * | claim to be primary        | epochs                     | the primary is                                     |
 * |----------------------------|----------------------------|----------------------------------------------------|
 * | none                       |                            | nobody                                             |
 * | one                        |                            | it                                                 |
 * | two addresses of one host, of different families |      | both: they are one server                          |
 * | several                    | known and different        | the one with the highest                           |
 * | several, some refuse writes | equal, or some not known  | one of the others, by the rows below               |
 * | several                    | equal, or some not known   | the published one; the others wait                 |
 * | several, none published    | equal, or some not known   | the one that has said so for the longest time      |
 * | several, all published     | equal, or some not known   | the one that has said so for the longest time      |
 * | several, by a switch that was cut, and a verdict of one | any | the one with the verdict              |
 * | the same, and no verdict of any | any                    | each Service keeps its own until there is one      |
 */
export function judgeRoles(input: RolesInput): Roles {
  const known = new Map(input.addresses.map((address) => [address, knownOf(address, input)]));
  const claimants = [...known.values()].filter(({ role }) => role === 'Primary');
  const ready = claimants.filter((claimant) => claimant.ready);
  const first = winner(settled(ready.length > 0 ? ready : claimants), input.isPublishedPrimary);
  const heir = first === undefined ? [] : sameServer(first, claimants);
  const isHeir = (claimant: Known): boolean => heir.includes(claimant);
  return {
    roleOf: (address) => known.get(address)?.role,
    laggingOf: (address) => known.get(address)?.lagging ?? [],
    isGiven: (address) => known.get(address)?.isGiven === true,
    isBoth: (address) => known.get(address)?.isBoth === true,
    keptBy: (service) => {
      if (first?.isDisputed !== true || isOneServer(addressesOf(claimants))) return undefined;
      const kept = addressesOf(claimants).filter((address) => input.isPublishedPrimary(address, service));
      return kept.length > 0 ? kept : undefined;
    },
    primary: addressesOf(ready.filter(isHeir)),
    pretenders:
      first?.isNew === true ? [] : addressesOf(ready.filter((each) => !isHeir(each) && insists(each))),
    heir: addressesOf(heir),
  };
}

/** What it said is no older than what the primary said. */
const insists = ({ isNew, fails, isDisputed }: Known): boolean => !isNew && !fails && !isDisputed;

/** Sorts roles that a verdict reported before roles that are only published. */
function settled(claimants: readonly Known[]): readonly Known[] {
  const reported = claimants.filter(({ isDisputed }) => !isDisputed);
  return reported.length > 0 ? reported : claimants;
}

const addressesOf = (all: readonly Known[]): readonly BackendAddress[] => all.map(({ address }) => address);

const nothingTold = {
  role: undefined,
  epoch: undefined,
  roleSince: 0,
  refusesWrites: false,
  lagging: [],
  isNew: false,
  isBoth: false,
  isDisputed: false,
};

/** Of several port groups the first that tells a role; the spec's word where no probe does. */
function knownOf(address: BackendAddress, { groups, healthOf }: RolesInput): Known {
  const told = groups.map((group) => {
    const { telling, run = 0 } = healthOf(checkId(group, address)) ?? {};
    return { group, telling, fails: run > 0 };
  });
  const teller = told.find(({ telling }) => telling?.role !== undefined);
  const { telling } = teller ?? told.find((each) => each.telling !== undefined) ?? {};
  const given = givenRoles(address);
  const { role = given[0], roleSince, ...rest } = { ...nothingTold, ...telling };
  const isGiven = teller === undefined && given.length > 0;
  return {
    address,
    role,
    epoch: rest.epoch,
    since: roleSince,
    refusesWrites: rest.refusesWrites,
    lagging: rest.lagging,
    isNew: rest.isNew,
    isGiven,
    isBoth: rest.isBoth || (isGiven && given.length > 1),
    isDisputed: rest.isDisputed,
    fails: teller?.fails === true,
    ready:
      overall(teller === undefined ? groups : [teller.group], address, healthOf).ready &&
      !isDrainedIn(address, 'Primary', isGiven),
  };
}

/**
 * Whether addresses can be one server: of one host name and port, and each of another family. A name with an A and an
 * AAAA record is one server; with two A records it is two, and nobody can tell which of them the AAAA record means.
 */
export function isOneServer(addresses: readonly BackendAddress[]): boolean {
  const places = new Set(addresses.map(({ host, port }) => `${host} ${port}`));
  const families = new Set(addresses.map(({ family }) => family));
  return places.size === 1 && families.size === addresses.length;
}

/** The claimants that are the same server as the first one. */
function sameServer(first: Known, claimants: readonly Known[]): readonly Known[] {
  const { host, port } = first.address;
  const namesakes = claimants.filter(({ address }) => address.host === host && address.port === port);
  return isOneServer(addressesOf(namesakes)) ? namesakes : [first];
}

function winner(
  claimants: readonly Known[],
  isPublished: (address: BackendAddress) => boolean,
): Known | undefined {
  const highest = Math.max(...claimants.map(({ epoch }) => epoch ?? NaN));
  const contenders = Number.isNaN(highest) ? claimants : claimants.filter(({ epoch }) => epoch === highest);
  const writable = preferred(contenders, ({ refusesWrites }) => !refusesWrites);
  const left = preferred(writable, ({ address }) => isPublished(address));
  return left.toSorted((a, b) => a.since - b.since)[0];
}

/** Those for which the condition is true; all where it is for none. */
function preferred<T>(all: readonly T[], isPreferred: (each: T) => boolean): readonly T[] {
  const some = all.filter(isPreferred);
  return some.length > 0 ? some : all;
}

/** Why an address is not behind a Service; undefined: it is. */
export type Exclusion = 'NotPrimary' | 'NotReplica' | 'RoleUnknown' | 'SecondPrimary' | 'LagTooHigh';

/**
 * | role of the Service | role of the address | it is                        | behind the Service                  |
 * |---------------------|---------------------|------------------------------|-------------------------------------|
 * | Any                 | any                 | within maxLagSeconds         | yes                                 |
 * | Primary             | Primary             | the primary, or first in line| yes                                 |
 * | Primary             | Primary             | another that says so         | no: SecondPrimary                   |
 * | Primary             | Primary             | one of several, by a switch that was cut | where it is published, until a verdict reports a role |
 * | Primary             | Replica             |                              | no: NotPrimary                      |
 * | Replica             | Replica             | within maxLagSeconds         | yes                                 |
 * | Replica             | Primary             |                              | no: NotReplica, but as a fallback   |
 * | Replica             | Primary             | published as both by a write that was cut | yes, until a verdict reports its role |
 * | Replica             | Primary, and Replica by another target, and no probe reports a role | | yes |
 * | any                 | any                 | further behind               | no: LagTooHigh                      |
 * | Primary, Replica    | unknown             |                              | no: RoleUnknown                     |
 *
 * A role is forgotten when the address becomes unhealthy: who comes back may be another.
 */
export function exclusionOf(
  address: BackendAddress,
  { name, role, maxLagSeconds }: Pick<ServiceSpec, 'name' | 'role' | 'maxLagSeconds'>,
  roles: Roles,
): Exclusion | undefined {
  const is = roles.roleOf(address);
  if (role !== 'Any' && is === undefined) return 'RoleUnknown';
  if (role === 'Primary' && is === 'Replica') return 'NotPrimary';
  if (role === 'Primary' && !leadersOf(name, roles).includes(address)) return 'SecondPrimary';
  if (role === 'Replica' && is === 'Primary' && !roles.isBoth(address)) return 'NotReplica';
  // A bound that the spec did not have at the last verdict: further behind than a greater one is behind by more than this.
  const isLate =
    maxLagSeconds !== undefined && roles.laggingOf(address).some((over) => over >= maxLagSeconds);
  return isLate ? 'LagTooHigh' : undefined;
}

/** The addresses of one server that are behind a Service of role Primary. */
const leadersOf = (service: string, roles: Roles): readonly BackendAddress[] =>
  roles.keptBy(service) ?? roles.heir;
