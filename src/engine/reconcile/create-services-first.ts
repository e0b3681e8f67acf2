import type { Backend, ServiceSpec } from '../../api/external-backend.ts';
import { servicesOf } from '../../core/publish/desired.ts';
import { areFamiliesOpen } from '../../core/publish/ip-families.ts';
import { stepsInOrder, type PlanStep } from '../../core/kubernetes/plan-step.ts';
import { desiredOf, planOf, type PlanningOptions } from './plan-services.ts';
import type { ClusterCache } from '../ports.ts';
import type { ReconcileInputs } from './inputs.ts';
import { rolesIn } from './observed-roles.ts';

/**
 * Returns true when there are IPv6 addresses and a new Service whose IP families only the API server can
 * decide.
 */
export function hasServicesToCreateFirst(
  { backend, addresses }: ReconcileInputs,
  cache: ClusterCache,
): boolean {
  if (backend.spec.mode !== 'Endpoints') return false;
  return addresses.some(({ family }) => family === 'IPv6') && servicesOf(backend).some(isNew(backend, cache));
}

/**
 * Returns the writes that create such Services before the first probes. An address that no Service can carry
 * is not waited for and is in no slice. The next run retries and reports a write that is refused.
 */
export function servicesToCreateFirst(
  inputs: ReconcileInputs,
  options: PlanningOptions,
): readonly (readonly PlanStep[])[] {
  const isFirst = isNew(inputs.backend, options.cache);
  return desiredOf(inputs, rolesIn(inputs, options.cache), undefined, options)
    .filter(({ spec }) => isFirst(spec))
    .map((desired) => planOf(inputs, desired, options))
    .filter(({ problem }) => problem === undefined || problem.reason === 'ExternalIPsRefused')
    .map(({ steps }) => steps.map(({ action }) => action))
    .map((actions) => stepsInOrder(actions.filter(({ op }) => op === 'absent' || op === 'applyService')));
}

function isNew({ namespace }: Backend, cache: ClusterCache): (spec: ServiceSpec) => boolean {
  return (spec) => areFamiliesOpen(spec) && cache.service(namespace, spec.name) === undefined;
}
