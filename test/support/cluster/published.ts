import type { EndpointSubset } from '../../../src/core/kubernetes/objects.ts';
import type { Api } from '../../controlplane/api.ts';
import type { Kinds } from '../../controlplane/kinds.ts';

/** What a reader of the API finds under a Service name, without ids. */
export interface Published {
  readonly service: object | undefined;
  readonly slices: readonly object[];
  readonly endpoints: object | undefined;
}

/**
 * Reads from the API server itself, so nothing is stale. Includes the slices of all clients with the
 * Service's name.
 */
export async function published(admin: Api, ns: string, service: string): Promise<Published> {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const [found, slices, endpoints] = await Promise.all([
    admin.find('Service', service, ns),
    admin.list('EndpointSlice', ns, { labelSelector }),
    admin.find('Endpoints', service, ns),
  ]);
  return publishedOf(service, found, slices, endpoints);
}

/** @param slices any of the namespace; those with the Service's name count */
export function publishedOf(
  name: string,
  service: Kinds['Service'] | undefined,
  slices: readonly Kinds['EndpointSlice'][],
  endpoints: Kinds['Endpoints'] | undefined,
): Published {
  const named = slices.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
  return {
    service: service && serviceShape(service),
    slices: named.map(sliceShape).toSorted((a, b) => (text(a) < text(b) ? -1 : 1)),
    endpoints: endpoints && {
      ...metaShape(without(endpoints, service?.metadata.labels)),
      subsets: (endpoints.subsets ?? []).flatMap(rows).toSorted(),
    },
  };
}

/** The endpoints controller copies a Service's labels while the Service has a foreign selector. */
function without(endpoints: Kinds['Endpoints'], copied: Labels = {}): Kinds['Endpoints'] {
  const theirs = (key: string) => key in copied && !key.includes('kubernetes.io/');
  const labels = Object.entries(endpoints.metadata.labels ?? {}).filter(([key]) => !theirs(key));
  return { ...endpoints, metadata: { ...endpoints.metadata, labels: Object.fromEntries(labels) } };
}

/** Returns one line per address and port, because subsets can express the same in several ways. */
const rows = ({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): readonly string[] =>
  ports.flatMap((port) => [
    ...addresses.map((address) => JSON.stringify({ ready: true, ...address, port })),
    ...notReadyAddresses.map((address) => JSON.stringify({ ready: false, ...address, port })),
  ]);

type Labels = Readonly<Record<string, string>>;

/** The server chooses the cluster IP and node ports: only whether they exist is compared. */
function serviceShape(object: Kinds['Service']): object {
  const {
    clusterIP,
    clusterIPs: _,
    ports = [],
    healthCheckNodePort: checkPort,
    internalTrafficPolicy,
    ...spec
  } = object.spec as Kinds['Service']['spec'] & { readonly healthCheckNodePort?: number };
  return {
    ...metaShape(object),
    ...spec,
    // The API server clears it when an alias is read, and not when one is watched.
    ...(spec.type === 'ExternalName' ? {} : { internalTrafficPolicy }),
    hasCheckPort: checkPort !== undefined,
    clusterIP: clusterIP === undefined || clusterIP === 'None' ? clusterIP : 'an address',
    ports: ports.map(({ nodePort, ...port }) => ({ ...port, hasNodePort: nodePort !== undefined })),
  };
}

const sliceShape = (slice: Kinds['EndpointSlice']): object => ({
  ...metaShape(slice),
  addressType: slice.addressType,
  endpoints: slice.endpoints,
  ports: slice.ports,
});

function metaShape({ metadata }: Kinds['Service' | 'EndpointSlice' | 'Endpoints']): object {
  const { 'endpoints.kubernetes.io/last-change-trigger-time': _, ...annotations } =
    metadata.annotations ?? {};
  const owners = metadata.ownerReferences?.map(({ kind, name, uid, controller }) => ({
    kind,
    name,
    uid,
    controller,
  }));
  return { labels: metadata.labels ?? {}, annotations, owners: owners ?? [] };
}

const text = (value: object): string => JSON.stringify(value);
