import { formatHostPort } from '../probing/check.ts';
import type { EndpointSlice, Endpoints } from '../kubernetes/objects.ts';
import { isReadyEndpoint } from '../kubernetes/objects.ts';
import type { Problem, Observed } from './problems.ts';

/** Comparison of what a backend with spec.observe would publish with what exists. */
export interface Observation {
  /** Texts about what would prevent or accompany the writes; empty: nothing. */
  readonly obstacles: readonly string[];
  /** Service -> how its ready addresses would change. */
  readonly differences: ReadonlyMap<string, string>;
}

/** Returns the text about a problem that a Service would have. */
export const obstacleText = ({ reason, message }: Problem): string => `${reason}: ${message}`;

/** Returns the text about a Service that is no longer in the spec. */
export const removalText = (service: string): string =>
  `Service ${service} is removed, because spec.services does not contain it`;

/**
 * Returns how the ready addresses of a Service would change.
 *
 * | the Service now                                             | text                              |
 * |-------------------------------------------------------------|-----------------------------------|
 * | there is neither a Service nor slices nor Endpoints         | would be created, with the number |
 * | either side is an alias                                     | the two hosts, or `none`          |
 * | has a selector, and no slices or Endpoints that are visible | not compared                      |
 * | any other                                                   | the addresses that differ, or `none` |
 *
 * @param would objects of a dry run
 */
export function publishingDifference(would: Observed, now: Observed): string {
  const { service } = now;
  const planned = readyPlacesIn(would);
  const isNew = service === undefined && now.slices.length === 0 && now.endpoints === undefined;
  if (isNew) return `the Service would be created${countText(planned.size)}`;
  const [before, after] = [service?.spec.externalName, would.service?.spec.externalName];
  if (before !== undefined || after !== undefined) return aliasDifference(before, after);
  const published = readyPlacesIn(now);
  const isSelected = Object.keys(service?.spec.selector ?? {}).length > 0;
  if (isSelected && now.slices.length === 0)
    return 'not compared, because the Service has a selector, and the slices of Pods are not read';
  return addressDifference(planned, published);
}

const countText = (count: number): string =>
  count === 1 ? ' with 1 ready address' : ` with ${count} ready addresses`;

function aliasDifference(before: string | undefined, after: string | undefined): string {
  if (before === after) return `none: the alias points to ${before}`;
  if (after === undefined) return `the Service would no longer be an alias of ${before}`;
  return before === undefined
    ? `the Service would become an alias of ${after}`
    : `the alias would point to ${after} instead of ${before}`;
}

function addressDifference(planned: ReadonlySet<string>, published: ReadonlySet<string>): string {
  const texts = [
    listText(
      'would add',
      [...planned].filter((place) => !published.has(place)),
    ),
    listText(
      'would remove',
      [...published].filter((place) => !planned.has(place)),
    ),
  ].filter((text) => text !== '');
  if (texts.length > 0) return texts.join('; ');
  return published.size === 0 ? 'none: no address is ready' : `none: ${countSame(published.size)}`;
}

const countSame = (count: number): string =>
  count === 1 ? 'the same address is ready' : `the same ${count} addresses are ready`;

/** Number of addresses that a text contains. */
const maxListed = 4;

function listText(words: string, all: readonly string[]): string {
  if (all.length === 0) return '';
  const more = all.length > maxListed ? ` and ${all.length - maxListed} more` : '';
  return `${words} ${all.toSorted().slice(0, maxListed).join(', ')}${more}`;
}

/** Returns the addresses to which clients are sent, with their ports: those of the slices or, without any, of Endpoints. */
const readyPlacesIn = ({ slices, endpoints }: Observed): ReadonlySet<string> =>
  new Set(
    slices.length > 0 ? slices.flatMap(inSlice) : endpoints === undefined ? [] : inEndpoints(endpoints),
  );

const inSlice = ({ endpoints, ports }: EndpointSlice): readonly string[] =>
  (endpoints ?? [])
    .filter(isReadyEndpoint)
    .flatMap(({ addresses }) =>
      addresses.flatMap((ip) => (ports ?? []).map(({ port }) => placeText(ip, port))),
    );

const inEndpoints = ({ subsets = [] }: Endpoints): readonly string[] =>
  subsets.flatMap(({ addresses = [], ports = [] }) =>
    addresses.flatMap(({ ip }) => ports.map(({ port }) => placeText(ip, port))),
  );

const placeText = (ip: string, port: number): string =>
  formatHostPort({ ip, port, family: ip.includes(':') ? 'IPv6' : 'IPv4' });
