import type { ServiceSpec } from '../../api/external-backend.ts';
import type { RoleExclusion } from '../probing/address-reasons.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { Roles } from './primary-election.ts';

/**
 * Returns why a Service does not publish an address; undefined: role and lag do not exclude it.
 *
 * | role of the Service | role of the address | the address is                                | published by the Service                                  |
 * |---------------------|---------------------|-----------------------------------------------|-----------------------------------------------------------|
 * | Any                 | any                 | within maxLagSeconds                          | yes                                                       |
 * | Primary             | Primary             | the elected primary, ready or not             | yes                                                       |
 * | Primary             | Primary             | another server that reports to be the primary | no: SecondPrimary                                         |
 * | Primary             | Primary             | one of several, because a switch was cut      | where it is published now, until a verdict reports a role |
 * | Primary             | Replica             |                                               | no: NotPrimary                                            |
 * | Replica             | Replica             | within maxLagSeconds                          | yes                                                       |
 * | Replica             | Primary             |                                               | no: NotReplica, except as a fallback                      |
 * | Replica             | Primary             | published as both, because a write was cut    | yes, until a verdict reports its role                     |
 * | Replica             | Primary, and Replica by another target; no probe reports a role |                                               | yes                                                       |
 * | any                 | any                 | over maxLagSeconds                            | no: LagTooHigh                                            |
 * | Primary, Replica    | unknown             |                                               | no: RoleUnknown                                           |
 *
 * When an address becomes unhealthy its role is cleared, because another server may come back under the same
 * address.
 */
export function exclusionOf(
  address: BackendAddress,
  { name, role, maxLagSeconds }: Pick<ServiceSpec, 'name' | 'role' | 'maxLagSeconds'>,
  roles: Roles,
): RoleExclusion | undefined {
  const is = roles.roleOf(address);
  if (role !== 'Any' && is === undefined) return 'RoleUnknown';
  if (role === 'Primary' && is === 'Replica') return 'NotPrimary';
  if (role === 'Primary' && !leadersOf(name, roles).includes(address)) return 'SecondPrimary';
  if (role === 'Replica' && is === 'Primary' && !roles.isBoth(address)) return 'NotReplica';
  // The spec may have a limit that it did not have at the last verdict. A lag over a higher limit is over
  // this one too.
  const isLate =
    maxLagSeconds !== undefined && roles.exceededLagLimits(address).some((over) => over >= maxLagSeconds);
  return isLate ? 'LagTooHigh' : undefined;
}

/** Returns the addresses of the one server that a Service of role Primary publishes. */
const leadersOf = (service: string, roles: Roles): readonly BackendAddress[] =>
  roles.keptBy(service) ?? roles.electedPrimary;
