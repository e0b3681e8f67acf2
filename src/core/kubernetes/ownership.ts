import { group, kind } from '../../api/external-backend.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from './objects.ts';

/** Field manager, value of the `managed-by` label, and name of the operator in the API. */
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
  /** Hash of the Service as we applied it. It changes when a field is removed from the spec. */
  applied: `${group}/applied`,
  /** Name of the backend. It identifies the owner if another client removed the owner reference. */
  backend: `${group}/backend`,
  /** `pending` while slices of Kubernetes' own controllers may be left over from a removed selector. */
  sweep: `${group}/pending-slice-cleanup`,
  /** Annotation of slices: names that resolved to their addresses. See names-annotation.ts. */
  names: `${group}/names`,
  /** Annotation of slices: `true` if the hints are the operator's. See hints.ts. */
  hints: `${group}/hints`,
  /** On slices: addresses that are published as ready, and are not. See slice-readiness.ts. */
  notReady: `${group}/published-not-ready`,
  /** On an ExternalBackend, written by people: maintenance by hand. See core/maintenance/maintenance-annotation.ts. */
  maintenance: `${group}/maintenance`,
  overCapacity: 'endpoints.kubernetes.io/over-capacity',
} as const;

/**
 * Managers of slices that depend on other objects. Such slices are never a conflict by themselves, and are
 * removed once the Service is ours.
 */
export const kubernetesSliceManagers: readonly string[] = [
  'endpointslice-controller.k8s.io',
  'endpointslicemirroring-controller.k8s.io',
];

const ours = (owner: OwnerReference): boolean =>
  owner.controller === true && owner.kind === kind && owner.apiVersion.startsWith(`${group}/`);

const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true);

/**
 * Returns the name of the ExternalBackend (of the same namespace) that owns this object, by its controller
 * reference. Undefined: not ours.
 */
export function ownerName(object: KubeObject): string | undefined {
  const controller = controllerOf(object);
  return controller !== undefined && ours(controller) ? controller.name : undefined;
}

/**
 * Returns the Service of a slice. Labels can be edited and names cannot, so the name decides for a slice of
 * ours: a slice that lost its label is found again, and repaired.
 */
export function serviceOf(slice: KubeObject): string | undefined {
  const name = ownerName(slice) === undefined ? undefined : ourSliceName.exec(slice.metadata.name)?.[1];
  return name ?? slice.metadata.labels?.[labels.serviceName];
}

const ourSliceName = /^(.+)-ipv[46]-[0-9a-z]+-[0-9]+$/;

/**
 * Returns true if a backend may write this object, which has a name that the backend wants. The annotation
 * repairs a removed owner reference. It never allows us to delete an object, because people copy annotations.
 */
export function belongsTo(object: KubeObject, backend: string): boolean {
  if (controllerOf(object) === undefined)
    return object.metadata.annotations?.[annotations.backend] === backend;
  return ownerName(object) === backend;
}

export const hasController = (object: KubeObject): boolean => controllerOf(object) !== undefined;

/**
 * Slices and Endpoints are ours by owner. If the owner was removed, the label that names their manager
 * decides. So both are repaired.
 */
const isManagedByUs = (object: KubeObject, label: string): boolean =>
  ownerName(object) !== undefined ||
  (!hasController(object) && object.metadata.labels?.[label] === operatorName);

export const isOurSlice = (slice: KubeObject): boolean => isManagedByUs(slice, labels.sliceManagedBy);

export const isOurEndpoints = (endpoints: KubeObject): boolean =>
  isManagedByUs(endpoints, labels.endpointsManagedBy);

/**
 * Returns the label `app.kubernetes.io/managed-by`. The value of another tool remains, because Helm refuses
 * objects without it.
 *
 * @param observed labels of the object
 */
export const manager = (
  observed: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({
  [labels.managedBy]: observed[labels.managedBy] ?? operatorName,
});

/**
 * Returns the controller reference of every object that we create. The garbage collector removes the objects
 * with the backend.
 */
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

/** Returns true if the object has our controller reference with this UID of the backend. */
export function isOwnedByUid(metadata: ObjectMeta, backendUid: string): boolean {
  return (metadata.ownerReferences ?? []).some((owner) => ours(owner) && owner.uid === backendUid);
}

/**
 * Returns the name of the backend that owns the object: by its controller reference or, if that was removed,
 * by the annotation.
 */
export const holderOf = (object: KubeObject): string | undefined =>
  hasController(object) ? ownerName(object) : object.metadata.annotations?.[annotations.backend];

/** Returns true for the Service of the API server itself, which must not be changed. */
export const isApiServerService = (namespace: string, service: string): boolean =>
  namespace === 'default' && service === 'kubernetes';
