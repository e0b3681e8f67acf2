import type { Status } from '../../src/api/external-backend.ts';
import type { Endpoints, EndpointSlice, ObjectMeta, Service } from '../../src/core/kubernetes/objects.ts';

/** Metadata as the API server answers it, so with a uid and a resourceVersion. */
export interface Metadata extends Omit<ObjectMeta, 'uid' | 'resourceVersion'> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly { readonly manager: string; readonly operation: string }[];
}

export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

export interface OtherObject extends StoredObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly subsets?: unknown;
}

export interface EventObject extends StoredObject {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action?: string;
  readonly note?: string;
  readonly reportingController?: string;
  readonly eventTime?: string;
  readonly regarding?: {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

export interface LeaseObject extends StoredObject {
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

type Stored<T> = Omit<T, 'metadata'> & StoredObject;

/** What the API server answers for a kind. */
export interface Kinds {
  ExternalBackend: StoredObject & {
    readonly spec: Readonly<Record<string, unknown>>;
    readonly status?: Status;
  };
  Service: Stored<Service>;
  EndpointSlice: Stored<EndpointSlice>;
  Endpoints: Stored<Endpoints>;
  Event: EventObject;
  Lease: LeaseObject;
  Namespace: OtherObject;
  Node: OtherObject;
  Pod: OtherObject;
  ConfigMap: OtherObject;
  Secret: OtherObject;
  ServiceAccount: OtherObject;
  Deployment: OtherObject;
  PodDisruptionBudget: OtherObject;
  Ingress: OtherObject;
  Role: OtherObject;
  RoleBinding: OtherObject;
  ClusterRole: OtherObject;
  ClusterRoleBinding: OtherObject;
  CustomResourceDefinition: OtherObject;
  ResourceQuota: OtherObject;
  ServiceCIDR: OtherObject;
  ValidatingAdmissionPolicy: OtherObject;
  ValidatingAdmissionPolicyBinding: OtherObject;
  ValidatingWebhookConfiguration: OtherObject;
  MutatingWebhookConfiguration: OtherObject;
}

export type Kind = keyof Kinds;

/** Where a kind lives: group and version, plural, and whether it belongs to a namespace. */
export const resources: {
  readonly [K in Kind]: readonly [apiVersion: string, plural: string, namespaced: boolean];
} = {
  ExternalBackend: ['externalbackend.io/v1alpha1', 'externalbackends', true],
  Service: ['v1', 'services', true],
  EndpointSlice: ['discovery.k8s.io/v1', 'endpointslices', true],
  Endpoints: ['v1', 'endpoints', true],
  Event: ['events.k8s.io/v1', 'events', true],
  Lease: ['coordination.k8s.io/v1', 'leases', true],
  Namespace: ['v1', 'namespaces', false],
  Node: ['v1', 'nodes', false],
  Pod: ['v1', 'pods', true],
  ConfigMap: ['v1', 'configmaps', true],
  Secret: ['v1', 'secrets', true],
  ServiceAccount: ['v1', 'serviceaccounts', true],
  Deployment: ['apps/v1', 'deployments', true],
  PodDisruptionBudget: ['policy/v1', 'poddisruptionbudgets', true],
  ServiceCIDR: ['networking.k8s.io/v1', 'servicecidrs', false],
  Ingress: ['networking.k8s.io/v1', 'ingresses', true],
  Role: ['rbac.authorization.k8s.io/v1', 'roles', true],
  RoleBinding: ['rbac.authorization.k8s.io/v1', 'rolebindings', true],
  ClusterRole: ['rbac.authorization.k8s.io/v1', 'clusterroles', false],
  ClusterRoleBinding: ['rbac.authorization.k8s.io/v1', 'clusterrolebindings', false],
  CustomResourceDefinition: ['apiextensions.k8s.io/v1', 'customresourcedefinitions', false],
  ResourceQuota: ['v1', 'resourcequotas', true],
  ValidatingAdmissionPolicy: ['admissionregistration.k8s.io/v1', 'validatingadmissionpolicies', false],
  ValidatingAdmissionPolicyBinding: [
    'admissionregistration.k8s.io/v1',
    'validatingadmissionpolicybindings',
    false,
  ],
  ValidatingWebhookConfiguration: [
    'admissionregistration.k8s.io/v1',
    'validatingwebhookconfigurations',
    false,
  ],
  MutatingWebhookConfiguration: ['admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations', false],
};

/** What one sends: the apiVersion is known from the kind. */
export interface Manifest<K extends Kind = Kind> {
  readonly apiVersion?: string;
  readonly kind: K;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** `/api/v1/namespaces/shop/services/db`; without a namespace that of all, without a name that of the collection. */
export function pathOf(kind: Kind, namespace?: string, name?: string): string {
  const [apiVersion, plural, namespaced] = resources[kind];
  const root = apiVersion.includes('/') ? '/apis' : '/api';
  const scope = namespaced && namespace !== undefined ? `namespaces/${namespace}/` : '';
  return `${root}/${apiVersion}/${scope}${plural}${name === undefined ? '' : `/${name}`}`;
}
