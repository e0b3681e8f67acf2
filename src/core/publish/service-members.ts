import type { Backend, HealthState, ServiceSpec } from '../../api/external-backend.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import { familiesOf, servedFamilies } from './ip-families.ts';
import type { Service } from '../kubernetes/objects.ts';
import { isDrainedIn, isYieldingIn } from '../resolution/origins.ts';
import { readinessOf, type HealthOf } from '../health/readiness.ts';
import type { ExclusionReason } from '../probing/address-reasons.ts';
import { exclusionOf } from '../roles/exclusion.ts';
import type { Roles } from '../roles/primary-election.ts';
import type { IsPublished } from './published-addresses.ts';
import { keptService } from './service-body.ts';

/** Input of one Service. */
export interface MembersInput {
  readonly backend: Backend;
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly healthOf: HealthOf;
  readonly roles: Roles;
  /** Returns true if the Service may publish the address as ready: it is healthy, and not drained. */
  readonly isReady: (group: PortGroup, address: BackendAddress) => boolean;
}

/** Addresses of one Service, and those that it does not have, whatever their health. */
export interface ServiceMembers {
  readonly addresses: readonly BackendAddress[];
  readonly excluded: ReadonlyMap<BackendAddress, ExclusionReason>;
}

/**
 * Returns the addresses of a Service: those that its role and families allow, or the addresses that it falls
 * back to.
 *
 * @param published addresses that the Service publishes now
 */
export function membersOf(
  input: MembersInput,
  spec: ServiceSpec,
  observed: Service | undefined,
  published: IsPublished,
): ServiceMembers {
  const excluded = exclusions(input, spec, observed);
  return withLastServers(input, spec, withFallback(input, spec, excluded), published);
}

function exclusions(
  { backend, addresses, roles }: MembersInput,
  spec: ServiceSpec,
  observed: Service | undefined,
): ServiceMembers['excluded'] {
  const served = servedFamilies(spec, familiesOf(addresses), keptService(backend, spec, observed));
  const reasons = addresses.map((address) => {
    const carried = served === undefined || served.includes(address.family);
    return [address, carried ? exclusionOf(address, spec, roles) : ('FamilyNotServed' as const)] as const;
  });
  return new Map(reasons.flatMap(([address, reason]) => (reason === undefined ? [] : [[address, reason]])));
}

/**
 * Adds the primary to replicas that are not ready, or that maintenance windows drain, if the Service has
 * fallbackToPrimary.
 */
function withFallback(
  input: MembersInput,
  { role, fallbackToPrimary }: ServiceSpec,
  excluded: ServiceMembers['excluded'],
): ServiceMembers {
  const addresses = input.addresses.filter((address) => !excluded.has(address));
  if (role !== 'Replica' || !fallbackToPrimary) return { addresses, excluded };
  const stays = (address: BackendAddress): boolean =>
    !isYieldingIn(address, role, input.roles.isGiven(address));
  const primary = input.roles.primary.filter((address) => excluded.get(address) === 'NotReplica');
  const ready = readyEverywhere({ ...input, addresses });
  if (ready.some(stays) || (ready.length > 0 && !primary.some(stays))) return { addresses, excluded };
  const others = [...excluded].filter(([address]) => !primary.includes(address));
  return { addresses: [...addresses, ...primary], excluded: new Map(others) };
}

/**
 * Adds servers whose role is not known, because they failed, to a Service that publishes them now and has
 * nothing else to publish. The role of a server that fails is cleared: without this, `KeepLast` would keep no
 * server of a Service with a role. A Service of role Primary has one server at a time.
 */
function withLastServers(
  input: MembersInput,
  spec: ServiceSpec,
  members: ServiceMembers,
  published: IsPublished,
): ServiceMembers {
  const { role, whenNoneReady } = spec;
  const { addresses } = members;
  const empty = input.groups.filter((group) => !anyReady(group, { ...input, addresses }));
  if (whenNoneReady === 'Empty' || role === 'Any' || empty.length === 0) return members;
  if (role === 'Primary' && addresses.length > 0) return members;
  const last = [...members.excluded]
    .filter(([address, why]) => why === 'RoleUnknown' && !isDrainedFrom(address, spec, input))
    .map(([address]) => address)
    .filter((address) =>
      empty.some((group) => published(group, address) && stateOf(group, address, input) !== 'healthy'),
    );
  const excluded = new Map([...members.excluded].filter(([address]) => !last.includes(address)));
  return { addresses: [...addresses, ...last], excluded };
}

export const anyReady = (
  group: PortGroup,
  { addresses, isReady }: Pick<MembersInput, 'addresses' | 'isReady'>,
): boolean => addresses.some((address) => isReady(group, address));

const readyEverywhere = ({ addresses, groups, isReady }: MembersInput): readonly BackendAddress[] =>
  addresses.filter((address) => groups.every((group) => isReady(group, address)));

export const isDrainedFrom = (
  address: BackendAddress,
  { role }: ServiceSpec,
  { roles }: MembersInput,
): boolean => isDrainedIn(address, role, roles.isGiven(address));

export const stateOf = (group: PortGroup, address: BackendAddress, { healthOf }: MembersInput): HealthState =>
  readinessOf(group, address, healthOf).health;
