import { refOf } from './action.ts';
import type { Action } from './action.ts';
import type { DesiredService } from './desired.ts';
import type { Service } from './objects.ts';
import { annotations } from './ownership.ts';
import { isApplied, needsRecreation, strangers, withAnnotations } from './service.ts';

/**
 * What is observed may be behind: a Service that was made a moment ago is seen by nobody yet, and slices and apply would
 * take it from who made it.
 */
export const absence = ({ body }: DesiredService, observed: Service | undefined): readonly Action[] =>
  observed === undefined
    ? [{ op: 'absent', namespace: body.metadata.namespace, name: body.metadata.name }]
    : [];

/** The mark stands on the Service before its selector goes and until nothing is left over, so that a crash in between loses nothing. */
const marked = (desired: DesiredService) => withAnnotations(desired.body, { [annotations.sweep]: 'pending' });

/** What brings the Service itself to what is desired. `sweep`: leftovers of Kubernetes' controllers must be removed after it. */
export function serviceActions(
  desired: DesiredService,
  observed: Service | undefined,
  sweep: boolean,
): readonly Action[] {
  const body = sweep ? marked(desired) : desired.body;
  const apply: Action = { op: 'applyService', service: body };
  if (observed === undefined) return [apply];
  // A finalizer holds it for now; when it is gone it is made anew.
  if (observed.metadata.deletionTimestamp !== undefined) return [];
  const ref = refOf(observed);
  if (needsRecreation(observed, body)) return [{ op: 'delete', ref }, apply];
  const taken = strangers(observed, body);
  if (taken === undefined) return isApplied(observed, body) ? [] : [apply];
  // No resourceVersion: an apply before it makes a new one, and what is set here is ours whatever else changed.
  const take: Action = { op: 'setService', ref: { ...ref, resourceVersion: '' }, ...taken };
  // Nobody writes endpoints for the selector of an alias, but with one the server refuses families that the cluster lacks.
  return observed.spec.type === 'ExternalName' ? [take, apply] : [apply, take];
}

export const sweepActions = (desired: DesiredService, sweep: boolean): readonly Action[] =>
  sweep
    ? [
        { op: 'sweep', namespace: desired.body.metadata.namespace, name: desired.name },
        { op: 'applyService', service: desired.body },
      ]
    : [];
