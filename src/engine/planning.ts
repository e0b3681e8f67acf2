import type { Backend } from '../api/external-backend.ts';
import type { Action } from '../core/action.ts';
import { desiredServices, servicesOf, type DesiredService } from '../core/desired.ts';
import { planRemoval, planService, type Observed, type ServicePlan } from '../core/plan.ts';
import type { Roles } from '../core/roles.ts';
import type { ClusterView } from './ports.ts';
import type { BackendRegistry } from './registry.ts';
import type { AliasScene, Scene } from './scene.ts';

export interface PlanningOptions {
  readonly view: ClusterView;
  readonly registry: BackendRegistry;
  readonly legacyEndpoints: boolean;
  readonly maxEndpointsPerSlice: number;
}

/** The Services of a backend as they should be now. @param alias undefined in mode Endpoints */
export function desiredOf(
  scene: Scene,
  roles: Roles,
  alias: AliasScene | undefined,
  { legacyEndpoints }: PlanningOptions,
): readonly DesiredService[] {
  return desiredServices({ ...scene, roles, legacyEndpoints, alias: alias?.choice.name });
}

/** What to write for one of them. */
export function planOf({ backend }: Scene, desired: DesiredService, options: PlanningOptions): ServicePlan {
  const { view, registry, maxEndpointsPerSlice } = options;
  return planService(desired, observed(backend.namespace, desired.name, view), {
    backend,
    rival: registry.rival(backend, desired.name),
    maxEndpointsPerSlice,
  });
}

/** What was made under names that the spec does not have any more; a name that a sibling claims is the sibling's to take over. */
export function removalsOf(
  backend: Backend,
  { view, registry }: PlanningOptions,
): readonly (readonly Action[])[] {
  const wanted = new Set(servicesOf(backend).map(({ name }) => name));
  return [...view.ownedNames(backend.namespace, backend.name)]
    .filter((name) => !wanted.has(name) && registry.rival(backend, name) === undefined)
    .map((name) => planRemoval(observed(backend.namespace, name, view), backend.name));
}

const observed = (namespace: string, name: string, view: ClusterView): Observed => ({
  service: view.service(namespace, name),
  slices: view.slices(namespace, name),
  endpoints: view.endpoints(namespace, name),
});
