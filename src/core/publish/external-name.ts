import type { HealthState } from '../../api/external-backend.ts';
import type { BackendAddress, TargetAddresses } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import type { HostHealth } from './healthy-hosts.ts';
import { addressReadiness, readinessOf, type HealthOf } from '../health/readiness.ts';
import { normalizeName } from '../resolution/questions.ts';
import { stateIs } from '../resolution/resolution-states.ts';

/** A host that an alias may point to. */
export interface Candidate {
  /** Name as in the Service: lower case, without the trailing dot. */
  readonly name: string;
  readonly health: HealthState;
  /**
   * Monotonic milliseconds since which it has been healthy without interruption; undefined: it is not
   * healthy. See healthy-hosts.ts.
   */
  readonly since: number | undefined;
  readonly drain: boolean;
  /** True if one of its addresses is known. */
  readonly resolved: boolean;
  /** Text about why it is not healthy. */
  readonly why: string;
  /** All its addresses are forbidden, or the host itself is. */
  readonly refused?: boolean;
  /** The host itself is forbidden. */
  readonly forbidden?: boolean;
}

export interface Choice {
  readonly name: string;
  /**
   * True: no host may be chosen. `name` is then the host that it points to now, and empty if there is no
   * Service.
   */
  readonly none?: true;
  /** Milliseconds after which a better host may be chosen, only because time passes. */
  readonly afterMs?: number;
}

/** Returns a host of the spec in the form that the Service has. */
export const aliasName = (host: string): string => normalizeName(host).replace(/\.$/, '');

/**
 * Chooses the host of an alias. "Better" is: earlier in the list, healthy, not drained.
 *
 * | points to now                            | other hosts                     | chosen                                                 |
 * |------------------------------------------|---------------------------------|--------------------------------------------------------|
 * | nothing in the list, or a forbidden host | some healthy                    | the first healthy                                      |
 * | the same                                 | none healthy, some not refused  | the first of these that is not drained, else the first |
 * | the same                                 | all refused                     | none                                                   |
 * | a host whose addresses are all refused   | some healthy                    | the first healthy                                      |
 * | the same                                 | none healthy                    | the same host: its previous addresses may come back    |
 * | unhealthy or drained                     | some healthy                    | the first healthy                                      |
 * | unhealthy or drained                     | none healthy                    | the same host                                          |
 * | healthy or unknown                       | a better one for failbackMs     | the first such host                                    |
 * | healthy or unknown                       | a better one, not for that long | the same host; checked again after that time           |
 * | healthy or unknown                       | none better                     | the same host                                          |
 *
 * @param candidates in the order of the spec, at least one
 * @param now monotonic milliseconds
 */
export function chooseTarget(
  candidates: readonly Candidate[],
  current: string | undefined,
  failbackMs: number,
  now: number,
): Choice {
  const good = candidates.filter(({ health, drain }) => health === 'healthy' && !drain);
  const currentIndex = candidates.findIndex(({ name }) => name === current);
  const is = candidates[currentIndex];
  if (is === undefined || is.forbidden === true) {
    const usable = candidates.filter(({ refused }) => refused !== true);
    const first = good[0] ?? usable.find(({ drain }) => !drain) ?? usable[0];
    return first === undefined ? { name: current ?? '', none: true } : { name: first.name };
  }
  if (is.health === 'unhealthy' || is.drain) return { name: (good[0] ?? is).name };
  const waits = good
    .filter((each) => candidates.indexOf(each) < currentIndex)
    .map(({ name, since = now }) => ({ name, ms: Math.min(since, now) + failbackMs - now }));
  const eligible = waits.find(({ ms }) => ms <= 0);
  if (eligible !== undefined) return { name: eligible.name };
  const afterMs = Math.min(...waits.map(({ ms }) => ms));
  return waits.length > 0 ? { name: is.name, afterMs } : { name: is.name };
}

/**
 * Returns the hosts of an alias with their health.
 *
 * | its addresses         | the name                                  | probed | health    |
 * |-----------------------|-------------------------------------------|--------|-----------|
 * | one healthy           | any                                       | yes    | healthy   |
 * | some, all unhealthy   | any                                       | yes    | unhealthy |
 * | some                  | Restored: no answer since this term began | no     | unknown   |
 * | some                  | any other                                 | no     | healthy   |
 * | none, all refused     | any                                       | any    | unhealthy |
 * | the host is forbidden | any                                       | any    | unhealthy |
 * | none                  | NoSuchName, NoAddress, Expired            | any    | unhealthy |
 * | any other             | any                                       | any    | unknown   |
 */
export function candidatesOf(
  targets: readonly TargetAddresses[],
  groups: readonly PortGroup[],
  healthOf: HealthOf,
): readonly (HostHealth & Omit<Candidate, 'since'>)[] {
  const probed = groups.some(({ probe }) => probe !== undefined);
  return targets.map((each) => ({
    name: aliasName(each.target.host),
    drain: each.target.drain || each.target.maintenance === 'Drain',
    resolved: each.addresses.length > 0,
    refused: each.refused === true && each.addresses.length === 0,
    forbidden: each.forbidden === true,
    ...(probed && each.addresses.length > 0 ? fromProbes(each, groups, healthOf) : fromName(each)),
  }));
}

type CandidateHealth = Pick<HostHealth & Candidate, 'health' | 'marks' | 'why'>;

function fromProbes(
  { addresses }: TargetAddresses,
  groups: readonly PortGroup[],
  healthOf: HealthOf,
): CandidateHealth {
  const all = addresses.map((address) => ({ address, ...addressReadiness(groups, address, healthOf) }));
  const marks = new Map(
    all.map(({ address, health }) => [
      address.ip,
      health === 'healthy' ? markOf(groups, address, healthOf) : undefined,
    ]),
  );
  if (all.some(({ health }) => health === 'healthy')) return { health: 'healthy', marks, why: '' };
  const why = all.map(({ address, reason }) => `${address.ip} ${reason}`).join(', ');
  return { health: all.every(({ health }) => health === 'unhealthy') ? 'unhealthy' : 'unknown', marks, why };
}

/** Returns a mark that is another one after the address was not healthy at one of its ports for a while. */
const markOf = (groups: readonly PortGroup[], address: BackendAddress, healthOf: HealthOf): string =>
  groups.map((group) => readinessOf(group, address, healthOf).since ?? '').join(' ');

function fromName({ addresses, resolution, message, refused }: TargetAddresses): CandidateHealth {
  const { state, error } = resolution ?? {};
  const why = message ?? error ?? state ?? '';
  const marks = new Map<string, string>();
  if (state === 'Restored') return { health: 'unknown', marks, why };
  if (addresses.length > 0) return { health: 'healthy', marks, why: '' };
  return { health: refused === true || stateIs(state, 'lost') ? 'unhealthy' : 'unknown', marks, why };
}

/** Returns the host that our Services of this backend point to now; undefined: none yet. */
export const currentAlias = (
  services: readonly { readonly spec: { readonly type?: string; readonly externalName?: string } }[],
): string | undefined =>
  services.find(({ spec }) => spec.type === 'ExternalName' && spec.externalName !== undefined)?.spec
    .externalName;
