import type { BackendAddress } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import type { Endpoints, EndpointSlice } from '../kubernetes/objects.ts';
import { isOurEndpoints, isOurSlice, serviceOf } from '../kubernetes/ownership.ts';
import { isReadyIn } from '../publish/slice-readiness.ts';

export interface Published {
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoints[];
}

/** Host that the Services of an alias point to; an alias has no slices. */
export interface PublishedAlias {
  readonly alias: string | undefined;
}

/** Returns the slices and Endpoints under the name of one Service; none for an alias. */
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
 * Looks up how an address is published. Slices of ours come first, then those of other clients, then Endpoints
 * of other clients. In each, the port of that name comes before the number alone.
 *
 * Endpoints of ours never count. They are written after the slices, so where they differ they are older: a
 * leader that ended between the two writes may have removed the last slice of a Service, because its server is
 * dead or is no longer the primary.
 */
export function publishedReadiness({ slices, endpoints }: Published): ReadyOf {
  const [ours, others] = [true, false].map((is) => slices.filter((slice) => isOurSlice(slice) === is));
  const layers: readonly Layer[] = [
    { byIp: byIp((ours ?? []).flatMap(fromSlice)), disagreeing: 'mixed' },
    { byIp: byIp((others ?? []).flatMap(fromSlice)), disagreeing: true },
    {
      byIp: byIp(endpoints.filter((each) => !isOurEndpoints(each)).flatMap(fromEndpoints)),
      disagreeing: true,
    },
  ];
  return (group, address) => {
    const number = publishedPort(group, address);
    const name = group.ports[0]?.name ?? '';
    for (const layer of layers) {
      const is = readyIn(layer, address.ip, number, name);
      if (is !== undefined) return is;
    }
    return undefined;
  };
}

type PublishedReady = boolean | 'mixed';

interface Layer {
  readonly byIp: ReadonlyMap<string, readonly PublishedEndpoint[]>;
  /** Readiness of an address that is ready in one object and not ready in another. */
  readonly disagreeing: PublishedReady;
}

/**
 * An address with all ports that share its readiness there. A key for each port would make hundreds of
 * thousands of keys.
 */
interface PublishedEndpoint {
  readonly ip: string;
  readonly ports: readonly { readonly port: number; readonly name?: string }[];
  readonly isReady: boolean;
}

const byIp = (published: readonly PublishedEndpoint[]): Layer['byIp'] =>
  Map.groupBy(published, ({ ip }) => ip);

function readyIn(
  { byIp: known, disagreeing }: Layer,
  ip: string,
  number: number,
  name: string,
): PublishedReady | undefined {
  let named: PublishedReady | undefined;
  let numbered: PublishedReady | undefined;
  const joined = (before: PublishedReady | undefined, is: boolean) =>
    before === undefined || before === is ? is : disagreeing;
  for (const { ports, isReady } of known.get(ip) ?? [])
    for (const port of ports) {
      if (port.port !== number) continue;
      numbered = joined(numbered, isReady);
      if ((port.name ?? '') === name) named = joined(named, isReady);
    }
  return named ?? numbered;
}

/** An address that is published although it is not ready counts as not ready. */
function fromSlice(slice: EndpointSlice): readonly PublishedEndpoint[] {
  const isReady = isReadyIn(slice);
  return (slice.endpoints ?? []).flatMap((endpoint) =>
    endpoint.addresses.map((ip) => ({ ip, ports: slice.ports ?? [], isReady: isReady(endpoint) })),
  );
}

const fromEndpoints = ({ subsets }: Endpoints): readonly PublishedEndpoint[] =>
  (subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => [
    ...addresses.map(({ ip }) => ({ ip, ports, isReady: true })),
    ...notReadyAddresses.map(({ ip }) => ({ ip, ports, isReady: false })),
  ]);
