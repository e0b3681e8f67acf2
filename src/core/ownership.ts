import { group, kind } from '../api/external-backend.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from './objects.ts';

/** Field manager, `managed-by` label and the name under which the operator is known to the API. */
export const operatorName = 'external-backend-operator';

export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  sliceManagedBy: 'endpointslice.kubernetes.io/managed-by',
  endpointsManagedBy: 'endpoints.kubernetes.io/managed-by',
  serviceName: 'kubernetes.io/service-name',
  skipMirror: 'endpointslice.kubernetes.io/skip-mirror',
  headless: 'service.kubernetes.io/headless',
} as const;

export const annotations = {
  /** Hash of the Service as we applied it: a field that left the spec changes it. */
  applied: `${group}/applied`,
  /** Name of the backend; says whose the object is when somebody stripped the owner reference. */
  backend: `${group}/backend`,
  /** `pending` while slices of Kubernetes' own controllers may be left over from a removed selector. */
  sweep: `${group}/sweep`,
  /** On slices: which name gave which address. See attribution.ts. */
  names: `${group}/names`,
  /** On slices: `true` where the hints are the operator's. See hints.ts. */
  hints: `${group}/hints`,
  overCapacity: 'endpoints.kubernetes.io/over-capacity',
} as const;

/** Slices that follow from other objects: never a conflict by themselves, and swept once the Service is ours. */
export const kubernetesSliceManagers: readonly string[] = [
  'endpointslice-controller.k8s.io',
  'endpointslicemirroring-controller.k8s.io',
];

const ours = (owner: OwnerReference): boolean =>
  owner.controller === true && owner.kind === kind && owner.apiVersion.startsWith(`${group}/`);

const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true);

/** Name of the ExternalBackend (of the same namespace) whose object this is, by its controller reference. Undefined: not ours. */
export function ownerName(object: KubeObject): string | undefined {
  const controller = controllerOf(object);
  return controller !== undefined && ours(controller) ? controller.name : undefined;
}

/**
 * The Service that a slice is of. Labels can be edited and names cannot, so of a slice of ours the name decides:
 * one that lost its label is found again, and repaired.
 */
export function serviceOf(slice: KubeObject): string | undefined {
  const name = ownerName(slice) === undefined ? undefined : ourSliceName.exec(slice.metadata.name)?.[1];
  return name ?? slice.metadata.labels?.[labels.serviceName];
}

const ourSliceName = /^(.+)-ipv[46]-[0-9a-z]+-[0-9]+$/;

/**
 * Whether a backend may write this object, which has a name that the backend wants.
 * The annotation heals a stripped owner reference; it never makes an object ours to delete, for people copy annotations.
 */
export function belongsTo(object: KubeObject, backend: string): boolean {
  if (controllerOf(object) === undefined)
    return object.metadata.annotations?.[annotations.backend] === backend;
  return ownerName(object) === backend;
}

export const hasController = (object: KubeObject): boolean => controllerOf(object) !== undefined;

/** Slices and Endpoints are ours by owner or, where that was stripped, by the label that says who manages them; so either is healed. */
const isManagedByUs = (object: KubeObject, label: string): boolean =>
  ownerName(object) !== undefined ||
  (!hasController(object) && object.metadata.labels?.[label] === operatorName);

export const isOurSlice = (slice: KubeObject): boolean => isManagedByUs(slice, labels.sliceManagedBy);

export const isOurEndpoints = (endpoints: KubeObject): boolean =>
  isManagedByUs(endpoints, labels.endpointsManagedBy);

/**
 * The label `app.kubernetes.io/managed-by`. The value of another tool stays: Helm refuses objects that lost it.
 *
 * @param observed labels of the object
 */
export const manager = (
  observed: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({
  [labels.managedBy]: observed[labels.managedBy] ?? operatorName,
});

/** The controller reference that everything we make carries; the garbage collector does the rest. */
export function ownerReference(backend: { readonly name: string; readonly uid: string }): OwnerReference {
  return {
    apiVersion: `${group}/v1alpha1`,
    kind,
    name: backend.name,
    uid: backend.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Whether the object carries exactly our controller reference of this life of the backend. */
export function isOwnedByLife(metadata: ObjectMeta, backendUid: string): boolean {
  return (metadata.ownerReferences ?? []).some((owner) => ours(owner) && owner.uid === backendUid);
}

/** Name of the backend that has the object: by its controller reference or, where that was stripped, by the annotation. */
export const holderOf = (object: KubeObject): string | undefined =>
  hasController(object) ? ownerName(object) : object.metadata.annotations?.[annotations.backend];

/** A backend that claims the name of a Service. */
export interface Claimant {
  readonly name: string;
  readonly creationTimestamp: string;
  /** `services[].adopt` of the claim. */
  readonly adopt: boolean;
}

/**
 * The backend that has a Service name, of those that claim it.
 *
 * | a claimant holds the objects | an older claimant has `adopt: true` | winner                                   |
 * |------------------------------|-------------------------------------|------------------------------------------|
 * | yes                          | no                                  | the holder                               |
 * | yes                          | yes                                 | the oldest of those with `adopt: true`   |
 * | no                           | any                                 | the oldest; of the same second, the lesser name |
 *
 * The holder is known by its name, not by its uid: after a restore of a backup all uids and ages are new.
 *
 * @param holder name of the backend that has the objects under that name; it need not claim them any more
 */
export function winner<T extends Claimant>(
  claimants: readonly T[],
  holder: string | undefined,
): T | undefined {
  const byAge = claimants.toSorted(
    (a, b) => compare(a.creationTimestamp, b.creationTimestamp) || compare(a.name, b.name),
  );
  const held = byAge.findIndex(({ name }) => name === holder);
  return held < 0 ? byAge[0] : (byAge.slice(0, held).find(({ adopt }) => adopt) ?? byAge[held]);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Returns true for the Service of the API server itself, which nobody may lead elsewhere. */
export const isApiServerService = (namespace: string, service: string): boolean =>
  namespace === 'default' && service === 'kubernetes';
