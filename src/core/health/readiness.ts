import type { HealthState } from '../../api/external-backend.ts';
import { unprobedReasons, type AddressReason } from '../probing/address-reasons.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import { checkId, type PortGroup } from '../probing/port-groups.ts';
import type { Health } from './state.ts';
import { isDrained } from '../resolution/origins.ts';
import { isPlainSuccess } from './warnings.ts';

/** Looks up the health of a check; undefined: no verdict yet. */
export type HealthOf = (checkId: string) => Health | undefined;

/** Readiness of one address in one port group. */
export interface Readiness {
  readonly health: HealthState;
  readonly reason: AddressReason;
  readonly message: string;
  /** Wall-clock milliseconds; undefined without a verdict. */
  readonly since: number | undefined;
  /**
   * | probe    | health    | drain | ready |
   * |----------|-----------|-------|-------|
   * | disabled | any       | no    | yes   |
   * | any      | healthy   | no    | yes   |
   * | any      | unknown   | any   | no    |
   * | any      | unhealthy | any   | no    |
   * | any      | any       | yes   | no    |
   */
  readonly ready: boolean;
}

const unknownReadiness = { health: 'unknown', message: '', since: undefined, ready: false } as const;

export function readinessOf(group: PortGroup, address: BackendAddress, healthOf: HealthOf): Readiness {
  if (address.familyNotServed === true) return { ...unknownReadiness, reason: 'FamilyNotServed' };
  const drain = isDrained(address);
  if (group.probe === undefined)
    return { health: 'unknown', reason: 'ProbeDisabled', message: '', since: undefined, ready: !drain };
  const health = healthOf(checkId(group, address));
  if (health === undefined || health.state === 'unknown')
    return { ...unknownReadiness, reason: health?.reason || 'NotProbedYet', message: health?.message ?? '' };
  return {
    health: health.state,
    reason: health.reason,
    message: health.message,
    since: health.since,
    ready: health.state === 'healthy' && !drain,
  };
}

/**
 * Order from worst to best: unhealthy, unknown, healthy, not probed. The worst port decides for the address.
 */
const rank = { unhealthy: 0, unknown: 1, healthy: 2 } as const;
const notProbed = 3;

/** Returns the rank of a port: a port with a warning comes before one in the same state without. */
const rankOf = ({ health, reason }: Readiness): number => rank[health] - (hasWarning(reason) ? 0.5 : 0);

const hasWarning = (reason: string): boolean => !isPlainSuccess(reason) && !notFromProbes.includes(reason);

const notFromProbes: readonly string[] = unprobedReasons;

/**
 * Returns the name of a port for the start of its message, if there are several ports. core/restore/restore-health.ts reads it
 * back from the status.
 */
export const portText = (group: PortGroup): string => `port ${group.ports[0]?.name ?? group.id}`;

/**
 * Returns the readiness of the address over all ports: ready when every port is, otherwise that of its worst
 * port. The reason is `Drained` if only that keeps the address from being ready.
 */
export function addressReadiness(
  groups: readonly PortGroup[],
  address: BackendAddress,
  healthOf: HealthOf,
): Readiness {
  const worst = worstReadiness(groups, address, healthOf);
  const isWell = worst.health === 'healthy' || worst.reason === 'ProbeDisabled';
  return isWell && isDrained(address) ? { ...worst, reason: 'Drained', message: '' } : worst;
}

function worstReadiness(
  groups: readonly PortGroup[],
  address: BackendAddress,
  healthOf: HealthOf,
): Readiness {
  const all = groups.map((group) => {
    const readiness = readinessOf(group, address, healthOf);
    return { group, ...readiness, rank: group.probe === undefined ? notProbed : rankOf(readiness) };
  });
  const worst = all.toSorted((a, b) => Number(a.ready) - Number(b.ready) || a.rank - b.rank)[0];
  if (worst === undefined) return { ...unknownReadiness, reason: 'ProbeDisabled' };
  const { group, rank: _, ...readiness } = worst;
  const isNamed = hasWarning(worst.reason);
  const port = all.length > 1 && (isNamed || worst.health === 'unhealthy') ? portText(group) : '';
  return { ...readiness, message: [port, readiness.message].filter((text) => text !== '').join(': ') };
}
