import type { AppliedService } from '../../src/core/action.ts';
import { OperatorError } from '../../src/core/errors.ts';
import type { EndpointAddress, Endpoints, EndpointSubset, Service } from '../../src/core/objects.ts';

// What the API server makes of our writes, as far as the plan can see it. The integration tests hold it against a real one.

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listKeys: Readonly<Record<string, (item: Fields) => string>> = {
  ports: (port) => JSON.stringify([port['port'], port['protocol'] ?? 'TCP']),
  ownerReferences: (owner) => String(owner['uid']),
};

/** Server-side apply: what the last apply said and this one does not, goes; what others own stays. */
export function applied(stored: unknown, before: unknown, now: unknown, field = ''): unknown {
  const key = listKeys[field];
  if (key !== undefined) return appliedList(stored, before, now, key);
  if (now === undefined) return before === undefined || isFields(before) ? rest(stored, before) : undefined;
  if (!isFields(now)) return now;
  const all = new Set([...Object.keys(isFields(stored) ? stored : {}), ...Object.keys(now)]);
  const get = (from: unknown, name: string) => (isFields(from) ? from[name] : undefined);
  const merged = [...all].map(
    (name) => [name, applied(get(stored, name), get(before, name), now[name], name)] as const,
  );
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
}

function rest(stored: unknown, before: unknown): unknown {
  if (!isFields(stored) || !isFields(before)) return stored;
  const kept = Object.entries(stored).map(
    ([name, value]) => [name, applied(value, before[name], undefined, name)] as const,
  );
  const left = kept.filter(([, value]) => value !== undefined);
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

function appliedList(stored: unknown, before: unknown, now: unknown, key: (item: Fields) => string): unknown {
  const map = (list: unknown) =>
    new Map((Array.isArray(list) ? (list as Fields[]) : []).map((item) => [key(item), item] as const));
  const [is, was, wanted] = [map(stored), map(before), map(now)];
  const kept = [...is].filter(([name]) => !was.has(name) || wanted.has(name));
  const names = new Set([...kept.map(([name]) => name), ...wanted.keys()]);
  const items = [...names].map((name) =>
    wanted.has(name) ? applied(is.get(name), was.get(name), wanted.get(name)) : is.get(name),
  );
  return items.length === 0 ? undefined : items;
}

/** Refuses and fills in what the server refuses and fills in. `nextIp`, `nextPort`: allocators. */
export function defaulted(
  service: Service,
  before: Service | undefined,
  nextIp: () => string,
  nextPort: () => number,
): Service {
  const { spec } = service;
  const type = spec.type ?? 'ClusterIP';
  const ports = (spec.ports ?? []).map((port) => defaultedPort(port, type, nextPort));
  const owners = service.metadata.ownerReferences ?? [];
  if (owners.filter((owner) => owner.controller === true).length > 1)
    throw refused('Only one reference can have Controller set to true');
  const { clusterIP: _, clusterIPs: __, ipFamilies: ___, ipFamilyPolicy: ____, ports: _____, ...noIp } = spec;
  if (type === 'ExternalName') return { ...service, spec: { ...noIp, ...(ports.length > 0 && { ports }) } };
  const outside = type !== 'ClusterIP' && { externalTrafficPolicy: spec.externalTrafficPolicy ?? 'Cluster' };
  const more = { type, ports, ...outside, ...addressed(spec, before?.spec, nextIp) };
  return {
    ...service,
    spec: { sessionAffinity: 'None', internalTrafficPolicy: 'Cluster', ...spec, ...more },
  };
}

/** A cluster IP and the first family, once set, stay; but for ExternalName, which has none. */
function addressed(spec: Service['spec'], before: Service['spec'] | undefined, nextIp: () => string) {
  const was = before?.type === 'ExternalName' ? {} : { ...before };
  const clusterIP = spec.clusterIP ?? was.clusterIP ?? nextIp();
  if (was.clusterIP !== undefined && was.clusterIP !== clusterIP)
    throw refused('spec.clusterIPs[0]: Invalid value: may not change once set');
  const ipFamilies = spec.ipFamilies ?? was.ipFamilies ?? ['IPv4'];
  if (was.ipFamilies !== undefined && was.ipFamilies[0] !== ipFamilies[0])
    throw refused('spec.ipFamilies[0]: Invalid value: may not change once set');
  const ipFamilyPolicy = spec.ipFamilyPolicy ?? 'SingleStack';
  return { clusterIP, clusterIPs: [clusterIP], ipFamilies, ipFamilyPolicy };
}

function defaultedPort(
  port: NonNullable<Service['spec']['ports']>[number],
  type: string,
  nextPort: () => number,
) {
  const { nodePort, ...others } = port;
  const outside = type === 'NodePort' || type === 'LoadBalancer';
  const full = { protocol: 'TCP' as const, targetPort: port.port, ...others };
  return outside ? { ...full, nodePort: nodePort ?? nextPort() } : full;
}

export const refused = (message: string): OperatorError =>
  new OperatorError(message, { kind: 'terminal', reason: 'Invalid', status: 422 });

/** Strategy.Canonicalize of Endpoints: RepackSubsets. Ports with the same addresses share a subset; one hostname per IP. */
export function repacked(object: Endpoints): Endpoints {
  const known = new Map<string, EndpointAddress>();
  const byPort = new Map<string, Map<string, boolean>>();
  for (const subset of object.subsets ?? [])
    for (const port of subset.ports ?? []) {
      const of = byPort.get(JSON.stringify(port)) ?? new Map<string, boolean>();
      byPort.set(JSON.stringify(port), of);
      const see = (address: EndpointAddress, ready: boolean): void => {
        known.set(address.ip, known.get(address.ip) ?? address);
        if (of.get(address.ip) !== false) of.set(address.ip, ready);
      };
      for (const address of subset.addresses ?? []) see(address, true);
      for (const address of subset.notReadyAddresses ?? []) see(address, false);
    }
  const sets = Map.groupBy(byPort, ([, of]) => JSON.stringify([...of].toSorted()));
  const subsets = [...sets.values()].map((ports): EndpointSubset => {
    const of = [...(ports[0]?.[1] ?? [])];
    const side = (ready: boolean) => of.flatMap(([ip, is]) => (is === ready ? (known.get(ip) ?? []) : []));
    return {
      ...(side(true).length > 0 && { addresses: side(true) }),
      ...(side(false).length > 0 && { notReadyAddresses: side(false) }),
      ports: ports.map(([port]) => JSON.parse(port) as NonNullable<EndpointSubset['ports']>[number]),
    };
  });
  const { subsets: _, ...others } = object;
  return subsets.length === 0 ? others : { ...others, subsets };
}

/** The Service as an apply leaves it. */
export const appliedService = (
  stored: Service | undefined,
  before: AppliedService | undefined,
  now: AppliedService,
): Service => applied(stored, before, now) as Service;
