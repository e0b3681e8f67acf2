import type { Port, ServiceSpec } from '../../api/external-backend.ts';
import type { Ip } from '../../api/ip.ts';
import type { passThroughFields } from '../../api/service.ts';

/**
 * Kubernetes objects that this operator reads and writes, as plain JSON with only the fields that it uses.
 * Times are RFC 3339 strings. Unknown fields may be present at run time. Those of an endpoint or of an
 * address are copied into a write, because another client owns them; others never are.
 */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

/**
 * Fields of every object. `metadata` of an object that was read from the API server always has uid and
 * resourceVersion.
 */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  /**
   * Manager of the last write, by `metadata.managedFields`, if that is another client and the operator has
   * written the object too. Not a field of the API.
   */
  readonly editor?: string;
}

export type PortProtocol = Port['protocol'];
export type Family = Ip['family'];

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: PortProtocol;
  readonly appProtocol?: string;
  readonly nodePort?: number;
}

/** Fields that the spec of a backend has in the same form. */
type PassThroughSpec = {
  readonly [Field in (typeof passThroughFields)[number]]?: Readonly<ServiceSpec[Field]>;
};

export interface Service extends KubeObject {
  readonly kind: 'Service';
  /**
   * Fields of `spec` that the operator's last apply set, by `metadata.managedFields`. Not a field of the API.
   */
  readonly applied?: readonly string[];
  /** Addresses of its load balancer, by `status.loadBalancer.ingress`. Not a field of the API. */
  readonly ingress?: readonly string[];
  readonly spec: PassThroughSpec & {
    readonly type?: ServiceSpec['type'] | 'ExternalName';
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalName?: string;
    readonly ports?: readonly ServicePort[];
    readonly ipFamilies?: readonly Family[];
    readonly ipFamilyPolicy?: NonNullable<ServiceSpec['ipFamilyPolicy']>;
    readonly publishNotReadyAddresses?: boolean;
  };
}

export interface Endpoint {
  readonly addresses: readonly string[];
  /**
   * Other clients that edit a slice may leave conditions out. The operator always writes all three (for
   * kube-proxy a missing ready means true).
   */
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly hostname?: string;
  readonly zone?: string;
  readonly hints?: EndpointHints;
}

/**
 * Returns true if an endpoint serves. Kubernetes' rule: a missing `serving` is the value of `ready`. Slices of
 * ours mark addresses that are published although they are not ready: `isReadyIn` of
 * core/publish/slice-readiness.ts.
 */
export const isServing = (endpoint: Endpoint): boolean =>
  endpoint.conditions?.serving ?? isReadyEndpoint(endpoint);

/** Returns true if clients are sent to the endpoint. kube-proxy's rule: a missing `ready` is true. */
export const isReadyEndpoint = ({ conditions }: Endpoint): boolean => conditions?.ready ?? true;

/** Zones and nodes whose clients should use the endpoint. */
export interface EndpointHints {
  readonly forZones?: readonly { readonly name: string }[];
  readonly forNodes?: readonly { readonly name: string }[];
}

export interface EndpointPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: PortProtocol;
  readonly appProtocol?: string;
}

export interface EndpointSlice extends KubeObject {
  readonly kind: 'EndpointSlice';
  readonly addressType: Family | 'FQDN';
  /** `null` is what the server returns for an empty list. */
  readonly endpoints: readonly Endpoint[] | null;
  readonly ports: readonly EndpointPort[] | null;
}

export interface EndpointAddress {
  readonly ip: string;
  readonly hostname?: string;
}

export interface EndpointSubset {
  readonly addresses?: readonly EndpointAddress[];
  readonly notReadyAddresses?: readonly EndpointAddress[];
  /** The name is absent if it is empty. */
  readonly ports?: readonly (Omit<EndpointPort, 'name'> & { readonly name?: string })[];
}

export interface Endpoints extends KubeObject {
  readonly kind: 'Endpoints';
  readonly subsets?: readonly EndpointSubset[];
}
