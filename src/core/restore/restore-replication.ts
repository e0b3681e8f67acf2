import type { Backend, Spec, Status } from '../../api/external-backend.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { Check, Handler } from '../probing/check.ts';
import { handlerTraits } from '../probing/handler-kinds.ts';
import { lagLimitsOf, type PortGroup } from '../probing/port-groups.ts';
import type { Health } from '../health/state.ts';
import type { Instant } from '../instant.ts';
import {
  publishedReadiness,
  publishedUnder,
  type Published,
  type PublishedAlias,
  type ReadyOf,
} from './published-readiness.ts';
import { rolesFromTargets } from '../resolution/origins.ts';
import { isOneServer } from '../roles/primary-election.ts';
import { restoreReplication, type ReplicationState } from '../health/replication.ts';
import { roles, type Role } from '../role.ts';

export interface RestoreInput {
  readonly backend: Pick<Backend, 'generation' | 'spec' | 'status'>;
  readonly groups: readonly PortGroup[];
  readonly addresses: readonly BackendAddress[];
  readonly published: Published | PublishedAlias;
  /** Used for states whose age is not stored. */
  readonly at: Instant;
}

/** Address as the status contains it. `current`: its target was the host to which an alias points. */
export type PreviousAddress = NonNullable<Status['targets']>[number]['addresses'][number] & {
  readonly current: boolean;
};

/** Returns true for probes that report a role or a lag, or may do so once their Secret exists. */
const reportsRole = ({ kind }: Handler): boolean => handlerTraits[kind].reportsRole !== 'never';

/**
 * Returns true when a restored health lacks what a Service needs: its state is unknown, its role is not known,
 * or it has two roles.
 */
export function isIncompleteRestore(
  { handler }: Check,
  { services = [] }: Pick<Spec, 'services'>,
  health: Health,
): boolean {
  if (health.restored === undefined) return false;
  if (health.state === 'unknown') return true;
  const byRole = services.some(({ role }) => role !== 'Any');
  if (!byRole || !reportsRole(handler)) return false;
  const { role, isBoth, isDisputed } = health.replication ?? {};
  return role === undefined || isBoth === true || isDisputed === true;
}

interface Known {
  readonly previous: PreviousAddress | undefined;
  /** True when its health begins as healthy. */
  readonly isHealthy: boolean;
}

type ReplicationOf = (
  group: PortGroup,
  address: BackendAddress,
  known: Known,
) => ReplicationState | undefined;

/**
 * Returns the role and lag with which a check begins. The role is that of `restoredRole`. For each lag limit:
 *
 * | ready in the slices of a Service with the limit | over it in the status | begins as                                |
 * |-------------------------------------------------|-----------------------|------------------------------------------|
 * | yes                                             | any                   | within                                   |
 * | no                                              | yes                   | over                                     |
 * | no, and healthy                                 | no                    | over, until the first conclusive verdict |
 * | no slices, or not healthy                       | no                    | not known: the first lag decides         |
 */
export function restoreReplicationOf(input: RestoreInput): ReplicationOf {
  const lagLimits = lagLimitsOf(input.backend.spec);
  const { roleOf, disputed } = restoredRole(input);
  const boundsOf = restoredBounds(input);
  return (group, address, { previous, isHealthy }) => {
    const { probe } = group;
    if (probe === undefined || !reportsRole(probe.handler)) return undefined;
    const role = roleOf(address, previous);
    if (role === undefined && lagLimits.length === 0) return undefined;
    const { within, without } = boundsOf(group, address);
    const { lagOverSeconds = -1 } = previous ?? {};
    const exceeded = lagLimits.filter((limit) => limit <= lagOverSeconds && !within.includes(limit));
    const presumed = isHealthy ? without.filter((limit) => !exceeded.includes(limit)) : [];
    const exceededLimits = lagLimits.filter((limit) => exceeded.includes(limit) || presumed.includes(limit));
    const { failureThreshold } = probe.timing;
    const isPresumed = presumed.length > 0;
    const isBoth = role === 'Primary' && isFollowing(input, group, address);
    const isDisputed = role === 'Primary' && disputed.has(address);
    const { now } = input.at;
    return restoreReplication({
      role,
      isBoth,
      isDisputed,
      within,
      exceededLimits,
      isPresumed,
      failureThreshold,
      now,
    });
  };
}

/** Returns true when an address is ready in a Service of role Replica. */
const isFollowing = (
  { backend, published }: RestoreInput,
  group: PortGroup,
  address: BackendAddress,
): boolean =>
  (backend.spec.services ?? [])
    .filter(({ role }) => role === 'Replica')
    .some(({ name }) => publishedReadiness(publishedUnder(name, published))(group, address) === true);

/**
 * Returns a lookup of lag limits: those of Services in whose slices an address is ready, and those of
 * Services with slices in which it is not.
 */
function restoredBounds({ backend, published }: RestoreInput) {
  const bounded = (backend.spec.services ?? []).flatMap(({ name, maxLagSeconds }) => {
    const objects = publishedUnder(name, published);
    if (maxLagSeconds === undefined || objects.slices.length === 0) return [];
    return [{ maxLagSeconds, readyOf: publishedReadiness(objects) }];
  });
  return (group: PortGroup, address: BackendAddress) => {
    const limits = (is: boolean): readonly number[] =>
      bounded
        .filter(({ readyOf }) => (readyOf(group, address) === true) === is)
        .map(({ maxLagSeconds }) => maxLagSeconds);
    const within = limits(true);
    return { within, without: limits(false).filter((limit) => !within.includes(limit)) };
  };
}

/**
 * Returns the role with which an address begins. A Service of role Primary contains one server, and one of
 * role Replica without fallback no primary, so their slices are the source of roles. The role in the status
 * is only a hint: it adds an address to no Service in whose slices it is not ready.
 *
 * | targets[].role | slices that contain the address                             | role in the status | begins as                             |
 * |----------------|-------------------------------------------------------------|--------------------|---------------------------------------|
 * | none           | of a Service of role Primary, no other server in it         | any                | Primary                               |
 * | none           | the same, and ready in one of role Replica: a write was cut | any                | Primary, and published by both until a verdict reports a role |
 * | none           | the same, and another Service of role Primary has another server: a switch was cut | any                | Primary, and each Service keeps its server until a verdict reports a role |
 * | none           | of a Service of role Replica without fallback               | any                | Replica                               |
 * | none           | ready in one with fallback: it stays there                  | any                | Replica                               |
 * | none           | other, or none                                              | one, and ready in every Service of that role (or none has that role) | that role                             |
 * | none           | other, or none                                              | any other          | not known                             |
 * | given          | written for this spec: as above                             | as above           | as above, if it differs from the spec |
 * | given          | written for another spec                                    | any                | the spec's role                       |
 */
function restoredRole({ backend, groups, addresses, published }: RestoreInput): {
  readonly roleOf: RoleOf;
  readonly disputed: ReadonlySet<BackendAddress>;
} {
  const { status, generation, spec } = backend;
  const services = (spec.services ?? []).map((service) => ({
    ...service,
    readyOf: publishedReadiness(publishedUnder(service.name, published)),
  }));
  const of = (role: Role) => services.filter((service) => service.role === role);
  const has = ({ readyOf }: Member, address: BackendAddress): boolean =>
    groups.some((group) => readyOf(group, address) !== undefined);
  const isReady = ({ readyOf }: Member, address: BackendAddress): boolean =>
    groups.some((group) => readyOf(group, address) === true);
  const single = of('Primary').filter((each) =>
    isOneServer(addresses.filter((address) => has(each, address))),
  );
  const following = of('Replica').filter(({ fallbackToPrimary }) => !fallbackToPrimary);
  const roleIn = (address: BackendAddress, previous: PreviousAddress | undefined): Role | undefined => {
    if (single.some((each) => has(each, address))) return 'Primary';
    if (following.some((each) => has(each, address))) return 'Replica';
    if (of('Replica').some((each) => isReady(each, address))) return 'Replica';
    const hint = roles.find((role) => role === previous?.role);
    return hint !== undefined && of(hint).every((each) => isReady(each, address)) ? hint : undefined;
  };
  const primaries = addresses.filter((address) => single.some((each) => has(each, address)));
  const roleOf: RoleOf = (address, previous) => {
    const [given] = rolesFromTargets(address);
    if (given === undefined) return roleIn(address, previous);
    const role = status?.observedGeneration === generation ? roleIn(address, previous) : undefined;
    return role === given ? undefined : role;
  };
  return { roleOf, disputed: new Set(isOneServer(primaries) ? [] : primaries) };
}

type RoleOf = (address: BackendAddress, previous: PreviousAddress | undefined) => Role | undefined;

interface Member {
  readonly readyOf: ReadyOf;
}
