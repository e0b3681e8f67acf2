import { refOf } from './action.ts';
import type { Action } from './action.ts';
import type { DesiredService } from './desired.ts';
import { planEndpoints } from './endpoints.ts';
import { writesHints } from './hints.ts';
import type { Endpoints, KubeObject, Service } from './objects.ts';
import { isOurSlice, ownerName } from './ownership.ts';
import { look, problemOf, type Observed, type PlanContext, type Problem, type Scene } from './problems.ts';
import { absence, serviceActions, sweepActions } from './service-actions.ts';
import { deletion } from './slice-bodies.ts';
import { withoutAdoption } from './service-features.ts';
import { planSlices } from './slices.ts';
import { chain, step, type Step } from './step.ts';

/** The steps that lead to what is desired; empty: nothing to do. */
export interface ServicePlan {
  readonly steps: readonly Step[];
  readonly problem: Problem | undefined;
  /** True: what follows is planned when these are written. */
  readonly again: boolean;
  /** Steps that need none of these: they are tried where `again` is true, and one of these is not written. */
  readonly otherwise?: readonly Step[];
}

/**
 * What brings one Service, its slices and its Endpoints to what they should be.
 *
 * Before all of it: the Service of the API server, `kubernetes` in `default`, is a Conflict and is not written. Where taking
 * over is switched off (--service-features), `adopt` counts as no, except among ExternalBackends.
 *
 * | rival | Service | of others: Endpoints, slices | adopt | a ready address of ours | writes            | problem     |
 * |-------|---------|------------------------------|-------|-------------------------|-------------------|-------------|
 * | yes   | any     | any                          | any   | any                     | none              | NameClaimed |
 * | no    | foreign | any                          | no    | any                     | none              | Conflict    |
 * | no    | controlled by another kind | any       | yes   | any                     | none              | Conflict    |
 * | no    | none or of others, a feature is switched off | any | any | any            | none              | FeatureDisabled |
 * | no    | ours, a feature is switched off      | any   | any                     | slices, see `withoutService` | FeatureDisabled |
 * | no    | none    | some                         | no    | any                     | none              | Conflict    |
 * | no    | ours    | some                         | no    | any                     | all but on those  | Conflict    |
 * | no    | ours, being deleted | none             | any   | any                     | all but the Service | Terminating |
 * | no    | foreign or none, others' things stand  | yes   | no                      | slices            | Adopting    |
 * | no    | of another backend                     | yes   | no                      | none              | Adopting    |
 * | no    | foreign or none, others' things stand  | yes   | yes                     | all               |             |
 * | no    | ours or none | none                    | any   | any                     | all               |             |
 *
 * The order of the steps, and what each needs. An order is not a dependency: a step that is refused holds back those alone
 * that need it.
 *
 * | step                                             | needs                                                        |
 * |--------------------------------------------------|--------------------------------------------------------------|
 * | a Service that is to be created is not there     | nothing                                                      |
 * | slices that mark, gain or lose (slices.ts)       | the first                                                    |
 * | the Service                                      | the first; where its port names change, the slices that carry addresses to the new names |
 * | Endpoints, of a Service that is ours             | nothing                                                      |
 * | Endpoints, of one that is created or taken over  | the Service                                                  |
 * | slices of ours that go, or lose an address to another slice | slices.ts; where port names change, the Service too |
 * | slices of others that are taken over             | all before                                                   |
 * | sweep, and the Service without the mark          | all before                                                   |
 *
 * A client that reads in between sees the old or the new addresses or both, never none; of an exclusive Service never two servers.
 */
export function planService(given: DesiredService, observed: Observed, context: PlanContext): ServicePlan {
  const desired = mayAdopt(given, observed, context) ? given : withoutAdoption(given);
  const scene = look(desired, observed, context);
  const problem = problemOf(desired, scene, context);
  if (problem === undefined || goesOn(problem)) return { ...all(desired, observed, scene, context), problem };
  if (problem.reason === 'FeatureDisabled' && problem.published && !scene.sibling)
    return { ...withoutService(desired, observed, scene, context), problem };
  if (problem.reason !== 'Adopting' || scene.sibling) return { steps: [], again: false, problem };
  const slices = slicesOf(desired, observed, context, []);
  return { steps: slices.writes, again: slices.again, problem };
}

const goesOn = ({ reason, published }: Problem): boolean =>
  reason === 'Terminating' || (reason === 'Conflict' && published);

/** Returns true where `adopt` has its meaning. Among ExternalBackends it always has. */
const mayAdopt = (desired: DesiredService, observed: Observed, context: PlanContext): boolean =>
  context.switchedOff?.has('Adopt') !== true || look(desired, observed, context).sibling;

function all(
  desired: DesiredService,
  observed: Observed,
  scene: Scene,
  context: PlanContext,
): Omit<ServicePlan, 'problem'> {
  const absent = chain(absence(desired, observed.service));
  const slices = slicesOf(desired, observed, context, absent);
  const isRenamed = observed.service !== undefined && hasOtherPortNames(desired, observed.service);
  const actions = context.held === true ? [] : serviceActions(desired, observed.service, scene.sweep);
  const service = chain(actions, [...absent, ...(isRenamed ? slices.carriers : [])]);
  const endpoints = endpointsActions(desired, observed.endpoints, scene, context).map((action) =>
    step(action, scene.service === 'ours' ? [] : [...absent, ...service]),
  );
  if (slices.again)
    return {
      steps: [...absent, ...slices.writes],
      again: true,
      otherwise: [...(isRenamed ? [] : service), ...endpoints],
    };
  const leaving = slices.leaving(isRenamed ? service : []);
  const before = [...absent, ...slices.writes, ...service, ...endpoints, ...leaving];
  const adopted = desired.spec.adopt ? scene.foreignSlices.map((slice) => step(deletion(slice), before)) : [];
  const swept = chain(sweepActions(desired, observed.service, scene.sweep), [...before, ...adopted]);
  return { steps: [...before, ...adopted, ...swept], again: false };
}

/**
 * Addresses go on to follow the probes behind a Service that is not written. What the Service does not have yet is not
 * prepared, because it may never have it.
 *
 * | the spec, compared with the Service | written              |
 * |-------------------------------------|----------------------|
 * | is an alias                         | nothing              |
 * | has ports of other names            | nothing              |
 * | has a selector, and the other not   | slices               |
 * | any other                           | slices and Endpoints |
 */
function withoutService(
  desired: DesiredService,
  observed: Observed,
  scene: Scene,
  context: PlanContext,
): Omit<ServicePlan, 'problem'> {
  const { service } = observed;
  const isAlias = context.backend.spec.mode === 'ExternalName';
  if (service === undefined || isAlias || hasOtherPortNames(desired, service))
    return { steps: [], again: false };
  const hasSelector = Object.keys(service.spec.selector ?? {}).length > 0;
  const agrees = hasSelector === (desired.spec.selector !== undefined);
  return all(
    agrees ? desired : { ...desired, subsets: undefined },
    agrees ? observed : { ...observed, endpoints: undefined },
    { ...scene, sweep: false },
    { ...context, held: true },
  );
}

/** kube-proxy joins the ports of a Service and of a slice by their names: neither may have the new ones before the other can follow. */
function hasOtherPortNames({ groups }: DesiredService, { spec }: Service): boolean {
  const now = new Set((spec.ports ?? []).map(({ name = '' }) => name));
  return groups.some(({ ports }) => ports.some(({ name }) => !now.has(name)));
}

const slicesOf = (
  desired: DesiredService,
  observed: Observed,
  context: PlanContext,
  needs: readonly Step[],
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
  scene: Scene,
  context: PlanContext,
): readonly Action[] {
  const foreign = scene.foreignEndpoints && !desired.spec.adopt;
  if (foreign) return [];
  if (desired.subsets === undefined)
    return goes(desired, observed) ? [{ op: 'delete', ref: refOf(observed) }] : [];
  const action = planEndpoints(context.backend, desired, desired.subsets, observed);
  return action === undefined ? [] : [action];
}

/** Where there is to be no Endpoints object, ours goes, and one that is taken over: it would go on being mirrored. With a selector it is Kubernetes' own. */
const goes = (desired: DesiredService, observed: Endpoints | undefined): observed is Endpoints =>
  observed !== undefined &&
  (ownerName(observed) !== undefined || (desired.spec.adopt && desired.spec.selector === undefined));

/** Everything of ours under a name that the spec does not ask for any more, except what is being deleted already. */
export function planRemoval(observed: Observed, backend: string): readonly Step[] {
  const mine = (object: KubeObject | undefined): boolean =>
    object !== undefined && ownerName(object) === backend && object.metadata.deletionTimestamp === undefined;
  const single = [observed.service, observed.endpoints].flatMap((object) =>
    object !== undefined && mine(object) ? [{ op: 'delete', ref: refOf(object) } as const] : [],
  );
  return [...single, ...observed.slices.filter(mine).map(deletion)].map((action) => step(action));
}
