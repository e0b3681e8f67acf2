import type { Backend, ServiceSpec } from '../api/external-backend.ts';
import { servicesOf } from '../core/desired.ts';
import { areFamiliesOpen } from '../core/families.ts';
import { chain, type Step } from '../core/step.ts';
import { desiredOf, planOf, type PlanningOptions } from './planning.ts';
import type { ClusterView } from './ports.ts';
import { rolesIn, type Scene } from './scene.ts';

/** Whether there are IPv6 addresses and a new Service of which only the server can say whether it carries them. */
export function hasFirstServices({ backend, addresses }: Scene, view: ClusterView): boolean {
  if (backend.spec.mode !== 'Endpoints') return false;
  return addresses.some(({ family }) => family === 'IPv6') && servicesOf(backend).some(isNew(backend, view));
}

/**
 * What makes such Services before anybody is asked: an address that no Service carries is not waited for, and is in no
 * slice. What is refused is tried again, and told, by the run that comes next.
 */
export function firstServices(scene: Scene, options: PlanningOptions): readonly (readonly Step[])[] {
  const isFirst = isNew(scene.backend, options.view);
  return desiredOf(scene, rolesIn(scene, options.view), undefined, options)
    .filter(({ spec }) => isFirst(spec))
    .map((desired) => planOf(scene, desired, options))
    .filter(({ problem }) => problem === undefined)
    .map(({ steps }) => steps.map(({ action }) => action))
    .map((actions) => chain(actions.filter(({ op }) => op === 'absent' || op === 'applyService')));
}

function isNew({ namespace }: Backend, view: ClusterView): (spec: ServiceSpec) => boolean {
  return (spec) => areFamiliesOpen(spec) && view.service(namespace, spec.name) === undefined;
}
