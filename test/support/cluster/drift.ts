import { isDeepStrictEqual } from 'node:util';

import type { Kinds } from '../../controlplane/kinds.ts';
import { record } from '../../controlplane/recorder.ts';
import type { Recorder } from '../../controlplane/recorder.ts';
import { publishedOf } from './published.ts';
import type { Published } from './published.ts';
import { eventually } from '../eventually.ts';
import type { World } from './world.ts';

/** Measures how long edits by another client last. */
export interface DriftClock {
  /** Remembers the published objects of a Service as the state after each edit. */
  remember(service: string): Promise<void>;
  /**
   * Makes the edit, waits for the repair, and returns the time between the watch event after which the
   * objects differ from the remembered ones and the one after which they remain equal. One process watches
   * both, so delays of its requests or watches count little. Delays of the operator count in full.
   */
  repairMs(service: string, edit: () => Promise<unknown>): Promise<number>;
  stop(): void;
}

/**
 * Adds the node ports, which `Published` leaves out because the API server may choose them. A repair keeps
 * them.
 */
interface Shape extends Published {
  readonly nodePorts: readonly unknown[];
}

/** Time within which an edit by another client is repaired. */
export const promisedMs = 1_000;

export async function openDriftClock(world: World): Promise<DriftClock> {
  const { plane, ns } = world;
  const [services, slices, endpoints] = await Promise.all([
    record(plane, 'Service', { namespace: ns }),
    record(plane, 'EndpointSlice', { namespace: ns }),
    record(plane, 'Endpoints', { namespace: ns }),
  ]);
  const remembered = new Map<string, Shape>();
  const shapeAt = (name: string, atMs: number): Shape => {
    const service = objectsAt(services, atMs).get(name);
    const all = [...objectsAt(slices, atMs).values()];
    return {
      ...publishedOf(name, service, all, objectsAt(endpoints, atMs).get(name)),
      nodePorts: (service?.spec.ports ?? []).map(({ nodePort }) => nodePort),
    };
  };
  const momentsFrom = (fromMs: number) =>
    [services, slices, endpoints]
      .flatMap(({ history }) => history.map(({ atMs }) => atMs))
      .filter((atMs) => atMs >= fromMs)
      .toSorted((a, b) => a - b);
  return {
    remember: async (name) => {
      const stored = await world.published(name);
      const isSame = (shape: Shape) => isDeepStrictEqual(shape, { ...stored, nodePorts: shape.nodePorts });
      remembered.set(name, await eventually(() => shapeAt(name, Infinity), isSame));
    },
    repairMs: async (name, edit) => {
      const wanted = remembered.get(name);
      if (wanted === undefined) throw new Error(`${name} is not remembered`);
      const fromMs = performance.now();
      await edit();
      const { nodePorts: _, ...rest } = wanted;
      await world.becomes(name, rest);
      const differs = (atMs: number) => !isDeepStrictEqual(shapeAt(name, atMs), wanted);
      const span = () => {
        const moments = momentsFrom(fromMs);
        const [first, last] = [moments.findIndex(differs), moments.findLastIndex(differs)];
        const repairedAtMs = moments[last + 1];
        return first < 0 || repairedAtMs === undefined ? undefined : repairedAtMs - (moments[first] ?? 0);
      };
      return (await eventually(span, (ms) => ms !== undefined)) ?? Infinity;
    },
    stop: () => [services, slices, endpoints].forEach((recorder) => recorder.stop()),
  };
}

/** Returns the objects of a recorded namespace after the events until then, by name. */
function objectsAt<T extends Kinds['Service' | 'EndpointSlice' | 'Endpoints']>(
  { history }: Recorder<T>,
  atMs: number,
): ReadonlyMap<string, T> {
  const objects = new Map<string, T>();
  for (const { type, object } of history.filter((entry) => entry.atMs <= atMs))
    if (type === 'DELETED') objects.delete(object.metadata.name);
    else objects.set(object.metadata.name, object);
  return objects;
}
