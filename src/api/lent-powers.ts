import type { Port, ServiceSpec, Spec } from './external-backend.ts';
import { celOr } from './rule.ts';

// What a resource asks for beyond "a Service in front of these addresses": powers of the operator that its author need not
// have. The admission policy (author-rights.ts), --service-features and docs/operations.md follow from these tables; a test
// compares them with the schema.
//
// | the resource has                                  | the author needs                     | feature         |
// |---------------------------------------------------|--------------------------------------|-----------------|
// | a Secret (`secretPowers`)                         | `get` on that Secret                 | -               |
// | services[].adopt                                  | `update` on that Service             | Adopt           |
// | services[].type NodePort, ports[].nodePort        | `create` on Services                 | NodePort        |
// | services[].type LoadBalancer, loadBalancer...     | `create` on Services                 | LoadBalancer    |
// | services[].externalIPs                            | the same, and `use-external-ips`     | ExternalIPs     |
// | services[].selector                               | `create` on Services                 | Selector        |
// | services[].labels, annotations of another domain  | `create` on Services                 | ForeignMetadata |
// | mode ExternalName                                 | nothing                              | ExternalName    |

/** What an administrator may switch off with --service-features. Services of type ClusterIP and headless ones always exist. */
export const serviceFeatures = [
  'NodePort',
  'LoadBalancer',
  'ExternalIPs',
  'Selector',
  'ForeignMetadata',
  'Adopt',
  'ExternalName',
] as const;

export type ServiceFeature = (typeof serviceFeatures)[number];

/** The verb on externalbackends that allows externalIPs: it is of no resource of Kubernetes, and only the policy asks for it. */
export const externalIpsVerb = 'use-external-ips';

/** A Secret that a resource names. */
export interface SecretPower {
  /** Below spec. */
  readonly path: string;
  /** Path of the object that is compared as a whole: `unchanged` where it is what it was. */
  readonly part: string;
  /**
   * True: the operator shows the content to servers, so that the right is asked for again when another server, or another
   * way of verifying it, comes in.
   */
  readonly isShown: boolean;
}

export const secretPowers: readonly SecretPower[] = [
  { path: 'credentials.secretName', part: 'credentials', isShown: true },
  { path: 'tls.caSecret.name', part: 'tls.caSecret', isShown: false },
  { path: 'tls.certificateSecretName', part: 'tls.certificateSecretName', isShown: true },
];

/** What a field of one Service entry asks for. */
export interface ServicePower {
  readonly feature: ServiceFeature;
  readonly asks: (service: ServiceSpec) => boolean;
  /** Twin of `asks`, of a variable. */
  readonly cel: (service: string) => string;
}

/** Keys of annotations and labels that no controller of another domain reads: without a domain, or with that of common labels. */
const commonDomain = 'app.kubernetes.io/';

const isForeign = (key: string): boolean => key.includes('/') && !key.startsWith(commonDomain);

/** Twin of `isForeign`. */
export const celIsForeign = (key: string): string =>
  `(${key}.contains('/') && !${key}.startsWith('${commonDomain}'))`;

/** A map that may be left out or null (part.ts). */
export const celMap = (owner: string, field: string): string =>
  `(has(${owner}.${field}) && ${owner}.${field} != null ? ${owner}.${field} : {})`;

const whenGiven = (field: keyof ServiceSpec, feature: ServiceFeature): ServicePower => ({
  feature,
  asks: (service) => service[field] !== undefined,
  cel: (service) => `has(${service}.${field})`,
});

const whenForeign = (field: 'labels' | 'annotations'): ServicePower => ({
  feature: 'ForeignMetadata',
  asks: (service) => Object.keys(service[field] ?? {}).some(isForeign),
  cel: (service) => `${celMap(service, field)}.exists(key, ${celIsForeign('key')})`,
});

const ofType = (type: 'NodePort' | 'LoadBalancer'): ServicePower => ({
  feature: type,
  asks: (service) => service.type === type,
  cel: (service) => `${celOr(service, 'type', 'ClusterIP')} == '${type}'`,
});

/** Every field of a Service entry; an empty list: it lends nothing, because it shapes a Service that leads to the targets alone. */
export const servicePowers: Readonly<Record<keyof ServiceSpec, readonly ServicePower[]>> = {
  name: [],
  role: [],
  maxLagSeconds: [],
  fallbackToPrimary: [],
  type: [ofType('NodePort'), ofType('LoadBalancer')],
  headless: [],
  labels: [whenForeign('labels')],
  annotations: [whenForeign('annotations')],
  clusterIP: [],
  ipFamilies: [],
  ipFamilyPolicy: [],
  sessionAffinity: [],
  sessionAffinityConfig: [],
  internalTrafficPolicy: [],
  // Without effect unless the type, or externalIPs, brings traffic from outside.
  externalTrafficPolicy: [],
  trafficDistribution: [],
  externalIPs: [whenGiven('externalIPs', 'ExternalIPs')],
  loadBalancerClass: [whenGiven('loadBalancerClass', 'LoadBalancer')],
  loadBalancerSourceRanges: [whenGiven('loadBalancerSourceRanges', 'LoadBalancer')],
  publishNotReadyAddresses: [],
  selector: [whenGiven('selector', 'Selector')],
  adopt: [
    {
      feature: 'Adopt',
      asks: ({ adopt }) => adopt,
      cel: (service) => celOr(service, 'adopt', false),
    },
  ],
};

/** Every field of a port; true: a power of Services with node ports. */
export const portPowers: Readonly<Record<keyof Port, boolean>> = {
  name: false,
  port: false,
  targetPort: false,
  protocol: false,
  appProtocol: false,
  nodePort: true,
  probe: false,
};

/**
 * Fields of a Service entry that bring connections from outside to each port of the Service: where a port is added, the right
 * is asked for again.
 */
export const opensPorts: ReadonlySet<keyof ServiceSpec> = new Set(['type', 'externalIPs']);

const isServiceField = (field: string): field is keyof ServiceSpec => Object.hasOwn(servicePowers, field);

/** The fields of a Service entry that ask for a power, with what they ask for, in the order of the table. */
export const serviceFieldPowers = (): readonly (readonly [keyof ServiceSpec, ServicePower])[] =>
  Object.keys(servicePowers)
    .filter(isServiceField)
    .flatMap((field) => servicePowers[field].map((power) => [field, power] as const));

/** A field that asks for a feature. */
export interface FeatureUse {
  /** Such as `spec.services[0].externalIPs`. */
  readonly path: string;
  readonly feature: ServiceFeature;
}

/** What one Service of a spec asks for. @param index of the Service in `services` */
export function featuresOf(
  { mode }: Pick<Spec, 'mode'>,
  service: ServiceSpec,
  index: number,
): readonly FeatureUse[] {
  const alias: readonly FeatureUse[] =
    mode === 'ExternalName' ? [{ path: 'spec.mode', feature: 'ExternalName' }] : [];
  const fields = serviceFieldPowers()
    .filter(([, { asks }]) => asks(service))
    .map(([field, { feature }]) => ({ path: `spec.services[${index}].${field}`, feature }));
  return [...alias, ...fields];
}
