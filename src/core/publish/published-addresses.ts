import type { BackendAddress } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import { isReadyEndpoint, type EndpointSlice } from '../kubernetes/objects.ts';

/** Returns true if slices publish the address at one of these ports, whether or not it is ready. */
export type IsPublished = (group: PortGroup, address: BackendAddress) => boolean;

/** Returns a lookup of the addresses that clients of these slices use now. */
export function publishedAddresses(slices: readonly EndpointSlice[]): IsPublished {
  const places = new Set(
    slices.flatMap(({ endpoints, ports }) =>
      (endpoints ?? [])
        .filter(isReadyEndpoint)
        .flatMap(({ addresses: [ip = ''] }) => (ports ?? []).map(({ port }) => `${ip} ${port}`)),
    ),
  );
  return ({ ports }, { ip, port: own }) =>
    ports.some(({ port, targetPort = port }) => places.has(`${ip} ${own === 0 ? targetPort : own}`));
}
