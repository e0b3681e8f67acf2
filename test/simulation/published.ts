import { isReadyIn } from '../../src/core/publish/slice-readiness.ts';
import type { Endpoint, Endpoints, EndpointSlice } from '../../src/core/kubernetes/objects.ts';
import { labels, ownerName } from '../../src/core/kubernetes/ownership.ts';
import type { Cluster } from './cluster.ts';

/** Service -> addresses. */
export type ByService = ReadonlyMap<string, ReadonlySet<string>>;

type Selects = (endpoint: Endpoint, slice: EndpointSlice) => boolean;

const isPublished: Selects = ({ conditions }) => conditions?.ready !== false;
const isReady: Selects = (endpoint, slice) => isPublished(endpoint, slice) && isReadyIn(slice)(endpoint);

const serviceIn = ({ metadata }: EndpointSlice): string | undefined => metadata.labels?.[labels.serviceName];

/** Returns the addresses of each Service that clients use, as kube-proxy reads them. */
export const publishedByService = (cluster: Cluster): ByService => collect(cluster, serviceIn, isPublished);

/** Returns those of them that are not marked as published although they are not ready (`whenNoneReady`). */
export const readyByService = (cluster: Cluster): ByService => collect(cluster, serviceIn, isReady);

/** Returns the addresses of each Service that are in its slices and not ready. */
export const listedByService = (cluster: Cluster): ByService =>
  collect(cluster, serviceIn, (...given) => !isReady(...given));

/** Returns the addresses that any slice or Endpoints object has as ready, also one that kube-proxy does not read. */
export function readyAnywhere(cluster: Cluster): ReadonlySet<string> {
  const endpoints = cluster.api.cluster.all('Endpoints') as readonly Endpoints[];
  const inEndpoints = endpoints.flatMap(({ subsets = [] }) =>
    subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)),
  );
  return new Set([...inEndpoints, ...(collect(cluster, () => 'all', isReady).get('all') ?? [])]);
}

/** Returns the ready addresses of all Services, each with the names of their backends. */
export function backendsOfReady({ api }: Cluster): ByService {
  const found = new Map<string, Set<string>>();
  for (const slice of api.cluster.all('EndpointSlice') as readonly EndpointSlice[])
    for (const endpoint of slice.endpoints ?? [])
      if (isPublished(endpoint, slice))
        for (const ip of endpoint.addresses)
          found.set(ip, (found.get(ip) ?? new Set()).add(ownerName(slice) ?? slice.metadata.name));
  return found;
}

function collect(
  { api }: Cluster,
  keyOf: (slice: EndpointSlice) => string | undefined,
  selects: Selects,
): ByService {
  const found = new Map<string, Set<string>>();
  for (const slice of api.cluster.all('EndpointSlice') as readonly EndpointSlice[]) {
    const key = keyOf(slice);
    if (key === undefined) continue;
    const set = found.get(key) ?? new Set();
    found.set(key, set);
    for (const endpoint of slice.endpoints ?? [])
      if (selects(endpoint, slice)) for (const ip of endpoint.addresses) set.add(ip);
  }
  return found;
}
