import type { BackendAddress } from './address.ts';
import type { PortGroup } from './checks.ts';
import type { Endpoints, EndpointSlice } from './objects.ts';
import { isOurSlice, serviceOf } from './ownership.ts';

export interface Published {
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoints[];
}

/** Host that the Services of an alias point to; an alias has no slices. */
export interface PublishedAlias {
  readonly alias: string | undefined;
}

/** Slices and Endpoints under the name of one Service; of an alias there are none. */
export const publishedUnder = (name: string, published: Published | PublishedAlias): Published =>
  'slices' in published
    ? {
        slices: published.slices.filter((slice) => serviceOf(slice) === name),
        endpoints: published.endpoints.filter(({ metadata }) => metadata.name === name),
      }
    : { slices: [], endpoints: [] };

export type ReadyOf = (group: PortGroup, address: BackendAddress) => PublishedReady | undefined;

export const publishedPort = (group: PortGroup, address: BackendAddress): number =>
  address.port !== 0 ? address.port : (group.ports[0]?.targetPort ?? group.ports[0]?.port ?? 0);

/**
 * Looks up how an address is published. Slices of ours come first; then those of others; then Endpoints, which cannot
 * show an address that is published although it is not ready. In each, the port of that name before the mere number.
 */
export function publishedReadiness({ slices, endpoints }: Published): ReadyOf {
  const [ours, others] = [true, false].map((is) => slices.filter((slice) => isOurSlice(slice) === is));
  const layers = [
    index((ours ?? []).flatMap(fromSlice), 'mixed'),
    index((others ?? []).flatMap(fromSlice), true),
    index(endpoints.flatMap(fromEndpoints), true),
  ];
  return (group, address) => {
    const place = `${address.ip} ${publishedPort(group, address)}`;
    const named = `${place} ${group.ports[0]?.name ?? ''}`;
    return layers.map((layer) => layer.get(named) ?? layer.get(place)).find((is) => is !== undefined);
  };
}

type PublishedReady = boolean | 'mixed';

/** @param disagreeing what an address is that is ready in one and not ready in another */
function index<T extends PublishedReady>(
  published: readonly PublishedEndpoint[],
  disagreeing: T,
): ReadonlyMap<string, boolean | T> {
  const ready = new Map<string, boolean | T>();
  for (const { ip, port, name, is } of published)
    for (const key of [`${ip} ${port}`, `${ip} ${port} ${name}`]) {
      const known = ready.get(key) ?? is;
      ready.set(key, known === is ? is : disagreeing);
    }
  return ready;
}

interface PublishedEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly name: string;
  readonly is: boolean;
}

/** `serving` tells the truth also where a Service publishes not-ready addresses; left out, an endpoint is ready. */
const fromSlice = (slice: EndpointSlice): readonly PublishedEndpoint[] =>
  (slice.endpoints ?? []).flatMap(({ addresses, conditions }) => {
    const is = conditions?.serving ?? conditions?.ready ?? true;
    return (slice.ports ?? []).flatMap(({ port, name }) => addresses.map((ip) => ({ ip, port, name, is })));
  });

const fromEndpoints = ({ subsets }: Endpoints): readonly PublishedEndpoint[] =>
  (subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    ports.flatMap(({ port, name = '' }) => [
      ...addresses.map(({ ip }) => ({ ip, port, name, is: true })),
      ...notReadyAddresses.map(({ ip }) => ({ ip, port, name, is: false })),
    ]),
  );
