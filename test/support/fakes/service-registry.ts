/* eslint complexity: off -- it follows the server's source function by function */
import { parseIp } from '../../../src/api/ip.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Family, Service, ServicePort } from '../../../src/core/kubernetes/objects.ts';

// A Service as the API server stores it, or why it refuses it. Written after Kubernetes 1.36:
// apis/core/v1/defaults.go, registry/core/service/storage (storage.go, alloc.go),
// registry/core/service/strategy.go and apis/core/validation/validation.go.
// test/integration/service-registry.test.ts compares it with the real one.

type Spec = Service['spec'] & {
  readonly healthCheckNodePort?: number;
  readonly allocateLoadBalancerNodePorts?: boolean;
};

/** State of the cluster that the registry needs. */
export interface Allocators {
  /** The first is the default. */
  readonly families: readonly Family[];
  /** Returns an address of the family that no Service has. */
  readonly nextIp: (family: Family) => string;
  readonly nextPort: () => number;
  /** Returns true if another Service has the address. */
  readonly isIpTaken: (ip: string) => boolean;
  /** Returns true if another Service has the node port. */
  readonly isPortTaken: (nodePort: number) => boolean;
}

export const refused = (message: string): OperatorError =>
  new OperatorError(message, { kind: 'terminal', reason: 'Invalid', status: 422 });

function refuse(path: string, why: string): never {
  throw refused(`spec.${path}: Invalid value: ${why}`);
}

/** Returns the Service as it is stored. Throws what the server refuses with 422. */
export function registered(service: Service, before: Service | undefined, of: Allocators): Service {
  const old: Spec | undefined = before?.spec;
  let spec = withDefaults(service.spec);
  if (old !== undefined) spec = patched(spec, old);
  spec = normalized(spec, old);
  spec = withFamilies(spec, old, of);
  spec = withClusterIps(spec, old, of);
  spec = withAllocatedPorts(spec, old, of);
  if (old !== undefined) spec = withoutFieldsOfOldType(spec, old);
  if (old === undefined) validateName(service.metadata.name);
  else validateChange(spec, old);
  validate(spec);
  validateMetadata(service);
  return { ...service, spec: compact(spec) };
}

const compact = (spec: Spec): Spec =>
  Object.fromEntries(
    Object.entries(spec as Readonly<Record<string, unknown>>).filter(
      ([name, value]) =>
        value !== undefined &&
        !(name === 'publishNotReadyAddresses' && value === false) &&
        !(name === 'internalTrafficPolicy' && isAlias(spec)),
    ),
  );

const isHeadless = ({ clusterIP, clusterIPs }: Spec): boolean => (clusterIPs?.[0] ?? clusterIP) === 'None';
const isAlias = ({ type }: Spec): boolean => type === 'ExternalName';
const isOutside = ({ type }: Spec): boolean => type === 'NodePort' || type === 'LoadBalancer';
const isAccessible = (spec: Spec): boolean =>
  isOutside(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
const needsCheckPort = (spec: Spec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
const hasSelector = ({ selector }: Spec): boolean => Object.keys(selector ?? {}).length > 0;
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? []) === JSON.stringify(b ?? []);

/** SetDefaults_Service. */
function withDefaults(given: Spec): Spec {
  const spec: Spec = {
    ...given,
    sessionAffinity: given.sessionAffinity ?? 'None',
    type: given.type ?? 'ClusterIP',
  };
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800;
  const config = { clientIP: { timeoutSeconds: seconds } };
  const { sessionAffinityConfig: _, ...others } = spec;
  return {
    ...others,
    ...(spec.sessionAffinity === 'ClientIP' && { sessionAffinityConfig: config }),
    ...(spec.ports !== undefined && { ports: spec.ports.map(defaultedPort) }),
    ...(isAccessible(spec) && { externalTrafficPolicy: spec.externalTrafficPolicy ?? 'Cluster' }),
    ...(!isAlias(spec) && { internalTrafficPolicy: spec.internalTrafficPolicy ?? 'Cluster' }),
    ...(spec.type === 'LoadBalancer' && {
      allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? true,
    }),
  };
}

const defaultedPort = (port: ServicePort): ServicePort => ({
  ...port,
  protocol: port.protocol ?? 'TCP',
  targetPort: port.targetPort ?? port.port,
});

/** normalizeClusterIPs. */
function normalized(spec: Spec, old: Spec | undefined): Spec {
  const { clusterIP, clusterIPs } = spec;
  const moved = clusterIP !== old?.clusterIP && same(clusterIPs, old?.clusterIPs);
  if (!moved) return spec;
  const { clusterIPs: _, ...cleared } = spec;
  return clusterIP === undefined ? cleared : { ...spec, clusterIPs: [clusterIP] };
}

/** patchAllocatedValues. */
function patched(spec: Spec, old: Spec): Spec {
  let next = spec;
  if (!isAlias(old) && !isAlias(next)) {
    next = { ...next, ...withIps(next.clusterIP ?? old.clusterIP, next.clusterIPs ?? old.clusterIPs) };
  }
  if (isOutside(old) && isOutside(next))
    next = { ...next, ports: patchedPorts(next.ports ?? [], old.ports ?? []) };
  if (needsCheckPort(old) && needsCheckPort(next))
    next = { ...next, ...numbered(next.healthCheckNodePort ?? old.healthCheckNodePort) };
  return next;
}

const withIps = (clusterIP: string | undefined, clusterIPs: readonly string[] | undefined) => ({
  ...(clusterIP !== undefined && { clusterIP }),
  ...(clusterIPs !== undefined && { clusterIPs }),
});

const numbered = (healthCheckNodePort: number | undefined) =>
  healthCheckNodePort === undefined ? {} : { healthCheckNodePort };

function patchedPorts(ports: readonly ServicePort[], old: readonly ServicePort[]): readonly ServicePort[] {
  const now = new Set(ports.flatMap(({ nodePort }) => nodePort ?? []));
  const used = new Set(
    old.flatMap(({ nodePort }) => (nodePort !== undefined && now.has(nodePort) ? nodePort : [])),
  );
  const byName = new Map(old.map(({ name = '', nodePort }) => [name, nodePort]));
  return ports.map((port) => {
    const known = byName.get(port.name ?? '');
    return port.nodePort !== undefined || known === undefined || used.has(known)
      ? port
      : { ...port, nodePort: known };
  });
}

/** initIPFamilyFields. */
function withFamilies(given: Spec, old: Spec | undefined, { families: served }: Allocators): Spec {
  if (isAlias(given) || (old !== undefined && isSettledDual(given, old))) return given;
  const isFree = isHeadless(given) && !hasSelector(given);
  const policy = given.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? (isFree ? 'RequireDualStack' : 'SingleStack');
  const spec = released({ ...given, ipFamilyPolicy: policy }, old);
  const ipFamilies = inferred(spec.ipFamilies ?? [], spec.clusterIPs ?? [], served);
  if (!isFree) validateServed(ipFamilies, policy, served);
  const [first = served[0] ?? 'IPv4'] = ipFamilies;
  const completes = policy !== 'SingleStack' && ipFamilies.length < 2 && (isFree || served.length > 1);
  const list = completes ? ([first, otherThan(first)] as const) : [first, ...ipFamilies.slice(1)];
  return { ...spec, ipFamilies: list };
}

const otherThan = (family: Family): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4');

/** The second address and family are released with SingleStack, and only with it. */
function released(given: Spec, old: Spec | undefined): Spec {
  const { ipFamilies = [], clusterIPs = [], ipFamilyPolicy: policy } = given;
  if (new Set(ipFamilies).size < ipFamilies.length) refuse('ipFamilies', 'duplicate');
  const single = policy === 'SingleStack';
  const cut = <T>(now: readonly T[], was: readonly T[] | undefined): readonly T[] =>
    old !== undefined && single && same(now, was) ? now.slice(0, 1) : now;
  const isReduced = (now: readonly unknown[], was: readonly unknown[] = []) =>
    now.length > 0 && now.length < was.length;
  if (!single && (isReduced(clusterIPs, old?.clusterIPs) || isReduced(ipFamilies, old?.ipFamilies)))
    refuse('ipFamilyPolicy', "must be 'SingleStack' to release the secondary IP family");
  const [ips, families] = [cut(clusterIPs, old?.clusterIPs), cut(ipFamilies, old?.ipFamilies)];
  if (single && (ips.length > 1 || families.length > 1))
    refuse('ipFamilyPolicy', 'must be a dual-stack policy when several families are specified');
  return { ...given, ...withIps(ips[0], ips.length > 0 ? ips : undefined), ipFamilies: families };
}

function validateServed(families: readonly Family[], policy: string, served: readonly Family[]): void {
  if (policy === 'RequireDualStack' && served.length < 2)
    refuse('ipFamilyPolicy', 'this cluster is not configured for dual-stack services');
  if (families.some((family) => !served.includes(family)))
    refuse('ipFamilies', 'not configured on this cluster');
}

const isSettledDual = (spec: Spec, old: Spec): boolean =>
  spec.ipFamilyPolicy === 'PreferDualStack' &&
  (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
  old.type === spec.type &&
  same(spec.clusterIPs, old.clusterIPs) &&
  same(spec.ipFamilies, old.ipFamilies);

const familyOf = (ip: string): Family => (ip.includes(':') ? 'IPv6' : 'IPv4');

function inferred(
  families: readonly Family[],
  ips: readonly string[],
  served: readonly Family[],
): readonly Family[] {
  if (ips[0] === 'None') return families;
  ips.forEach((ip, i) => {
    if (families[i] !== undefined && families[i] !== familyOf(ip))
      refuse('clusterIPs', 'expected another family');
    if (families[i] === undefined && !served.includes(familyOf(ip)))
      refuse('clusterIPs', `${familyOf(ip)} is not configured on this cluster`);
  });
  return [...families, ...ips.slice(families.length).map(familyOf)];
}

/** updateClusterIPs, allocClusterIPs. */
function withClusterIps(spec: Spec, old: Spec | undefined, { nextIp, isIpTaken }: Allocators): Spec {
  if (isAlias(spec) || isHeadless(spec)) return spec;
  const { ipFamilies = [], clusterIPs = [] } = spec;
  const known = old === undefined || isAlias(old) ? [] : (old.clusterIPs ?? []);
  // A headless Service has no cluster IP to manage: the validation refuses the change.
  if (known[0] === 'None') return spec;
  const ips = ipFamilies.map((family, i) => {
    const ip = clusterIPs[i];
    if (ip === undefined) return nextIp(family);
    if (!known.includes(ip) && (parseIp(ip) === undefined || isIpTaken(ip)))
      refuse('clusterIPs', `failed to allocate IP ${ip}`);
    return ip;
  });
  return { ...spec, ...withIps(ips[0], ips) };
}

/** initNodePorts, updateNodePorts, updateHealthCheckNodePort. */
function withAllocatedPorts(spec: Spec, old: Spec | undefined, of: Allocators): Spec {
  let next = spec;
  if (isOutside(spec)) {
    const ports = old === undefined ? initialPorts(spec, of) : updatedPorts(spec, old, of);
    next = { ...next, ports };
  }
  if (needsCheckPort(next) && (old === undefined || !needsCheckPort(old)))
    next = { ...next, healthCheckNodePort: next.healthCheckNodePort ?? of.nextPort() };
  return next;
}

const isOpenPort = ({ nodePort }: ServicePort, { type, allocateLoadBalancerNodePorts: allocates }: Spec) =>
  nodePort === undefined && type === 'LoadBalancer' && allocates === false;

/** Allocates a node port that the spec asks for. */
function allocated(nodePort: number, { isPortTaken }: Allocators): number {
  if (nodePort < 30_000 || nodePort > 32_767)
    refuse('ports[0].nodePort', 'provided port is not in the valid range');
  if (isPortTaken(nodePort)) refuse('ports[0].nodePort', 'provided port is already allocated');
  return nodePort;
}

/**
 * initNodePorts (registry/core/service/storage/alloc.go), of a create. Ports with the same number share a node port
 * unless they ask for others (TCP and UDP). Ports with other numbers cannot share one: it is allocated twice, which
 * is refused. An update allocates each once.
 */
function initialPorts(spec: Spec, of: Allocators): readonly ServicePort[] {
  const { ports = [] } = spec;
  const [byNumber, own] = [new Map<number, number>(), new Set<number>()];
  const allocate = (nodePort: number): number => {
    if (own.has(nodePort)) refuse('ports[0].nodePort', 'provided port is already allocated');
    own.add(nodePort);
    return allocated(nodePort, of);
  };
  return ports.map((port) => {
    if (isOpenPort(port, spec)) return port;
    const known = byNumber.get(port.port);
    if (known !== undefined) {
      if (port.nodePort !== undefined && port.nodePort !== known) allocate(port.nodePort);
      return { ...port, nodePort: port.nodePort ?? known };
    }
    const asked = ports.find((each) => each.port === port.port && each.nodePort !== undefined)?.nodePort;
    const nodePort = asked === undefined ? of.nextPort() : allocate(asked);
    byNumber.set(port.port, nodePort);
    return { ...port, nodePort };
  });
}

/** updateNodePorts. */
function updatedPorts(spec: Spec, old: Spec, of: Allocators): readonly ServicePort[] {
  const known = new Set((old.ports ?? []).flatMap(({ nodePort }) => nodePort ?? []));
  return (spec.ports ?? []).map((port) => {
    if (isOpenPort(port, spec)) return port;
    if (port.nodePort === undefined) return { ...port, nodePort: of.nextPort() };
    if (!known.has(port.nodePort)) allocated(port.nodePort, of);
    return port;
  });
}

/** dropTypeDependentFields: fields that were set automatically for the former type, and did not change. */
function withoutFieldsOfOldType(spec: Spec, old: Spec): Spec {
  const next = new Map<string, unknown>(Object.entries(spec));
  if (!isAlias(old) && isAlias(spec)) {
    if (same(old.clusterIPs, spec.clusterIPs) && old.clusterIP === spec.clusterIP) {
      next.delete('clusterIP');
      next.delete('clusterIPs');
    }
    if (same(old.ipFamilies, spec.ipFamilies)) next.delete('ipFamilies');
    if (old.ipFamilyPolicy === spec.ipFamilyPolicy) next.delete('ipFamilyPolicy');
  }
  const nodePorts = ({ ports = [] }: Spec) => ports.flatMap(({ nodePort }) => nodePort ?? []);
  if (isOutside(old) && !isOutside(spec) && nodePorts(spec).every((port) => nodePorts(old).includes(port)))
    next.set(
      'ports',
      (spec.ports ?? []).map(({ nodePort: _, ...port }) => port),
    );
  const drop = (name: keyof Spec, had: boolean, has: boolean) => {
    if (had && !has && old[name] === spec[name]) next.delete(name);
  };
  drop('healthCheckNodePort', needsCheckPort(old), needsCheckPort(spec));
  drop('allocateLoadBalancerNodePorts', old.type === 'LoadBalancer', spec.type === 'LoadBalancer');
  drop('loadBalancerClass', old.type === 'LoadBalancer', spec.type === 'LoadBalancer');
  drop('externalTrafficPolicy', isAccessible(old), isAccessible(spec));
  return Object.fromEntries(next);
}

/** ValidateServiceUpdate. */
function validateChange(spec: Spec, old: Spec): void {
  if (isAlias(spec) || isAlias(old)) return;
  const [was, is] = [isHeadless(old), isHeadless(spec)];
  if (!was || !is) validatePrefix('clusterIPs', old.clusterIPs, spec.clusterIPs, spec);
  if (!was && !is) validatePrefix('ipFamilies', old.ipFamilies, spec.ipFamilies, spec);
  validateLoadBalancer(spec, old);
}

function validatePrefix(
  field: string,
  was: readonly string[] = [],
  is: readonly string[] = [],
  { ipFamilyPolicy }: Spec,
): void {
  const shared = was.length === is.length ? was.length : 1;
  if (was.slice(0, shared).some((value, i) => is[i] !== value))
    refuse(`${field}[0]`, 'may not change once set');
  if (is.length === 1 && was.length > 1 && ipFamilyPolicy !== 'SingleStack')
    refuse('ipFamilyPolicy', `must be set to 'SingleStack' when releasing the secondary of ${field}`);
}

function validateLoadBalancer(spec: Spec, old: Spec): void {
  const both = spec.type === 'LoadBalancer' && old.type === 'LoadBalancer';
  if (both && spec.loadBalancerClass !== old.loadBalancerClass)
    refuse('loadBalancerClass', 'may not change once set');
  if (needsCheckPort(spec) && needsCheckPort(old) && spec.healthCheckNodePort !== old.healthCheckNodePort)
    refuse('healthCheckNodePort', 'field is immutable');
}

/** validateService. */
function validate(spec: Spec): void {
  const { ports = [] } = spec;
  if (ports.length === 0 && !isHeadless(spec) && !isAlias(spec)) refuse('ports', 'Required value');
  if (isOutside(spec) && isHeadless(spec)) refuse('clusterIPs[0]', `may not be set to 'None' for this type`);
  if (isAlias(spec)) validateAlias(spec);
  validatePorts(ports, spec);
  for (const field of [
    'loadBalancerSourceRanges',
    'allocateLoadBalancerNodePorts',
    'loadBalancerClass',
  ] as const)
    if (spec[field] !== undefined && !same(spec[field], []) && spec.type !== 'LoadBalancer')
      refuse(field, "may only be used when `type` is 'LoadBalancer'");
  validateDependent(spec);
}

function validateDependent(spec: Spec): void {
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined)
    refuse('sessionAffinityConfig', 'must not be set when session affinity is None');
  if (!isAccessible(spec) && spec.externalTrafficPolicy !== undefined)
    refuse('externalTrafficPolicy', 'may only be set for externally-accessible services');
  if (!needsCheckPort(spec) && spec.healthCheckNodePort !== undefined)
    refuse('healthCheckNodePort', 'may only be set for Local load balancers');
}

function validateAlias(spec: Spec): void {
  if (spec.externalName === undefined || spec.externalName === '') refuse('externalName', 'Required value');
  if (spec.clusterIP !== undefined || (spec.clusterIPs ?? []).length > 0)
    refuse('clusterIPs', 'may not be set for ExternalName services');
  if ((spec.ipFamilies ?? []).length > 0 || spec.ipFamilyPolicy !== undefined)
    refuse('ipFamilies', 'may not be set for ExternalName services');
}

function validatePorts(ports: readonly ServicePort[], { type }: Spec): void {
  const distinct = (what: string, values: readonly string[]) => {
    if (new Set(values).size < values.length) throw refused(`spec.ports: Duplicate value: ${what}`);
  };
  if (ports.length > 1 && ports.some(({ name = '' }) => name === ''))
    refuse('ports[0].name', 'Required value');
  distinct(
    'name',
    ports.flatMap(({ name }) => name ?? []),
  );
  distinct(
    'port',
    ports.map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`),
  );
  distinct(
    'nodePort',
    ports.flatMap(({ nodePort, protocol = 'TCP' }) =>
      nodePort === undefined ? [] : [`${nodePort}/${protocol}`],
    ),
  );
  if (type === 'ClusterIP' && ports.some(({ nodePort }) => nodePort !== undefined))
    refuse('ports[0].nodePort', "may not be used when `type` is 'ClusterIP'");
  for (const { port } of ports)
    if (port < 1 || port > 65_535) refuse('ports[0].port', 'must be between 1 and 65535');
}

/** A DNS label of RFC 1123 since 1.36; before, of RFC 1035. */
function validateName(name: string): void {
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 63)
    throw refused(`metadata.name: Invalid value: ${name}`);
}

function validateMetadata({ metadata }: Service): void {
  const owners = metadata.ownerReferences ?? [];
  if (owners.filter(({ controller }) => controller === true).length > 1)
    throw refused('metadata.ownerReferences: Only one reference can have Controller set to true');
}
