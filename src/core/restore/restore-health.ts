import type { HealthState, Status } from '../../api/external-backend.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import { aliasName } from '../publish/external-name.ts';
import { checkId, type PortGroup } from '../probing/port-groups.ts';
import { unknownHealth, type Health } from '../health/state.ts';
import { originsOf } from '../resolution/origins.ts';
import { serviceOf } from '../kubernetes/ownership.ts';
import { publishedReadiness, publishedUnder, type Published } from './published-readiness.ts';
import { portText } from '../health/readiness.ts';
import { isPlainSuccess } from '../health/warnings.ts';
import { restoreReplicationOf, type PreviousAddress, type RestoreInput } from './restore-replication.ts';
import type { AddressReason, ExclusionReason } from '../probing/address-reasons.ts';
import { reasons } from '../probing/reasons.ts';

/**
 * Returns the health with which each check begins when a term begins, after a suspension, and when a Service
 * is taken over. A check that begins as unknown is probed at once, and its first conclusive verdict decides.
 * A check without an entry is new, and is probed after its initial delay.
 *
 * Slices are written before the status, so a slice is newer than the status. The status alone never makes an
 * address ready.
 *
 * | in our slices | health in the status                                    | begins as                                          |
 * |---------------|---------------------------------------------------------|----------------------------------------------------|
 * | ready in all  | any                                                     | healthy                                            |
 * | ready in some, not ready in others: a write was cut or is refused | any                                                     | healthy, and ready in these alone until a new `up` |
 * | not ready     | unhealthy                                               | unhealthy                                          |
 * | not ready     | healthy, not Drained, and its target is not drained now | unhealthy                                          |
 * | not ready     | healthy, and Standby in a Service: another tier is used | unknown                                            |
 * | not ready     | any other: it may have failed while it was drained      | unknown                                            |
 * | none          | any                                                     | unknown                                            |
 * | none          | none                                                    | no entry                                           |
 *
 * If no slice of ours has the address, a slice or Endpoints of another client (a Service that is taken over)
 * count in its place. It is ready if one of them has it as ready. For an alias:
 *
 * | Service points to the host | health in the status                                   | begins as |
 * |----------------------------|--------------------------------------------------------|-----------|
 * | yes                        | healthy                                                | healthy   |
 * | yes                        | unhealthy, written while this host was the current one | unhealthy |
 * | yes                        | any other                                              | unknown   |
 * | no                         | any                                                    | unknown   |
 * | any                        | none                                                   | no entry  |
 */
export function restoreHealth(input: RestoreInput): ReadonlyMap<string, Health> {
  const {
    groups,
    addresses,
    backend,
    at: { wall },
  } = input;
  const stateOf =
    'slices' in input.published ? sliceState(input.published) : aliasState(input.published.alias);
  const replicationOf = restoreReplicationOf(input);
  const readyInOf = 'slices' in input.published ? mixedReadiness(input.published) : () => undefined;
  const previousByPlace = previousAddresses(backend.status);
  const healths = new Map<string, Health>();
  for (const group of groups)
    for (const address of addresses) {
      const whole = previousByPlace.get(placeOf(address));
      const before = groups.length === 1 ? whole : previousStatusOf(group, whole);
      const readyIn = readyInOf(group, address);
      const state = stateOf(group, address, before) ?? (whole && 'unknown');
      const id = checkId(group, address);
      // Hosts of an alias may share an address: the health of the published one counts.
      if (state === undefined || (state === 'unknown' && healths.has(id))) continue;
      const isHealthy = state === 'healthy' && readyIn === undefined;
      const replication = replicationOf(group, address, { previous: whole, isHealthy });
      healths.set(id, restoredHealth(healthFrom(state, before, wall), replication, readyIn));
    }
  return healths;
}

const restoredHealth = (
  health: Health,
  replication: Health['replication'],
  readyIn: Health['readyIn'],
): Health => ({
  ...health,
  ...(replication && { replication }),
  ...(readyIn && { readyIn }),
  restored: true,
});

const drained: AddressReason = 'Drained';
const standby: ExclusionReason = 'Standby';

type StateOf = (
  group: PortGroup,
  address: BackendAddress,
  previous: PreviousAddress | undefined,
) => HealthState | undefined;

function sliceState(published: Published): StateOf {
  const readyOf = publishedReadiness(published);
  return (group, address, previous) => {
    const ready = readyOf(group, address);
    if (ready === undefined) return undefined;
    if (ready) return 'healthy';
    if (previous?.health === 'unhealthy') return 'unhealthy';
    return previous?.health === 'healthy' && !isWithheld(address, previous) ? 'unhealthy' : 'unknown';
  };
}

/** Returns true if a healthy address is not ready because of its target, or because of its tier. */
const isWithheld = (address: BackendAddress, { reason, excluded = [] }: PreviousAddress): boolean =>
  reason === drained ||
  originsOf(address).some(({ target }) => target.drain || target.maintenance === 'Drain') ||
  excluded.some((each) => each.reason === standby);

/**
 * Looks up the Services in which an address is ready, if it is not ready in others; undefined if all agree.
 */
function mixedReadiness(
  published: Published,
): (group: PortGroup, address: BackendAddress) => ReadonlySet<string> | undefined {
  const readyOf = publishedReadiness(published);
  const names = [...new Set(published.slices.flatMap((slice) => serviceOf(slice) ?? []))];
  const byName = names.map((name) => [name, publishedReadiness(publishedUnder(name, published))] as const);
  return (group, address) => {
    if (readyOf(group, address) !== 'mixed') return undefined;
    const ready = byName.filter(([, of]) => (of(group, address) ?? false) !== false);
    return new Set(ready.map(([name]) => name));
  };
}

function aliasState(alias: string | undefined): StateOf {
  return (_, { target }, previous) => {
    if (aliasName(target.host) !== alias) return undefined;
    if (previous?.health === 'healthy') return 'healthy';
    return previous?.health === 'unhealthy' && previous.current ? 'unhealthy' : undefined;
  };
}

const placeOf = ({ ip, record, target }: BackendAddress): string => `${ip} ${record?.port ?? target.port}`;

const previousAddresses = (status: Status | undefined): ReadonlyMap<string, PreviousAddress> =>
  new Map(
    (status?.targets ?? []).flatMap(({ port = 0, current = false, addresses }) =>
      addresses.map((each) => [`${each.ip} ${each.port ?? port}`, { ...each, current }] as const),
    ),
  );

/**
 * Returns the status of one port group. If an address is unhealthy or has a warning, its status describes one
 * group, whose name is at the start of the message.
 */
function previousStatusOf(
  group: PortGroup,
  previous: PreviousAddress | undefined,
): PreviousAddress | undefined {
  if (previous === undefined || (previous.health !== 'unhealthy' && isPlainSuccess(previous.reason)))
    return previous;
  const [name, ...words] = (previous.message ?? '').split(': ');
  if (name === portText(group)) return { ...previous, message: words.join(': ') };
  return previous.health === 'unhealthy' ? undefined : { ...previous, reason: '', message: '' };
}

/** Takes `since`, reason and message from the status if its state is the same. */
function healthFrom(state: HealthState, previous: PreviousAddress | undefined, wall: number): Health {
  if (state === 'unknown') return unknownHealth(wall);
  if (previous?.health !== state) return { state, consecutive: 0, since: wall, reason: '', message: '' };
  const since = Date.parse(previous.since ?? '');
  return {
    state,
    consecutive: 0,
    since: Number.isNaN(since) ? wall : Math.min(since, wall),
    reason: reasons.find((reason) => reason === previous.reason) ?? '',
    message: previous.message ?? '',
  };
}
