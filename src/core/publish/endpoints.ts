import type { Backend } from '../../api/external-backend.ts';
import type { Action } from '../kubernetes/action.ts';
import type {
  Endpoint,
  EndpointAddress,
  Endpoints,
  EndpointPort,
  EndpointSubset,
} from '../kubernetes/objects.ts';
import {
  annotations,
  isOwnedByUid,
  labels,
  manager,
  operatorName,
  ownerReference,
} from '../kubernetes/ownership.ts';
import { isSame } from '../kubernetes/is-same.ts';
import type { SliceGroup } from './slices.ts';

/** Limit of Kubernetes' own endpoints controller. An object with more addresses is marked as truncated. */
export const maxEndpointsAddresses = 1000;

/**
 * Returns the content of the slices in the legacy form: one subset per set of ports. Not-ready addresses
 * remain, as those of a pod do. An IP has one host name in the whole object, because the server keeps only
 * one (RepackSubsets).
 */
export function subsetsOf(groups: readonly SliceGroup[]): readonly EndpointSubset[] {
  const sets = Map.groupBy(groups, (group) => JSON.stringify(group.ports));
  const hostnames = new Map<string, string>();
  for (const {
    addresses: [ip = ''],
    hostname,
  } of groups.flatMap((group) => group.endpoints))
    if (hostname !== undefined && !hostnames.has(ip)) hostnames.set(ip, hostname);
  return [...sets.values()].map((set) =>
    subset(
      set[0]?.ports ?? [],
      set.flatMap((group) => group.endpoints),
      hostnames,
    ),
  );
}

type Hostnames = ReadonlyMap<string, string>;

function subset(
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
  hostnames: Hostnames,
): EndpointSubset {
  const of = (is: boolean) => endpoints.filter(({ conditions }) => (conditions?.ready === true) === is);
  const ready = addresses(of(true), hostnames);
  const notReady = addresses(of(false), hostnames);
  return {
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ports: ports.map(({ name, ...port }) => ({ ...(name !== '' && { name }), ...port })),
  };
}

const addresses = (endpoints: readonly Endpoint[], hostnames: Hostnames): readonly EndpointAddress[] =>
  endpoints
    .map(({ addresses: [ip = ''] }) => {
      const hostname = hostnames.get(ip);
      return { ip, ...(hostname !== undefined && { hostname }) };
    })
    .toSorted((a, b) => (a.ip < b.ip ? -1 : 1));

/**
 * Returns the write that brings the Endpoints object to the desired subsets; undefined: none. The object has
 * `skip-mirror`, so that Kubernetes creates no second set of slices. Labels and annotations of other clients
 * remain, and so do fields of an address that the operator does not write.
 */
export function planEndpoints(
  backend: Pick<Backend, 'namespace' | 'name' | 'uid'>,
  service: { readonly name: string; readonly headless: boolean },
  desired: readonly EndpointSubset[],
  observed: Endpoints | undefined,
): Action | undefined {
  const { subsets, truncated } = truncate(desired, maxEndpointsAddresses);
  const othersLabels = foreignLabels(observed);
  const { [annotations.overCapacity]: __, ...othersAnnotations } = observed?.metadata.annotations ?? {};
  const object: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...(observed?.metadata ?? { name: service.name, namespace: backend.namespace }),
      labels: { ...othersLabels, ...endpointsLabels(service.headless), ...manager(othersLabels) },
      annotations: { ...othersAnnotations, ...(truncated && { [annotations.overCapacity]: 'truncated' }) },
      ownerReferences: [ownerReference(backend)],
    },
    subsets: withForeignFields(subsets, observed),
  };
  if (observed === undefined) return { op: 'create', object };
  const same = isOwnedByUid(observed.metadata, backend.uid) && isSameObject(observed, object);
  return same ? undefined : { op: 'update', object };
}

/**
 * Returns labels of other clients. If the endpoints controller wrote the object, its labels are copies of
 * those of the Service, and are left out.
 */
function foreignLabels(observed: Endpoints | undefined): Readonly<Record<string, string>> {
  const { [labels.headless]: _, ...others } = observed?.metadata.labels ?? {};
  return others[labels.endpointsManagedBy] === 'endpoint-controller' ? {} : others;
}

/**
 * Returns the desired subsets, each address with the fields of the observed one that the operator does not
 * write (nodeName, targetRef).
 */
function withForeignFields(
  desired: readonly EndpointSubset[],
  observed: Endpoints | undefined,
): readonly EndpointSubset[] {
  const foreign = new Map(
    (observed?.subsets ?? [])
      .flatMap(({ addresses = [], notReadyAddresses = [] }) => [...addresses, ...notReadyAddresses])
      .flatMap(({ ip, hostname: _, ...others }) =>
        Object.keys(others).length > 0 ? [[ip, others] as const] : [],
      ),
  );
  if (foreign.size === 0) return desired;
  const complete = (list: readonly EndpointAddress[]): readonly EndpointAddress[] =>
    list.map((address) => ({ ...foreign.get(address.ip), ...address }));
  return desired.map(({ addresses, notReadyAddresses, ...others }) => ({
    ...(addresses && { addresses: complete(addresses) }),
    ...(notReadyAddresses && { notReadyAddresses: complete(notReadyAddresses) }),
    ...others,
  }));
}

const endpointsLabels = (headless: boolean): Readonly<Record<string, string>> => ({
  [labels.skipMirror]: 'true',
  [labels.endpointsManagedBy]: operatorName,
  ...(headless && { [labels.headless]: '' }),
});

/** Limits the number of addresses. Not-ready addresses are left out before ready ones. */
function truncate(
  subsets: readonly EndpointSubset[],
  max: number,
): { readonly subsets: readonly EndpointSubset[]; readonly truncated: boolean } {
  let room = max;
  const take = (list: readonly EndpointAddress[] = []): readonly EndpointAddress[] => {
    const taken = list.slice(0, room);
    room -= taken.length;
    return taken;
  };
  const count = (s: EndpointSubset): number =>
    (s.addresses?.length ?? 0) + (s.notReadyAddresses?.length ?? 0);
  const total = subsets.reduce((sum, s) => sum + count(s), 0);
  if (total <= max) return { subsets, truncated: false };
  const ready = subsets.map((s) => take(s.addresses));
  const cut = subsets.map((s, i) => {
    const kept = ready[i] ?? [];
    const notReady = take(s.notReadyAddresses);
    return {
      ...(kept.length > 0 && { addresses: kept }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ports: s.ports ?? [],
    };
  });
  return { subsets: cut.filter((s) => count(s) > 0), truncated: true };
}

/** Compares the parts of two objects that the operator owns. */
const isSameObject = (a: Endpoints, b: Endpoints): boolean =>
  isSame(a.metadata.labels ?? {}, b.metadata.labels ?? {}) &&
  isSame(a.metadata.annotations ?? {}, b.metadata.annotations ?? {}) &&
  isSameMap(portsByAddress(a.subsets ?? []), portsByAddress(b.subsets ?? []));

const isSameMap = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);

/**
 * Returns the ports of each address and readiness. The server repacks subsets, orders them and drops empty
 * fields. So an address may be in several subsets, with its ports in any order.
 */
function portsByAddress(subsets: readonly EndpointSubset[]): ReadonlyMap<string, string> {
  const portsOf = new Map<string, string[]>();
  const add = (address: EndpointAddress, ready: boolean, ports: string): void => {
    const key = `${address.ip}|${address.hostname ?? ''}|${ready}`;
    const known = portsOf.get(key);
    if (known === undefined) portsOf.set(key, [ports]);
    else known.push(ports);
  };
  for (const { ports = [], addresses = [], notReadyAddresses = [] } of subsets) {
    if (ports.length === 0) continue;
    const texts = portTexts(ports.map(portText));
    for (const address of addresses) add(address, true, texts);
    for (const address of notReadyAddresses) add(address, false, texts);
  }
  const only = (all: readonly string[]): string => (all.length === 1 ? (all[0] ?? '') : merged(all));
  return new Map([...portsOf].map(([key, all]) => [key, only(all)]));
}

const portTexts = (ports: readonly string[]): string => [...new Set(ports)].toSorted().join(' ');

const merged = (all: readonly string[]): string => portTexts(all.flatMap((texts) => texts.split(' ')));

const portText = (port: { name?: string; port: number; protocol: string; appProtocol?: string }): string =>
  `${port.name ?? ''}/${port.port}/${port.protocol}/${port.appProtocol ?? ''}`;
