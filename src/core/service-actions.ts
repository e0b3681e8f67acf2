import { refOf } from './action.ts';
import type { Action, AppliedService } from './action.ts';
import type { DesiredService } from './desired.ts';
import type { Service } from './objects.ts';
import { annotations } from './ownership.ts';
import { repairPatch } from './service-repair.ts';
import { isApplied, needsRecreation, withAnnotations } from './service.ts';

/**
 * What is observed may be behind: a Service that was made a moment ago is seen by nobody yet, and slices and apply would
 * take it from who made it.
 */
export const absence = ({ body }: DesiredService, observed: Service | undefined): readonly Action[] =>
  observed === undefined ? [gone({ body })] : [];

const gone = ({ body }: Pick<DesiredService, 'body'>): Action => ({
  op: 'absent',
  namespace: body.metadata.namespace,
  name: body.metadata.name,
});

/** The mark is on the Service before its selector goes and until nothing is left over, so that a crash in between loses nothing. */
const marked = (desired: DesiredService) => withAnnotations(desired.body, { [annotations.sweep]: 'pending' });

/** What brings the Service itself to what is desired. `sweep`: leftovers of Kubernetes' controllers must be removed after it. */
export function serviceActions(
  desired: DesiredService,
  observed: Service | undefined,
  sweep: boolean,
): readonly Action[] {
  const body = sweep ? marked(desired) : desired.body;
  const apply = applyOf(body);
  if (observed === undefined) return [apply];
  // A finalizer holds it for now; when it is gone it is created again.
  if (observed.metadata.deletionTimestamp !== undefined) return [];
  if (needsRecreation(observed, body)) return [{ op: 'delete', ref: refOf(observed) }, gone(desired), apply];
  const patch = repairPatch(observed, body);
  if (patch !== undefined) return [patch, apply];
  return isApplied(observed, body) ? [] : [apply];
}

/** The mark may have been set by the patch, and an apply does not remove what a patch set. */
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

/** An API server without the value of trafficDistribution refuses the whole Service; without the field the Service exists. */
function applyOf(service: AppliedService): Action {
  const { trafficDistribution, ...spec } = service.spec;
  if (trafficDistribution === undefined) return { op: 'applyService', service };
  return { op: 'applyService', service, otherwise: withAnnotations({ ...service, spec }, {}) };
}
