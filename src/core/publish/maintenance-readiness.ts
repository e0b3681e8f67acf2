import type { ServiceSpec } from '../../api/external-backend.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import { isYieldingIn } from '../resolution/origins.ts';
import type { Roles } from '../roles/primary-election.ts';

/**
 * Addresses that a Service would publish, and that a maintenance window drains: `leaves`, or `stays` because nothing else
 * would be published.
 */
export type Yielding = ReadonlyMap<BackendAddress, 'leaves' | 'stays'>;

export interface MaintainedInput {
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly roles: Pick<Roles, 'isGiven'>;
  readonly isReady: (group: PortGroup, address: BackendAddress) => boolean;
}

interface MaintainedReadiness extends Pick<MaintainedInput, 'isReady'> {
  /** Addresses of the Service that a maintenance window or their targets drain. */
  readonly drained: ReadonlySet<BackendAddress>;
  readonly yielding: Yielding;
}

/**
 * Takes addresses that a maintenance window drains out of the ready ones of a Service, for each port:
 *
 * | other ready addresses | ready addresses that a window drains |
 * |-----------------------|--------------------------------------|
 * | some                  | leave                                |
 * | none                  | stay, all of them                    |
 *
 * All of them stay, because one server may be too small for the connections of all. Tiers are chosen later: so the next
 * tier is used before an address stays.
 */
export function maintainedReadiness(
  { addresses, groups, roles, isReady }: MaintainedInput,
  spec: Pick<ServiceSpec, 'role'>,
): MaintainedReadiness {
  const drained = new Set(addresses.filter((each) => isYieldingFrom(each, spec, { roles })));
  if (drained.size === 0) return { isReady, drained, yielding: new Map() };
  const isServed = (group: PortGroup): boolean =>
    addresses.some((address) => !drained.has(address) && isReady(group, address));
  const served = new Set(groups.filter(isServed));
  const fateOf = (address: BackendAddress) => {
    const ready = groups.filter((group) => isReady(group, address));
    if (ready.length === 0) return [];
    return [[address, ready.some((group) => served.has(group)) ? 'leaves' : 'stays'] as const];
  };
  return {
    isReady: (group, address) => !(served.has(group) && drained.has(address)) && isReady(group, address),
    drained,
    yielding: new Map([...drained].flatMap(fateOf)),
  };
}

/**
 * Takes addresses that a maintenance window drains out of those that a Service publishes at a port although they are not
 * ready (`whenNoneReady`). If no other remains, all of them stay.
 */
export function withoutYielding(
  kept: readonly BackendAddress[],
  spec: Pick<ServiceSpec, 'role'>,
  input: Pick<MaintainedInput, 'roles'>,
): readonly BackendAddress[] {
  const others = kept.filter((address) => !isYieldingFrom(address, spec, input));
  return others.length > 0 ? others : kept;
}

/**
 * Returns what becomes of the drained addresses of a Service, over all its ports. A ready one stays only if its tier is in
 * use. One that is kept although it is not ready stays too.
 */
export function yieldingIn(
  { drained, yielding }: Pick<MaintainedReadiness, 'drained' | 'yielding'>,
  choices: readonly PublishedAtPort[],
): Yielding {
  if (drained.size === 0) return yielding;
  const ready = new Set(choices.flatMap((choice) => [...choice.ready]));
  const kept = choices.flatMap((choice) => choice.kept).filter((address) => drained.has(address));
  const fates = [...yielding].filter(([address, fate]) => fate === 'leaves' || ready.has(address));
  return new Map([...fates, ...kept.map((address) => [address, 'stays'] as const)]);
}

/** Addresses that a Service publishes at the ports of one group: ready ones, and kept ones that are not. */
interface PublishedAtPort {
  readonly ready: ReadonlySet<BackendAddress>;
  readonly kept: readonly BackendAddress[];
}

const isYieldingFrom = (
  address: BackendAddress,
  { role }: Pick<ServiceSpec, 'role'>,
  { roles }: Pick<MaintainedInput, 'roles'>,
): boolean => isYieldingIn(address, role, roles.isGiven(address));
