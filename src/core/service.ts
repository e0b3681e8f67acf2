import { parseIp } from '../api/ip.ts';
import type { Backend, Port, ServiceSpec } from '../api/external-backend.ts';
import type { AppliedService } from './action.ts';
import { shortHash } from './hash.ts';
import type { Family, Service, ServicePort } from './objects.ts';
import { annotations, labels, operatorName, ownerReference } from './ownership.ts';

/**
 * The body of the server-side apply of a Service: every field that the spec sets and none that it leaves out,
 * so that what leaves the spec leaves the Service. The `applied` annotation is the hash of the rest.
 *
 * @param families of the addresses behind it: a headless Service without a selector must be told its families,
 *   or the server asks for both even where the cluster has one. The first is the primary one, which cannot change.
 * @param alias what an ExternalName points to; undefined: it is none
 */
export function serviceBody(
  backend: Backend,
  spec: ServiceSpec,
  families: readonly Family[],
  alias: string | undefined,
): AppliedService {
  const body = alias !== undefined ? aliasSpec(backend, alias) : endpointsSpec(backend, spec, families);
  return withAnnotations(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: spec.name,
        namespace: backend.namespace,
        labels: { ...spec.labels, [labels.managedBy]: operatorName },
        annotations: { ...spec.annotations, [annotations.backend]: backend.name },
        ownerReferences: [ownerReference(backend)],
      },
      spec: body,
    },
    {},
  );
}

/** The same body with further annotations of ours, and the hash anew. */
export function withAnnotations(
  body: AppliedService,
  more: Readonly<Record<string, string>>,
): AppliedService {
  const { [annotations.applied]: _, ...given } = (body.metadata['annotations'] ?? {}) as Record<
    string,
    string
  >;
  const all = { ...given, ...more };
  const hash = shortHash(JSON.stringify([body.metadata['labels'], all, body.spec]));
  return { ...body, metadata: { ...body.metadata, annotations: { ...all, [annotations.applied]: hash } } };
}

const aliasSpec = (backend: Backend, name: string): Readonly<Record<string, unknown>> => ({
  type: 'ExternalName',
  externalName: name,
  ...(backend.spec.ports !== undefined && { ports: backend.spec.ports.map(servicePort) }),
});

/** Copied as they are: what a Service has already keeps its name and shape in the spec. */
const copied = [
  'sessionAffinity',
  'sessionAffinityConfig',
  'internalTrafficPolicy',
  'externalTrafficPolicy',
  'trafficDistribution',
  'externalIPs',
  'loadBalancerClass',
  'loadBalancerSourceRanges',
  'ipFamilies',
  'ipFamilyPolicy',
  'selector',
] as const satisfies readonly (keyof ServiceSpec)[];

function endpointsSpec(
  backend: Backend,
  spec: ServiceSpec,
  families: readonly Family[],
): Readonly<Record<string, unknown>> {
  const given = copied
    .filter((field) => spec[field] !== undefined)
    .map((field) => [field, spec[field]] as const);
  return {
    type: spec.type,
    ...(spec.headless
      ? headlessFields(families)
      : spec.clusterIP !== undefined && { clusterIP: spec.clusterIP }),
    ...Object.fromEntries(given),
    ...(spec.publishNotReadyAddresses && { publishNotReadyAddresses: true }),
    ports: (backend.spec.ports ?? []).map(servicePort),
  };
}

const headlessFields = (families: readonly Family[]): Readonly<Record<string, unknown>> => ({
  clusterIP: 'None',
  ipFamilies: families.length > 0 ? families : ['IPv4'],
  ipFamilyPolicy: families.length > 1 ? 'RequireDualStack' : 'SingleStack',
});

const servicePort = (port: Port): ServicePort => ({
  ...(port.name !== undefined && { name: port.name }),
  port: port.port,
  targetPort: port.targetPort ?? port.port,
  protocol: port.protocol,
  ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
  ...(port.nodePort !== undefined && { nodePort: port.nodePort }),
});

/**
 * Whether the change is one that the server refuses in place (a ClusterIP, once set, stays).
 * To and from ExternalName everything goes in place.
 */
export function needsRecreation(observed: Service, body: AppliedService): boolean {
  const is = observed.spec;
  const wanted = body.spec;
  if (is.type === 'ExternalName' || wanted['type'] === 'ExternalName') return false;
  if ((is.clusterIP === 'None') !== (wanted['clusterIP'] === 'None')) return true;
  const address = wanted['clusterIP'];
  if (typeof address === 'string' && !sameAddress(is.clusterIP ?? '', address)) return true;
  const primary = (wanted['ipFamilies'] as readonly Family[] | undefined)?.[0];
  return primary !== undefined && is.ipFamilies?.[0] !== undefined && is.ipFamilies[0] !== primary;
}

/** Whether the Service says all that we say; what others or the server added does not count. */
export function isApplied(observed: Service, body: AppliedService): boolean {
  return says(observed, body, '');
}

/**
 * Ports and selector are wholly ours, and apply cannot take what others own there. Undefined: nothing to take.
 * Of a selector of ours only the keys of others go, so that there is no moment without it.
 */
export function strangers(
  observed: Service,
  body: AppliedService,
): { readonly ports?: readonly ServicePort[]; readonly selector?: SelectorPatch } | undefined {
  const wanted = (body.spec['ports'] ?? []) as readonly ServicePort[];
  const byKey = new Map(wanted.map((port) => [portKey(port), port]));
  const ports = (observed.spec.ports ?? []).some((port) => isStrange(port, byKey.get(portKey(port))));
  const selector = (body.spec['selector'] ?? {}) as Readonly<Record<string, string>>;
  const extra = Object.keys(observed.spec.selector ?? {}).filter((key) => !(key in selector));
  if (!ports && extra.length === 0) return undefined;
  const outside = body.spec['type'] === 'NodePort' || body.spec['type'] === 'LoadBalancer';
  const kept = outside ? keepNodePorts(wanted, observed) : wanted;
  const nulls = Object.fromEntries(extra.map((key) => [key, null]));
  const patch = Object.keys(selector).length === 0 ? null : nulls;
  return { ...(ports && { ports: kept }), ...(extra.length > 0 && { selector: patch }) };
}

type SelectorPatch = null | Readonly<Record<string, null>>;

/** Another's port, or a field of another's in a port of ours. */
const isStrange = (is: ServicePort, wanted: ServicePort | undefined): boolean =>
  wanted === undefined ||
  (is.name !== undefined && wanted.name === undefined) ||
  (is.appProtocol !== undefined && wanted.appProtocol === undefined);

/** A list that is replaced whole would lose the node ports that the server had allocated. */
const keepNodePorts = (wanted: readonly ServicePort[], observed: Service): readonly ServicePort[] =>
  wanted.map((port) => {
    const nodePort = observed.spec.ports?.find((other) => portKey(other) === portKey(port))?.nodePort;
    return nodePort === undefined || port.nodePort !== undefined ? port : { ...port, nodePort };
  });

const portKey = (port: ServicePort): string => `${port.port}/${port.protocol ?? 'TCP'}`;

const sameAddress = (a: string, b: string): boolean =>
  a === b || (parseIp(a)?.text ?? a) === parseIp(b)?.text;

/** Left-scoped: every field of `wanted` is in `is`. Lists of ports go by their key, of owners by uid; families may have one appended by the server. */
function says(is: unknown, wanted: unknown, field: string): boolean {
  if (field === 'ports') return keyed(is, wanted, (port) => portKey(port as ServicePort));
  if (field === 'ownerReferences')
    return keyed(is, wanted, (owner) => String((owner as { uid: unknown }).uid));
  if (field === 'clusterIP') return sameAddress(String(is), String(wanted));
  if (Array.isArray(wanted)) return sameList(is, wanted, field === 'ipFamilies');
  if (typeof wanted !== 'object' || wanted === null) return is === wanted;
  if (typeof is !== 'object' || is === null) return false;
  return Object.entries(wanted).every(([key, value]) =>
    says((is as Record<string, unknown>)[key], value, key),
  );
}

function sameList(is: unknown, wanted: readonly unknown[], mayBeLonger: boolean): boolean {
  if (!Array.isArray(is) || (mayBeLonger ? is.length < wanted.length : is.length !== wanted.length))
    return false;
  return wanted.every((value, i) => says(is[i], value, ''));
}

function keyed(is: unknown, wanted: unknown, key: (item: unknown) => string): boolean {
  if (!Array.isArray(wanted)) return false;
  const items = new Map((Array.isArray(is) ? is : []).map((item) => [key(item), item as unknown]));
  return wanted.every((item: unknown) => says(items.get(key(item)), item, ''));
}
