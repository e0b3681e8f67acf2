import type { ServiceSpec } from '../api/external-backend.ts';
import type { BackendAddress } from './address.ts';
import { checkId, type PortGroup } from './checks.ts';
import { overall, type HealthOf } from './readiness.ts';
import type { Role } from './verdict.ts';

/** What is known of the roles of a backend's addresses, and which of them is the primary. */
export interface Roles {
  roleOf(address: BackendAddress): Role | undefined;
  /** Limits in seconds that the address is behind by more than. */
  laggingOf(address: BackendAddress): readonly number[];
  /** Those that Services of role Primary lead to: one server, with all its addresses. */
  readonly primary: readonly BackendAddress[];
  /** Others that claim to be primary and are ready; they wait. */
  readonly pretenders: readonly BackendAddress[];
}

export interface RolesInput {
  readonly groups: readonly PortGroup[];
  readonly addresses: readonly BackendAddress[];
  readonly healthOf: HealthOf;
  /** Whether an address is published as ready by a Service of role Primary now. */
  readonly isPublishedPrimary: (address: BackendAddress) => boolean;
}

interface Known {
  readonly role: Role | undefined;
  readonly epoch: number | undefined;
  readonly since: number;
  readonly lagging: readonly number[];
}

/**
 * Who is the primary. Only addresses that are ready count.
 *
 * | claim to be primary        | epochs                     | the primary is                                     |
 * |----------------------------|----------------------------|----------------------------------------------------|
 * | none                       |                            | nobody                                             |
 * | one                        |                            | it                                                 |
 * | two addresses of one host, of different families |      | both: they are one server                          |
 * | several                    | known and different        | the one with the highest                           |
 * | several                    | equal, or some not known   | the published one; the others wait                 |
 * | several, none published    | equal, or some not known   | the one that has said so for the longest time      |
 * | several, all published     | equal, or some not known   | the one that has said so for the longest time      |
 */
export function judgeRoles(input: RolesInput): Roles {
  const known = new Map(input.addresses.map((address) => [address, knownOf(address, input)]));
  const claimants = input.addresses.filter(
    (address) =>
      known.get(address)?.role === 'Primary' && overall(input.groups, address, input.healthOf).ready,
  );
  const first = winner(claimants, (address) => known.get(address), input.isPublishedPrimary);
  const primary =
    first === undefined ? [] : claimants.filter((each) => each === first || isSameServer(each, first));
  return {
    roleOf: (address) => known.get(address)?.role,
    laggingOf: (address) => known.get(address)?.lagging ?? [],
    primary,
    pretenders: claimants.filter((address) => !primary.includes(address)),
  };
}

/** Of several port groups the first that tells a role; the spec's word where no probe does. */
function knownOf(address: BackendAddress, { groups, healthOf }: RolesInput): Known {
  const telling = groups
    .map((group) => healthOf(checkId(group, address))?.telling)
    .find((t) => t?.role !== undefined);
  return {
    role: telling?.role ?? address.target.role,
    epoch: telling?.epoch,
    since: telling?.roleSince ?? 0,
    lagging: telling?.lagging ?? [],
  };
}

/** A name with an A and an AAAA record is one server; with two A records it is two. */
const isSameServer = (a: BackendAddress, b: BackendAddress): boolean =>
  a.host === b.host && a.family !== b.family && a.port === b.port;

function winner(
  claimants: readonly BackendAddress[],
  knownOf: (address: BackendAddress) => Known | undefined,
  isPublished: (address: BackendAddress) => boolean,
): BackendAddress | undefined {
  const epochs = claimants.map((address) => knownOf(address)?.epoch);
  const highest = Math.max(...epochs.map((epoch) => epoch ?? NaN));
  const leading = claimants.filter((_, i) => epochs[i] === highest);
  const contenders = Number.isNaN(highest) ? claimants : leading;
  const published = contenders.filter(isPublished);
  const left = published.length > 0 ? published : contenders;
  return left.toSorted((a, b) => (knownOf(a)?.since ?? 0) - (knownOf(b)?.since ?? 0))[0];
}

/** Why an address is not behind a Service; undefined: it is. */
export type Exclusion = 'NotPrimary' | 'NotReplica' | 'RoleUnknown' | 'SecondPrimary' | 'LagTooHigh';

/**
 * | role of the Service | role of the address | it is                        | behind the Service                  |
 * |---------------------|---------------------|------------------------------|-------------------------------------|
 * | Any                 | any                 | within maxLagSeconds         | yes                                 |
 * | Primary             | Primary             | the primary                  | yes                                 |
 * | Primary             | Primary             | another that says so         | no: SecondPrimary                   |
 * | Primary             | Replica             |                              | no: NotPrimary                      |
 * | Replica             | Replica             | within maxLagSeconds         | yes                                 |
 * | Replica             | Primary             |                              | no: NotReplica, but as a fallback   |
 * | any                 | any                 | further behind               | no: LagTooHigh                      |
 * | Primary, Replica    | unknown             |                              | no: RoleUnknown                     |
 *
 * A role is forgotten when the address becomes unhealthy: who comes back may be another.
 */
export function exclusionOf(
  address: BackendAddress,
  { role, maxLagSeconds }: Pick<ServiceSpec, 'role' | 'maxLagSeconds'>,
  roles: Roles,
): Exclusion | undefined {
  const is = roles.roleOf(address);
  if (role !== 'Any' && is === undefined) return 'RoleUnknown';
  if (role === 'Primary' && is === 'Replica') return 'NotPrimary';
  if (role === 'Primary' && roles.pretenders.includes(address)) return 'SecondPrimary';
  if (role === 'Replica' && is === 'Primary') return 'NotReplica';
  const isLate = maxLagSeconds !== undefined && roles.laggingOf(address).includes(maxLagSeconds);
  return isLate ? 'LagTooHigh' : undefined;
}
