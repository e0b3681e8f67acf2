import type { Endpoint, EndpointSlice } from '../kubernetes/objects.ts';

/** One desired slice: the observed one (undefined: a new one) and its desired endpoints. */
export interface SliceDraft {
  readonly slice: EndpointSlice | undefined;
  readonly endpoints: Endpoint[];
  /** Number of endpoints, counted from the first, that were in the observed slice. */
  readonly kept: number;
  /** Addresses that are no longer in this slice. */
  readonly lost: readonly string[];
}

export interface LayoutOptions {
  /** Highest number of endpoints in a slice. */
  readonly max: number;
  /**
   * An address that is removed and one that is added are never in the same write: the Service is exclusive
   * and has several slices.
   */
  readonly separateAddsFromRemoves: boolean;
  /** Addresses in any group of the Service. */
  readonly desired: ReadonlySet<string>;
}

/** Endpoints are identified by address alone: an endpoint whose conditions change stays in its slice. */
export const endpointKey = (endpoint: Endpoint): string => endpoint.addresses[0] ?? '';

/**
 * Distributes the desired endpoints of a group over slices.
 *
 * | an address that is          | is placed                                                    |
 * |-----------------------------|--------------------------------------------------------------|
 * | in a slice of its group     | in the same slice                                            |
 * | in two of them              | in the first of the two by name                              |
 * | over the limit of its slice | like a new one                                               |
 * | new                         | in a slice that changes anyway, else one with room, else one that is empty now, else a new one |
 * | new, `separateAddsFromRemoves` | in no slice that loses an address: they are not in one write |
 * | new                         | in no slice that loses an address to another group           |
 * | no longer desired           | in none; the other addresses of its slice stay               |
 *
 * So one address that is added or removed changes one slice and no other. Each observed slice has a cell,
 * without endpoints if it is to be removed.
 *
 * @param observed the slices of ours that the group has, by name
 */
export function layOut(
  endpoints: readonly Endpoint[],
  observed: readonly EndpointSlice[],
  options: LayoutOptions,
): readonly SliceDraft[] {
  const left = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const own = new Set(left.keys());
  const cells = observed.map((slice) => keepIn(slice, left, options.max));
  const isClosed = (cell: SliceDraft): boolean =>
    (options.separateAddsFromRemoves && cell.lost.length > 0) ||
    cell.lost.some((ip) => options.desired.has(ip) && !own.has(ip));
  const open = cells.filter((cell) => !isClosed(cell));
  for (const endpoint of left.values()) {
    const cell = roomFor(open, options.max) ?? newCell(cells, open);
    cell.endpoints.push(endpoint);
  }
  return cells;
}

function keepIn(slice: EndpointSlice, left: Map<string, Endpoint>, max: number): SliceDraft {
  const [endpoints, lost]: [Endpoint[], string[]] = [[], []];
  for (const ip of (slice.endpoints ?? []).map(endpointKey)) {
    const desired = left.get(ip);
    if (desired === undefined || endpoints.length >= max) {
      lost.push(ip);
      continue;
    }
    left.delete(ip);
    endpoints.push(desired);
  }
  return { slice, endpoints, kept: endpoints.length, lost };
}

export const addsEndpoints = ({ endpoints, kept }: SliceDraft): boolean => endpoints.length > kept;

function roomFor(cells: readonly SliceDraft[], max: number): SliceDraft | undefined {
  const roomy = cells.filter((cell) => cell.endpoints.length < max);
  const used = roomy.filter((cell) => cell.endpoints.length > 0);
  return used.find((cell) => addsEndpoints(cell) || cell.lost.length > 0) ?? used[0] ?? roomy[0];
}

function newCell(cells: SliceDraft[], open: SliceDraft[]): SliceDraft {
  const cell: SliceDraft = { slice: undefined, endpoints: [], kept: 0, lost: [] };
  cells.push(cell);
  open.push(cell);
  return cell;
}
