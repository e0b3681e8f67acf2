import { OperatorError } from '../../../src/core/errors.ts';
import { namespace } from '../../support/builders/builders.ts';
import { up } from '../../support/builders/verdicts.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { EndpointSlice, Endpoints } from '../../../src/core/kubernetes/objects.ts';

export const refusal = (reason: 'Invalid' | 'Forbidden' = 'Invalid', status = 422): OperatorError =>
  new OperatorError(`denied by policy ${reason}`, { kind: 'terminal', reason, status });

export const isSlice = (
  action: Action,
): action is Extract<Action, { op: 'create' | 'update' }> & { object: EndpointSlice } =>
  'object' in action && action.object.kind === 'EndpointSlice';

/** Returns the addresses of the Endpoints object, with a `+` if ready. */
export function legacy(world: ReconcileWorld, service = 'orders-db'): readonly string[] {
  const { subsets = [] } = world.cluster.endpoints(namespace, service) as Endpoints;
  const texts = subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) => [
    ...addresses.map(({ ip }) => `+${ip}`),
    ...notReadyAddresses.map(({ ip }) => `-${ip}`),
  ]);
  return texts.toSorted();
}

export const portNames = (world: ReconcileWorld): readonly (string | undefined)[] =>
  (world.cluster.service(namespace, 'orders-db')?.spec.ports ?? []).map(({ name }) => name);

export const [A, B, C] = ['10.20.0.11', '10.20.0.12', '10.20.0.13'];
export const hosts = (...all: readonly string[]) => all.map((host) => ({ host }));

/** Returns a world whose third address is healthy and in no slice, because a new slice is refused. */
export async function refusedSlice(): Promise<ReconcileWorld> {
  const world = new ReconcileWorld({ maxEndpointsPerSlice: 2 });
  await world.bringUp();
  world.cluster.refuse = (action) => (isSlice(action) && action.op === 'create' ? refusal() : undefined);
  world.store({ targets: hosts(A, B, C) }, { generation: 2 });
  await world.run();
  world.say(up, C);
  return world;
}

export const conditionText = (world: ReconcileWorld, type: string): string => {
  const { status = '-', reason = '-' } = world.status().conditions?.find((each) => each.type === type) ?? {};
  return `${status} ${reason}`;
};
export const conditionsOf = (world: ReconcileWorld) =>
  ['Ready', 'Available', 'Degraded'].map((type) => conditionText(world, type));
