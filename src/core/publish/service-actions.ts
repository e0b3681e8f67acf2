import { refOf } from '../kubernetes/action.ts';
import type { Action, AppliedService } from '../kubernetes/action.ts';
import type { DesiredService } from './desired.ts';
import type { Service, ServicePort } from '../kubernetes/objects.ts';
import { annotations } from '../kubernetes/ownership.ts';
import { repairPatch } from './service-repair.ts';
import { withAnnotations } from './service-body.ts';
import { isApplied, needsRecreation } from './service-diff.ts';

/**
 * Checks that a Service that is to be created does not exist. The observed state may be old: a Service that
 * another client created a moment ago is not in it yet, and slices and apply would take it over.
 */
export const assertAbsentAction = (
  { body }: DesiredService,
  observed: Service | undefined,
): readonly Action[] => (observed === undefined ? [gone({ body })] : []);

const gone = ({ body }: Pick<DesiredService, 'body'>): Action => ({
  op: 'absent',
  namespace: body.metadata.namespace,
  name: body.metadata.name,
});

/**
 * Checks that the API server creates a Service that is to be deleted and created again, before it is deleted: a
 * mistake in the spec must not remove a Service that works.
 */
export function creatableAction({ body }: DesiredService, observed: Service | undefined): readonly Action[] {
  if (observed === undefined || observed.metadata.deletionTimestamp !== undefined) return [];
  if (!needsRecreation(observed, body)) return [];
  const { service, otherwise } = applyOf(body);
  return [
    {
      op: 'creatable',
      service: withoutPresent(service, observed),
      ...(otherwise !== undefined && { otherwise: withoutPresent(otherwise, observed) }),
    },
  ];
}

/** Returns the body without the IP and the node ports that the observed Service has, which are free after it. */
function withoutPresent(body: AppliedService, { spec }: Service): AppliedService {
  const { clusterIP, ports, ...others } = body.spec;
  const isPresent = clusterIP !== 'None' && clusterIP === spec.clusterIP;
  const present = new Set((spec.ports ?? []).flatMap(({ nodePort }) => nodePort ?? []));
  const free = (port: ServicePort): ServicePort => {
    const { nodePort, ...rest } = port;
    return nodePort === undefined || present.has(nodePort) ? rest : port;
  };
  return {
    ...body,
    spec: {
      ...others,
      ...(!isPresent && clusterIP !== undefined && { clusterIP }),
      ports: ((ports ?? []) as readonly ServicePort[]).map(free),
    },
  };
}

/**
 * The mark is set on the Service before its selector is removed, and until nothing is left over, so that a
 * crash in between loses nothing.
 */
const withPendingCleanup = (desired: DesiredService) =>
  withAnnotations(desired.body, { [annotations.sweep]: 'pending' });

/**
 * Returns the writes that bring the Service itself to the desired state. `sweep`: what Kubernetes'
 * controllers left must be removed after it.
 */
export function serviceActions(
  desired: DesiredService,
  observed: Service | undefined,
  sweep: boolean,
): readonly Action[] {
  const body = sweep ? withPendingCleanup(desired) : desired.body;
  const apply = applyOf(body);
  if (observed === undefined) return [apply];
  // A finalizer keeps it for now. It is created again after it is removed.
  if (observed.metadata.deletionTimestamp !== undefined) return [];
  if (needsRecreation(observed, body)) return [{ op: 'delete', ref: refOf(observed) }, gone(desired), apply];
  const patch = repairPatch(observed, body);
  if (patch !== undefined) return [patch, apply];
  return isApplied(observed, body) ? [] : [apply];
}

/**
 * Returns the writes that remove what is left over, and then the mark. The mark may have been set by the
 * patch, and an apply does not remove what a patch set.
 */
export function sweepActions(
  desired: DesiredService,
  observed: Service | undefined,
  sweep: boolean,
): readonly Action[] {
  if (!sweep || observed === undefined) return [];
  const { namespace } = desired.body.metadata;
  const ref = { ...refOf(observed), resourceVersion: '' };
  const unmark: Action = { op: 'setService', ref, annotations: { [annotations.sweep]: null } };
  return [
    { op: 'sweep', namespace, name: desired.name },
    ...(needsRecreation(observed, desired.body) ? [] : [unmark]),
    applyOf(desired.body),
  ];
}

/**
 * An API server that does not know the value of trafficDistribution refuses the whole Service. Without the
 * field the Service is created.
 */
function applyOf(service: AppliedService): Extract<Action, { op: 'applyService' }> {
  const { trafficDistribution, ...spec } = service.spec;
  if (trafficDistribution === undefined) return { op: 'applyService', service };
  return { op: 'applyService', service, otherwise: withAnnotations({ ...service, spec }, {}) };
}
