import { refOf } from '../kubernetes/action.ts';
import type { Action } from '../kubernetes/action.ts';
import type { DesiredService } from './desired.ts';
import { planEndpoints } from './endpoints.ts';
import { externalIpsRemoval } from './external-ips.ts';
import { writesHints } from './hints.ts';
import type { Endpoints, KubeObject, Service } from '../kubernetes/objects.ts';
import { isOurSlice, ownerName } from '../kubernetes/ownership.ts';
import {
  inspectOwnership,
  problemOf,
  type Observed,
  type PlanContext,
  type Problem,
  type OwnershipState,
} from './problems.ts';
import { assertAbsentAction, creatableAction, serviceActions, sweepActions } from './service-actions.ts';
import { deletion } from './slice-bodies.ts';
import { withoutAdoption } from './service-features.ts';
import { planSlices } from './slices.ts';
import { forbiddenAlias } from './withdrawal.ts';
import { stepsInOrder, step, type PlanStep } from '../kubernetes/plan-step.ts';

/** Steps that bring a Service to the desired state; empty: nothing to do. */
export interface ServicePlan {
  readonly steps: readonly PlanStep[];
  readonly problem: Problem | undefined;
  /** True: the next steps are planned after these are written. */
  readonly again: boolean;
  /** Steps that need none of these. They are tried if `again` is true and one of these is not written. */
  readonly otherwise?: readonly PlanStep[];
}

/**
 * Returns the steps that bring one Service, its slices and its Endpoints to the desired state.
 *
 * Before all rows: the Service of the API server, `kubernetes` in `default`, is a Conflict and is not
 * written. If taking over is disabled (--service-features), `adopt` counts as no, except between
 * ExternalBackends.
 *
 * | rival | Service                                           | of other clients: Endpoints, slices | adopt | a ready address of ours | writes                       | problem         |
 * |-------|---------------------------------------------------|-------------------------------------|-------|-------------------------|------------------------------|-----------------|
 * | yes   | any                                               | any                                 | any   | any                     | none                         | NameClaimed     |
 * | no    | foreign                                           | any                                 | no    | any                     | none                         | Conflict        |
 * | no    | controlled by another kind                        | any                                 | yes   | any                     | none                         | Conflict        |
 * | no    | none or foreign, a feature is disabled            | any                                 | any   | any                     | none                         | FeatureDisabled |
 * | no    | ours, a feature is disabled                       | any                                 | any   | any                     | slices, see `withoutService` | FeatureDisabled |
 * | no    | ours, must be replaced, the new one is refused    | any                                 | any   | any                     | slices, see `withoutService` | ReplacementRefused |
 * | no    | none                                              | some                                | no    | any                     | none                         | Conflict        |
 * | no    | ours                                              | some                                | no    | any                     | all except on those          | Conflict        |
 * | no    | ours, being deleted                               | none                                | any   | any                     | all except the Service       | Terminating     |
 * | no    | foreign, or none and other clients' objects exist | any                                 | yes   | no                      | slices                       | Adopting        |
 * | no    | of another backend                                | any                                 | yes   | no                      | none                         | Adopting        |
 * | no    | foreign, or none and other clients' objects exist | any                                 | yes   | yes                     | all                          |                 |
 * | no    | ours or none                                      | none                                | any   | any                     | all                          |                 |
 *
 * Without a problem by then, and with an external IP that the address policy refuses: all, without that
 * external IP, and the problem ExternalIPsRefused.
 *
 * The order of the steps, and what each of them needs. An order is not a dependency: a refused step prevents
 * only the steps that need it.
 *
 * | step                                           | needs                                            |
 * |------------------------------------------------|--------------------------------------------------|
 * | a Service that is to be created does not exist; one that is to be deleted and created again can be created | nothing |
 * | slices that mark, gain or lose (slices.ts)     | the first                                        |
 * | the Service                                    | the first; if its port names change, the slices that carry addresses to the new names |
 * | Endpoints of a Service that is ours            | nothing                                          |
 * | Endpoints of one that is created or taken over | the Service                                      |
 * | slices of ours that are removed, or lose an address to another slice | slices.ts; if port names change, the Service too |
 * | slices of other clients that are taken over    | all before                                       |
 * | sweep, and the Service without the mark        | all before                                       |
 *
 * A client that reads in between sees the old or the new addresses or both, never none. Of an exclusive
 * Service it never sees two servers.
 */
export function planService(given: DesiredService, observed: Observed, context: PlanContext): ServicePlan {
  const desired = mayAdopt(given, observed, context) ? given : withoutAdoption(given);
  const ownership = inspectOwnership(desired, observed, context);
  const problem = problemOf(desired, ownership, context);
  if (problem === undefined || goesOn(problem))
    return { ...all(desired, observed, ownership, context), problem };
  const isHeld = problem.reason === 'FeatureDisabled' || problem.reason === 'ReplacementRefused';
  if (isHeld && problem.published && !ownership.isOfOtherBackend)
    return { ...withoutService(desired, observed, ownership, context), problem };
  if (problem.reason !== 'Adopting' || ownership.isOfOtherBackend)
    return { steps: [], again: false, problem };
  const slices = slicesOf(desired, observed, context, []);
  return { steps: slices.writes, again: slices.again, problem };
}

const goesOn = ({ reason, published }: Problem): boolean =>
  reason === 'Terminating' || reason === 'ExternalIPsRefused' || (reason === 'Conflict' && published);

/** Returns true if `adopt` applies. Between ExternalBackends it always does. */
const mayAdopt = (desired: DesiredService, observed: Observed, context: PlanContext): boolean =>
  context.switchedOff?.has('Adopt') !== true || inspectOwnership(desired, observed, context).isOfOtherBackend;

function all(
  desired: DesiredService,
  observed: Observed,
  ownership: OwnershipState,
  context: PlanContext,
): Omit<ServicePlan, 'problem'> {
  const creatable = context.held === true ? [] : creatableAction(desired, observed.service);
  const absent = stepsInOrder([...assertAbsentAction(desired, observed.service), ...creatable]);
  const slices = slicesOf(desired, observed, context, absent);
  const isRenamed = observed.service !== undefined && hasOtherPortNames(desired, observed.service);
  const actions =
    context.held === true ? [] : serviceActions(desired, observed.service, ownership.needsCleanup);
  const service = stepsInOrder(actions, [...absent, ...(isRenamed ? slices.carriers : [])]);
  const endpoints = endpointsActions(desired, observed.endpoints, ownership, context).map((action) =>
    step(action, ownership.service === 'ours' ? absent : [...absent, ...service]),
  );
  if (slices.again)
    return {
      steps: [...absent, ...slices.writes],
      again: true,
      otherwise: [...(isRenamed ? [] : service), ...endpoints],
    };
  const leaving = slices.leaving(isRenamed ? service : []);
  const before = [...absent, ...slices.writes, ...service, ...endpoints, ...leaving];
  const adopted = desired.spec.adopt
    ? ownership.foreignSlices.map((slice) => step(deletion(slice), before))
    : [];
  const swept = stepsInOrder(sweepActions(desired, observed.service, ownership.needsCleanup), [
    ...before,
    ...adopted,
  ]);
  return { steps: [...before, ...adopted, ...swept], again: false };
}

/**
 * Plans the addresses of a Service that is not written: they still follow the probes. What the Service does
 * not have yet is not prepared, because it may never have it.
 *
 * | the spec, compared with the Service                      | written              |
 * |----------------------------------------------------------|----------------------|
 * | is an alias                                              | nothing              |
 * | has ports of other names                                 | nothing              |
 * | has a selector, and the Service has none, or the reverse | slices               |
 * | any other                                                | slices and Endpoints |
 *
 * In addition, in each case: external IPs are removed from the Service if the address policy refuses one,
 * and a Service that leads to a forbidden host is removed.
 */
function withoutService(
  desired: DesiredService,
  observed: Observed,
  ownership: OwnershipState,
  context: PlanContext,
): Omit<ServicePlan, 'problem'> {
  const { service } = observed;
  const isAlias = context.backend.spec.mode === 'ExternalName';
  const removing = service === undefined ? [] : forbiddenParts(service, context);
  if (service === undefined || isAlias || hasOtherPortNames(desired, service))
    return { steps: removing, again: false };
  const hasSelector = Object.keys(service.spec.selector ?? {}).length > 0;
  const agrees = hasSelector === (desired.spec.selector !== undefined);
  const plan = all(
    agrees ? desired : { ...desired, subsets: undefined },
    agrees ? observed : { ...observed, endpoints: undefined },
    { ...ownership, needsCleanup: false },
    { ...context, held: true },
  );
  return { ...plan, steps: [...removing, ...plan.steps] };
}

/** Removes what the policies forbid of a Service that is not written. */
function forbiddenParts(service: Service, { policy, aliasPolicy }: PlanContext): readonly PlanStep[] {
  const alias = aliasPolicy && forbiddenAlias(service, aliasPolicy);
  const removal = policy && externalIpsRemoval(service, policy);
  return [alias?.action, removal?.action].flatMap((action) => (action === undefined ? [] : [step(action)]));
}

/**
 * kube-proxy matches the ports of a Service and of a slice by name. Neither may have the new names before the
 * other can follow.
 */
function hasOtherPortNames({ groups }: DesiredService, { spec }: Service): boolean {
  const now = new Set((spec.ports ?? []).map(({ name = '' }) => name));
  return groups.some(({ ports }) => ports.some(({ name }) => !now.has(name)));
}

const slicesOf = (
  desired: DesiredService,
  observed: Observed,
  context: PlanContext,
  needs: readonly PlanStep[],
) =>
  planSlices(desired.groups, observed.slices.filter(isOurSlice), {
    backend: context.backend,
    service: desired.name,
    headless: desired.headless,
    hinted: writesHints(desired.spec),
    maxEndpoints: context.maxEndpointsPerSlice,
    exclusive: desired.spec.role === 'Primary',
    server: desired.server,
    taken: observed.slices.map((slice) => slice.metadata.name),
    needs,
  });

function endpointsActions(
  desired: DesiredService,
  observed: Endpoints | undefined,
  ownership: OwnershipState,
  context: PlanContext,
): readonly Action[] {
  const foreign = ownership.foreignEndpoints && !desired.spec.adopt;
  if (foreign) return [];
  if (desired.subsets === undefined)
    return mustDeleteEndpoints(desired, observed) ? [{ op: 'delete', ref: refOf(observed) }] : [];
  const action = planEndpoints(context.backend, desired, desired.subsets, observed);
  return action === undefined ? [] : [action];
}

/**
 * Returns true if the Endpoints object must be removed: there is to be none, and it is ours or is taken over.
 * Otherwise Kubernetes would still mirror it. With a selector it belongs to Kubernetes.
 */
const mustDeleteEndpoints = (
  desired: DesiredService,
  observed: Endpoints | undefined,
): observed is Endpoints =>
  observed !== undefined &&
  (ownerName(observed) !== undefined || (desired.spec.adopt && desired.spec.selector === undefined));

/**
 * Returns steps that remove everything of ours under a Service name that is no longer in the spec, except
 * what is being deleted already.
 */
export function planRemoval(observed: Observed, backend: string): readonly PlanStep[] {
  const isOurs = (object: KubeObject | undefined): boolean =>
    object !== undefined && ownerName(object) === backend && object.metadata.deletionTimestamp === undefined;
  const single = [observed.service, observed.endpoints].flatMap((object) =>
    object !== undefined && isOurs(object) ? [{ op: 'delete', ref: refOf(object) } as const] : [],
  );
  return [...single, ...observed.slices.filter(isOurs).map(deletion)].map((action) => step(action));
}
