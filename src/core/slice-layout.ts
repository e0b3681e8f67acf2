import type { Endpoint, EndpointSlice } from './objects.ts';

/** One slice to be: what stands (undefined: a new one) and what it shall hold. */
export interface Cell {
  readonly slice: EndpointSlice | undefined;
  readonly endpoints: Endpoint[];
  readonly loses: boolean;
  gains: boolean;
}

/** Endpoints are told apart by address alone: an endpoint whose conditions change stays where it is. */
export const identity = (endpoint: Endpoint): string => endpoint.addresses[0] ?? '';

/**
 * How the desired endpoints of a group are laid into slices.
 *
 * | an address that is                 | goes                                                       |
 * |------------------------------------|------------------------------------------------------------|
 * | in a slice of its group            | stays in that slice                                        |
 * | in two of them                     | stays in the first by name                                 |
 * | beyond the slice's bound           | is laid like a new one                                     |
 * | new                                | into a slice that changes anyway, else one with room, else one that is empty now, else a new one |
 * | new, exclusive, of several slices  | into none that loses: they are not written at one go       |
 * | no longer desired                  | leaves its slice; the others are not touched               |
 *
 * So one address that comes or goes changes one slice and no other.
 *
 * @param standing the slices of ours that the group has, by name
 * @param max endpoints in a slice
 * @param apart the Service is exclusive, and has several slices
 */
export function layOut(
  desired: readonly Endpoint[],
  standing: readonly EndpointSlice[],
  max: number,
  apart: boolean,
): readonly Cell[] {
  const left = new Map(desired.map((endpoint) => [identity(endpoint), endpoint]));
  const cells = standing.map((slice) => takeStanding(slice, left, max));
  for (const endpoint of left.values()) {
    const cell = roomFor(cells, max, apart);
    cell.endpoints.push(endpoint);
    cell.gains = true;
  }
  return cells.filter((cell) => cell.endpoints.length > 0);
}

function takeStanding(slice: EndpointSlice, left: Map<string, Endpoint>, max: number): Cell {
  const endpoints: Endpoint[] = [];
  for (const old of slice.endpoints ?? []) {
    const wanted = left.get(identity(old));
    if (wanted === undefined || endpoints.length >= max) continue;
    left.delete(identity(old));
    endpoints.push(wanted);
  }
  const loses = endpoints.length !== (slice.endpoints ?? []).length;
  return { slice, endpoints, loses, gains: false };
}

function roomFor(cells: Cell[], max: number, apart: boolean): Cell {
  const roomy = cells.filter((cell) => cell.endpoints.length < max && !(apart && cell.loses));
  const used = roomy.filter((cell) => cell.endpoints.length > 0);
  return used.find((cell) => cell.gains || cell.loses) ?? used[0] ?? roomy[0] ?? newCell(cells);
}

function newCell(cells: Cell[]): Cell {
  const cell: Cell = { slice: undefined, endpoints: [], loses: false, gains: true };
  cells.push(cell);
  return cell;
}
