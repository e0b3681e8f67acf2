import type { Backend } from '../../api/external-backend.ts';
import type { AddressPolicy } from '../../core/resolution/address-policy.ts';
import type { AliasPolicy } from '../../core/resolution/alias-policy.ts';
import {
  desiredServices,
  servicesOf,
  type DesiredInput,
  type DesiredService,
} from '../../core/publish/desired.ts';
import { subsetsOf } from '../../core/publish/endpoints.ts';
import { planRemoval, planService, type ServicePlan } from '../../core/publish/plan.ts';
import type { Observed } from '../../core/publish/problems.ts';
import { holderOf, ownerName } from '../../core/kubernetes/ownership.ts';
import type { Roles } from '../../core/roles/primary-election.ts';
import type { SwitchedOff } from '../../core/publish/service-features.ts';
import { endpointKey } from '../../core/publish/slice-layout.ts';
import type { PlanStep } from '../../core/kubernetes/plan-step.ts';
import { isToBeReady } from '../../core/publish/slice-readiness.ts';
import type { Contests } from './contests.ts';
import type { ClusterCache } from '../ports.ts';
import type { BackendRegistry } from './backend-registry.ts';
import type { AliasDecision } from './alias-decision.ts';
import type { ReconcileInputs } from './inputs.ts';

export interface PlanningOptions {
  readonly cache: ClusterCache;
  readonly registry: Pick<BackendRegistry, 'olderClaimant'>;
  readonly legacyEndpoints: boolean;
  readonly maxEndpointsPerSlice: number;
  readonly contests?: Contests;
  /** Features of Services that the administrator switched off; default: none. */
  readonly switchedOff?: SwitchedOff;
  /** Admission of external IPs. Default: that without flags. */
  readonly policy?: AddressPolicy;
  /** Admission of the host of an alias that is held back. Default: it remains. */
  readonly aliasPolicy?: AliasPolicy;
}

/**
 * Returns the desired Services of a backend; none of an alias without a host.
 *
 * @param alias undefined in mode Endpoints
 */
export function desiredOf(
  inputs: ReconcileInputs,
  roles: Roles,
  alias: AliasDecision | undefined,
  { legacyEndpoints, policy, cache }: PlanningOptions,
  tiers?: DesiredInput['tiers'],
): readonly DesiredService[] {
  if (alias?.choice.none === true) return [];
  const input = {
    ...inputs,
    observedSlices: (service: string) => ownSlices(inputs.backend, service, cache),
    roles,
    legacyEndpoints,
    alias: alias?.choice.name,
  };
  return desiredServices({ ...input, ...(policy && { policy }), ...(tiers && { tiers }) });
}

/** Returns the slices of a Service that the backend owns. */
const ownSlices = ({ namespace, name }: Backend, service: string, cache: ClusterCache) =>
  cache.slices(namespace, service).filter((slice) => ownerName(slice) === name);

/** Addresses that are left out of the objects of a Service, because the API server refuses them. */
export interface RefusedAddresses {
  readonly slices: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
}

/** Returns the plan of one desired Service. */
export function planOf(
  { backend, key, refusedReplacements }: ReconcileInputs,
  desired: DesiredService,
  options: PlanningOptions,
  leftOut?: RefusedAddresses,
): ServicePlan {
  const { cache, registry, maxEndpointsPerSlice, contests, switchedOff = new Set() } = options;
  const { policy, aliasPolicy } = options;
  const objects = observedObjects(backend.namespace, desired.name, cache);
  const olderClaimant = registry.olderClaimant(backend, desired.name, holder(objects));
  const accepted = leftOut === undefined ? desired : withoutAddresses(desired, leftOut);
  const held = contests?.isHeld(key, accepted, objects.service) ?? false;
  const policies = { ...(policy && { policy }), ...(aliasPolicy && { aliasPolicy }) };
  const replacementRefused = refusedReplacements.get(desired.name);
  const context = {
    ...{ backend, olderClaimant, maxEndpointsPerSlice, held, switchedOff, ...policies },
    ...(replacementRefused !== undefined && { replacementRefused }),
  };
  const plan = planService(accepted, objects, context);
  return contests?.review(key, accepted, objects, plan) ?? plan;
}

function withoutAddresses(desired: DesiredService, { slices, endpoints }: RefusedAddresses): DesiredService {
  if (slices.size + endpoints.size === 0) return desired;
  const without = (out: ReadonlySet<string>): DesiredService['groups'] =>
    desired.groups.map((group) => ({
      ...group,
      endpoints: group.endpoints.filter((endpoint) => !out.has(endpointKey(endpoint))),
    }));
  const groups = without(slices);
  const legacy = desired.subsets && subsetsOf(without(new Set([...slices, ...endpoints])));
  const byPort = Map.groupBy(groups, ({ ports }) => ports.map(({ name }) => name).join());
  const serves = (all: typeof groups): boolean =>
    all.some((group) => group.endpoints.some((endpoint) => isToBeReady(group, endpoint)));
  return {
    ...desired,
    groups,
    subsets: legacy?.filter(({ addresses, notReadyAddresses }) => addresses ?? notReadyAddresses),
    available: desired.available && [...byPort.values()].every(serves),
  };
}

/**
 * Returns the removals of Services that are no longer in the spec, and of all Services of a withdrawn alias.
 * A name that another backend claims is left to that backend.
 */
export function removalsOf(
  backend: Backend,
  { cache, registry }: PlanningOptions,
  withdraws = false,
): readonly (readonly PlanStep[])[] {
  const desired = new Set(withdraws ? [] : servicesOf(backend).map(({ name }) => name));
  return [...cache.ownedNames(backend.namespace, backend.name)]
    .filter((name) => !desired.has(name) && registry.olderClaimant(backend, name, undefined) === undefined)
    .map((name) => planRemoval(observedObjects(backend.namespace, name, cache), backend.name));
}

/**
 * Returns the name of the backend that owns the Service or, if there is none, the slices or Endpoints of its
 * name.
 */
const holder = ({ service, slices, endpoints }: Observed): string | undefined =>
  service !== undefined
    ? holderOf(service)
    : [...slices, endpoints].flatMap((object) => (object && ownerName(object)) ?? [])[0];

export const observedObjects = (namespace: string, name: string, cache: ClusterCache): Observed => ({
  service: cache.service(namespace, name),
  slices: cache.slices(namespace, name),
  endpoints: cache.endpoints(namespace, name),
});
