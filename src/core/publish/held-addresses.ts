import type { DesiredService } from './desired.ts';
import { subsetsOf } from './endpoints.ts';
import {
  isReadyEndpoint,
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
} from '../kubernetes/objects.ts';
import { isOurSlice } from '../kubernetes/ownership.ts';
import { endpointKey } from './slice-layout.ts';
import { isToBeReady, isReadyIn } from './slice-readiness.ts';
import type { SliceGroup } from './slices.ts';

/**
 * Returns a Service of a flapping backend without the changes that may wait for the next round. Returns the
 * Service itself if nothing waits.
 *
 * | change                                                 | Service of role Primary | any other |
 * |--------------------------------------------------------|-------------------------|-----------|
 * | an address fails, drains, has another role, is removed | at once                 | at once   |
 * | an address becomes ready                               | at once: a promotion    | waits     |
 * | the same, and nothing else is left to publish at a port of a Service with `whenNoneReady` or tiers | at once | at once |
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
  const published = publishedIn(observed);
  const groups = desired.groups.map((group) => heldGroup(group, published, accepted));
  const isSame = groups.every((group, i) => group === desired.groups[i]);
  const mustStayOpen = desired.spec.whenNoneReady !== 'Empty' || desired.tier !== undefined;
  if (isSame || (mustStayOpen && isOpen(desired.groups) && !isOpen(groups))) return desired;
  return {
    ...desired,
    groups,
    subsets: desired.subsets && subsetsOf(groups.filter(({ endpoints }) => endpoints.length > 0)),
    available:
      desired.available &&
      groups.every((group) => group.endpoints.some((endpoint) => isToBeReady(group, endpoint))),
  };
}

/** Returns true if every port has an address that clients are to use. */
const isOpen = (groups: readonly SliceGroup[]): boolean =>
  [...Map.groupBy(groups, ({ ports }) => ports.map(({ name }) => name).join()).values()].every((all) =>
    all.some(({ endpoints }) => endpoints.some(isReadyEndpoint)),
  );

function heldGroup(group: SliceGroup, published: Places, accepted: Places | undefined): SliceGroup {
  const marked = new Set(group.notReady);
  const endpoints = group.endpoints.flatMap((endpoint) => {
    const place = placeOf(endpoint, group.ports);
    const wanted = stateIn(group, endpoint);
    const is = published.get(place);
    const isNow = is === 'ready' || (is !== undefined && wanted !== 'ready');
    if (isNow || accepted?.get(place) === wanted) return [endpoint];
    if (is === 'marked') marked.add(endpointKey(endpoint));
    return is === undefined ? [] : [is === 'marked' ? endpoint : unpublished(endpoint)];
  });
  const isSame =
    marked.size === (group.notReady?.size ?? 0) &&
    endpoints.length === group.endpoints.length &&
    endpoints.every((endpoint, i) => endpoint === group.endpoints[i]);
  return isSame ? group : { ...group, endpoints, ...(marked.size > 0 && { notReady: marked }) };
}

/** How clients see an address at its ports. Marked: they use it, and it is not ready. */
type PlaceState = 'ready' | 'marked' | 'unpublished';

/** IP and ports -> state. */
export type Places = ReadonlyMap<string, PlaceState>;

/** Returns the state that each address of a Service is to have. */
export const placesOf = ({ groups }: DesiredService): Places =>
  new Map(
    groups.flatMap((group) =>
      group.endpoints.map((each) => [placeOf(each, group.ports), stateIn(group, each)] as const),
    ),
  );

/** Returns true when a Service has no ready address in its slices. */
export const isEmptyIn = (observed: readonly EndpointSlice[]): boolean =>
  ![...publishedIn(observed).values()].includes('ready');

/** Returns the state that each address has in our slices. */
function publishedIn(observed: readonly EndpointSlice[]): Places {
  return new Map(
    observed.filter(isOurSlice).flatMap((slice) => {
      const isReady = isReadyIn(slice);
      return (slice.endpoints ?? []).map((endpoint) => {
        const state = isReady(endpoint) ? 'ready' : isReadyEndpoint(endpoint) ? 'marked' : 'unpublished';
        return [placeOf(endpoint, slice.ports ?? []), state] as const;
      });
    }),
  );
}

function stateIn(group: SliceGroup, endpoint: Endpoint): PlaceState {
  if (isToBeReady(group, endpoint)) return 'ready';
  return isReadyEndpoint(endpoint) ? 'marked' : 'unpublished';
}

const placeOf = (endpoint: Endpoint, ports: readonly EndpointPort[]): string =>
  `${endpointKey(endpoint)} ${ports.map(({ port }) => port).join()}`;

const unpublished = ({ hints: _, ...endpoint }: Endpoint): Endpoint => ({
  ...endpoint,
  conditions: { ready: false, serving: false, terminating: false },
});
