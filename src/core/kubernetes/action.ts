import type { Status } from '../../api/external-backend.ts';
import type { EndpointSlice, Endpoints, OwnerReference, Service } from './objects.ts';

/**
 * Identifies one object by its UID, so that a delete or update never affects a later object of the same name.
 */
export interface ObjectRef {
  readonly kind: 'Service' | 'EndpointSlice' | 'Endpoints' | 'ExternalBackend';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string;
}

/** Body of a server-side apply: exactly the fields that we own. */
export interface AppliedService {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly metadata: Readonly<Record<string, unknown>> & {
    readonly name: string;
    readonly namespace: string;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * One write, as data, or a condition for the writes after it.
 *
 * | op           | request                                          |
 * |--------------|--------------------------------------------------|
 * | absent       | GET of a Service that is to be created; 200 = another client was faster: transient, because apply would take it over; one that is being deleted: `waiting` |
 * | creatable    | dry run of the apply of a Service that is to be deleted and created again, under a free name and without the IP and node ports that it has: admitted or refused |
 * | applyService | server-side apply, forced; if it is refused, that of `otherwise` |
 * | setService   | merge patch, fenced by uid and resourceVersion: what apply cannot take from other managers |
 * | create       | POST; 409 = another client was faster: transient; with `emptyFirst` without endpoints, and then a PUT with them, which is fenced as update is |
 * | update       | PUT, fenced by the uid and resourceVersion in the object; 409 = transient |
 * | delete       | DELETE with uid and resourceVersion preconditions; 404 = done |
 * | sweep        | deletes the slices and Endpoints of Service `name` that Kubernetes' own controllers (endpointslice-controller.k8s.io, endpointslicemirroring-controller.k8s.io, endpoint-controller) left; if it found some, `waiting` for a second look |
 * | dryRun       | the request of a create or update with `dryRun=All`: it is admitted or refused, and changes nothing |
 * | status       | JSON patch: test uid, replace the whole status   |
 */
export type Action =
  | { readonly op: 'absent'; readonly namespace: string; readonly name: string }
  | { readonly op: 'creatable'; readonly service: AppliedService; readonly otherwise?: AppliedService }
  | { readonly op: 'applyService'; readonly service: AppliedService; readonly otherwise?: AppliedService }
  | {
      readonly op: 'setService';
      readonly ref: ObjectRef;
      /** Fields as in a JSON merge patch: `null` removes a field. */
      readonly spec?: Readonly<Record<string, unknown>>;
      readonly annotations?: Readonly<Record<string, string | null>>;
      readonly ownerReferences?: readonly OwnerReference[];
    }
  | {
      readonly op: 'create';
      readonly object: EndpointSlice | Endpoints;
      /** A create that arrives late, after the end of its term, must publish nothing. It has no fence. */
      readonly emptyFirst?: boolean;
    }
  | { readonly op: 'update'; readonly object: EndpointSlice | Endpoints }
  | {
      readonly op: 'dryRun';
      readonly write: { readonly op: 'create' | 'update'; readonly object: EndpointSlice | Endpoints };
    }
  | { readonly op: 'delete'; readonly ref: ObjectRef }
  | { readonly op: 'sweep'; readonly namespace: string; readonly name: string }
  | { readonly op: 'status'; readonly ref: ObjectRef; readonly status: Status };

export const refOf = (object: Service | Endpoints | EndpointSlice): ObjectRef => ({
  kind: object.kind,
  namespace: object.metadata.namespace,
  name: object.metadata.name,
  uid: object.metadata.uid ?? '',
  ...(object.metadata.resourceVersion !== undefined && { resourceVersion: object.metadata.resourceVersion }),
});

/** Returns true if the action adds addresses to the Service, or removes some. */
export const touchesSlice = (action: Action): boolean =>
  ('object' in action && action.object.kind === 'EndpointSlice') ||
  (action.op === 'delete' && action.ref.kind === 'EndpointSlice');

/** Returns kind and name of the object that an action writes; undefined: it writes none. */
export function objectOf(action: Action): string | undefined {
  if (action.op === 'applyService') return `Service ${action.service.metadata.name}`;
  if ('object' in action) return `${action.object.kind} ${action.object.metadata.name}`;
  return 'ref' in action ? `${action.ref.kind} ${action.ref.name}` : undefined;
}
