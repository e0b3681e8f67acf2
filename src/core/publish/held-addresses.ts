import type { DesiredService } from './desired.ts';
import { subsetsOf } from './endpoints.ts';
import { isServing, type Endpoint, type EndpointPort, type EndpointSlice } from '../kubernetes/objects.ts';
import { isOurSlice } from '../kubernetes/ownership.ts';
import { endpointKey } from './slice-layout.ts';

/**
 * Returns a Service of a flapping backend without the changes that may wait for the next round. Returns the
 * Service itself if nothing waits.
 *
 * | change                                                 | Service of role Primary | any other |
 * |--------------------------------------------------------|-------------------------|-----------|
 * | an address fails, drains, has another role, is removed | at once                 | at once   |
 * | an address becomes ready                               | at once: a promotion    | waits     |
 * | an address is listed first                             | at once                 | waits     |
 * | another client changed what was accepted before        | at once                 | at once   |
 *
 * @param accepted what the last run wrote, as `placesOf` returns it
 */
export function withHeldAddresses(
  desired: DesiredService,
  observed: readonly EndpointSlice[],
  accepted: Places | undefined,
): DesiredService {
  if (desired.spec.role === 'Primary' || desired.groups.length === 0) return desired;
  const published = servingIn(observed);
  const groups = desired.groups.map((group) => ({
    ...group,
    endpoints: group.endpoints.flatMap((endpoint) => {
      const place = placeOf(endpoint, group.ports);
      if (accepted?.get(place) === isServing(endpoint)) return [endpoint];
      const serving = published.get(place);
      if (serving === true || (serving === false && !isServing(endpoint))) return [endpoint];
      return serving === undefined ? [] : [notServing(endpoint, desired)];
    }),
  }));
  const isSame = groups.every(({ endpoints }, i) => isEqual(endpoints, desired.groups[i]?.endpoints ?? []));
  if (isSame) return desired;
  return {
    ...desired,
    groups,
    subsets: desired.subsets && subsetsOf(groups.filter(({ endpoints }) => endpoints.length > 0)),
    available: desired.available && groups.every(({ endpoints }) => endpoints.some(isServing)),
  };
}

/** IP and ports -> true if it is to be ready. */
export type Places = ReadonlyMap<string, boolean>;

export const placesOf = ({ groups }: DesiredService): Places =>
  new Map(
    groups.flatMap(({ endpoints, ports }) =>
      endpoints.map((each) => [placeOf(each, ports), isServing(each)] as const),
    ),
  );

/** Returns true when a Service has no ready address in its slices. */
export const isEmptyIn = (observed: readonly EndpointSlice[]): boolean =>
  ![...servingIn(observed).values()].includes(true);

/** IP and ports -> true if our slices have it as ready. */
function servingIn(observed: readonly EndpointSlice[]): ReadonlyMap<string, boolean> {
  return new Map(
    observed
      .filter(isOurSlice)
      .flatMap(({ endpoints, ports }) =>
        (endpoints ?? []).map((endpoint) => [placeOf(endpoint, ports ?? []), isServing(endpoint)] as const),
      ),
  );
}

const isEqual = (a: readonly Endpoint[], b: readonly Endpoint[]): boolean =>
  a.length === b.length && a.every((endpoint, i) => endpoint === b[i]);

const placeOf = (endpoint: Endpoint, ports: readonly EndpointPort[]): string =>
  `${endpointKey(endpoint)} ${ports.map(({ port }) => port).join()}`;

/** Returns the endpoint as not ready. It has no hints, except when it is published as ready all the same. */
function notServing({ hints, ...endpoint }: Endpoint, { spec }: DesiredService): Endpoint {
  const ready = spec.publishNotReadyAddresses;
  return {
    ...endpoint,
    conditions: { ready, serving: false, terminating: false },
    ...(ready && hints !== undefined && { hints }),
  };
}
