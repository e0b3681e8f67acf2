import { isReadyEndpoint, isServing, type Endpoint, type EndpointSlice } from '../kubernetes/objects.ts';
import { annotations } from '../kubernetes/ownership.ts';

// Some addresses are published as ready although they are not: with `publishNotReadyAddresses`, and with
// `whenNoneReady`. Clients must see them as `ready` and `serving` (Envoy Gateway drains what is not serving,
// and ignores `ready`). So the slice lists them in an annotation: `10.20.0.11,10.20.0.12`.

/**
 * Returns a lookup of the endpoints of a slice that are published as ready because they are ready. An endpoint
 * without conditions is ready.
 *
 * | `serving`, or else `ready` | in the annotation | ready |
 * |----------------------------|-------------------|-------|
 * | true, or none              | no                | yes   |
 * | true, or none              | yes               | no    |
 * | false                      | any               | no    |
 */
export function isReadyIn(slice: Pick<EndpointSlice, 'metadata'>): (endpoint: Endpoint) => boolean {
  const marked = markedIn(slice);
  if (marked.size === 0) return isServing;
  return (endpoint) => isServing(endpoint) && !endpoint.addresses.some((ip) => marked.has(ip));
}

/** Addresses that a slice lists as published although they are not ready. */
export function markedIn({ metadata }: Pick<EndpointSlice, 'metadata'>): ReadonlySet<string> {
  const text = metadata.annotations?.[annotations.notReady] ?? '';
  return new Set(text === '' ? [] : text.split(','));
}

/** Desired endpoints of a slice, and IPs of those that are published although they are not ready. */
export interface MarkedEndpoints {
  readonly notReady?: ReadonlySet<string>;
}

/** Returns true if a desired endpoint is to be published because it is ready. */
export const isToBeReady = ({ notReady }: MarkedEndpoints, { addresses, conditions }: Endpoint): boolean =>
  conditions?.serving === true && !addresses.some((ip) => notReady?.has(ip));

/** Returns the annotation of a slice; empty if no endpoint needs it. */
export function notReadyMark(
  endpoints: readonly Endpoint[],
  { notReady }: MarkedEndpoints,
): Readonly<Record<string, string>> {
  const ips = endpoints
    .filter(isReadyEndpoint)
    .flatMap(({ addresses }) => addresses.filter((ip) => notReady?.has(ip)));
  return ips.length === 0 ? {} : { [annotations.notReady]: ips.toSorted().join() };
}
