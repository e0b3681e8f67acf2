import type { ServiceSpec, Target } from '../../api/external-backend.ts';
import type { ServiceRecord } from './srv-records.ts';
import { roles, type Role } from '../role.ts';

/** One target that gives an address. */
export interface Origin {
  readonly target: Target;
  /** Name that resolved to the address, or the address itself. */
  readonly host: string;
  /** The SRV record that led to it. */
  readonly record?: ServiceRecord;
}

/** An address and the targets that give it: the first one, and the others. */
export interface AddressOrigins extends Origin {
  /**
   * The cluster endpoint and the reader endpoint of a cloud database have the same address while there is one
   * instance.
   */
  readonly others?: readonly Origin[];
}

export const originsOf = (address: AddressOrigins): readonly Origin[] => [address, ...(address.others ?? [])];

/** Returns the roles that targets give to an address, `Primary` first. */
export function rolesFromTargets(address: AddressOrigins): readonly Role[] {
  const given = originsOf(address).map(({ target }) => target.role);
  return roles.filter((role) => given.includes(role));
}

type ServiceRole = ServiceSpec['role'];

/**
 * Returns the targets that put an address into a Service of that role. Their fields apply there: `name`,
 * `zone`, `drain`.
 *
 * | role of the Service | role of the address is | targets                                                     |
 * |---------------------|------------------------|-------------------------------------------------------------|
 * | Any                 | any                    | all                                                         |
 * | Primary, Replica    | reported by a probe    | all                                                         |
 * | Primary, Replica    | given by targets       | those of that role; all if there are none (fallbackToPrimary) |
 *
 * @param isGiven the role comes from targets, and not from a probe
 */
export function originsIn(address: AddressOrigins, role: ServiceRole, isGiven: boolean): readonly Origin[] {
  const all = originsOf(address);
  const same = role === 'Any' || !isGiven ? all : all.filter(({ target }) => target.role === role);
  return same.length > 0 ? same : all;
}

const areDrained = (origins: readonly Origin[]): boolean => origins.every(({ target }) => target.drain);

/** Returns true if every target that gives the address drains it. */
export const isDrained = (address: AddressOrigins): boolean => areDrained(originsOf(address));

/**
 * Returns true if every target that puts the address into a Service of that role drains it; see `originsIn`.
 */
export const isDrainedIn = (address: AddressOrigins, role: ServiceRole, isGiven: boolean): boolean =>
  areDrained(originsIn(address, role, isGiven));

const isOut = ({ target }: Origin): boolean => target.drain || target.maintenance === 'Drain';

/**
 * Returns true if every target that puts the address into a Service of that role drains it, or is in a maintenance
 * window that does. Such an address leaves the Service if another one is ready; see `desiredServices`.
 */
export const isYieldingIn = (address: AddressOrigins, role: ServiceRole, isGiven: boolean): boolean =>
  originsIn(address, role, isGiven).every(isOut);

/** Returns true if a target that gives the address is in a maintenance window with action Freeze. */
export const isFrozen = (address: AddressOrigins): boolean =>
  originsOf(address).some(({ target }) => target.maintenance === 'Freeze');

/**
 * Returns the targets that put the address into a Service of that role and that prefer it to be used: those that neither
 * drain it nor are in a maintenance window that does. If there are none, those that do not drain it; else all.
 */
export function preferredOrigins(
  address: AddressOrigins,
  role: ServiceRole,
  isGiven: boolean,
): readonly Origin[] {
  const origins = originsIn(address, role, isGiven);
  const open = origins.filter(({ target }) => !target.drain);
  const preferred = open.filter((origin) => !isOut(origin));
  return [preferred, open].find(({ length }) => length > 0) ?? origins;
}

/** Returns the target whose fields an endpoint has: the first of `preferredOrigins`. */
export function leadingTarget(address: AddressOrigins, role: ServiceRole, isGiven: boolean): Target {
  return (preferredOrigins(address, role, isGiven)[0] ?? address).target;
}
