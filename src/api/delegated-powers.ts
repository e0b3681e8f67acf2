import type { Port, ServiceSpec, Spec } from './external-backend.ts';
import { celOr } from './rule.ts';

// Powers of the operator that a resource uses beyond a Service for its targets, and that its author need not
// have. The admission policy (author-rights.ts), --service-features and docs/operations.md are derived from
// these tables. A test compares them with the schema.
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

/**
 * Features that an administrator may disable with --service-features. Services of type ClusterIP and headless
 * Services are always allowed.
 */
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

/**
 * Verb on externalbackends that allows externalIPs. No resource of Kubernetes has it, and only the policy
 * checks it.
 */
export const externalIpsVerb = 'use-external-ips';

/** Field of the spec that names a Secret. */
export interface SecretPower {
  /** Path below spec. */
  readonly path: string;
  /**
   * Path of the object that is compared as a whole: if it does not change, the right is not checked again.
   */
  readonly part: string;
  /**
   * True: the operator presents the content to servers. The right is then checked again when a server is
   * added, or when the way of verifying a server changes.
   */
  readonly isShown: boolean;
}

export const secretPowers: readonly SecretPower[] = [
  { path: 'credentials.secretName', part: 'credentials', isShown: true },
  { path: 'tls.caSecret.name', part: 'tls.caSecret', isShown: false },
  { path: 'tls.certificateSecretName', part: 'tls.certificateSecretName', isShown: true },
];

/** Power that a field of one Service entry uses. */
export interface ServicePower {
  readonly feature: ServiceFeature;
  readonly asks: (service: ServiceSpec) => boolean;
  /** CEL form of `asks`, for a variable. */
  readonly cel: (service: string) => string;
}

/**
 * Prefix of common labels. Keys with this prefix, and keys without a domain, are not read by controllers of
 * another domain.
 */
const commonDomain = 'app.kubernetes.io/';

const isForeign = (key: string): boolean => key.includes('/') && !key.startsWith(commonDomain);

/** CEL form of `isForeign`. */
export const celIsForeign = (key: string): string =>
  `(${key}.contains('/') && !${key}.startsWith('${commonDomain}'))`;

/** Returns a CEL expression for a map that may be absent or null (object-fields.ts). */
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

/**
 * Powers by field of a Service entry. An empty list: the field uses no power, because it affects only a
 * Service that leads to the targets.
 */
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
  // Has no effect unless the type or externalIPs let in traffic from outside.
  externalTrafficPolicy: [],
  trafficDistribution: [],
  externalIPs: [whenGiven('externalIPs', 'ExternalIPs')],
  loadBalancerClass: [whenGiven('loadBalancerClass', 'LoadBalancer')],
  loadBalancerSourceRanges: [whenGiven('loadBalancerSourceRanges', 'LoadBalancer')],
  publishNotReadyAddresses: [],
  whenNoneReady: [],
  selector: [whenGiven('selector', 'Selector')],
  adopt: [
    {
      feature: 'Adopt',
      asks: ({ adopt }) => adopt,
      cel: (service) => celOr(service, 'adopt', false),
    },
  ],
};

/** Fields of a port. True: the field uses the power of Services with node ports. */
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
 * Fields of a Service entry that open each port of the Service for connections from outside. If a port is added,
 * the right is checked again.
 */
export const opensPorts: ReadonlySet<keyof ServiceSpec> = new Set(['type', 'externalIPs']);

const isServiceField = (field: string): field is keyof ServiceSpec => Object.hasOwn(servicePowers, field);

/** Returns the fields of a Service entry that use a power, with the power, in the order of the table. */
export const serviceFieldPowers = (): readonly (readonly [keyof ServiceSpec, ServicePower])[] =>
  Object.keys(servicePowers)
    .filter(isServiceField)
    .flatMap((field) => servicePowers[field].map((power) => [field, power] as const));

/** Field that uses a feature. */
export interface FeatureUse {
  /** Such as `spec.services[0].externalIPs`. */
  readonly path: string;
  readonly feature: ServiceFeature;
}

/** Returns the features that one Service of a spec uses. @param index of the Service in `services` */
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
