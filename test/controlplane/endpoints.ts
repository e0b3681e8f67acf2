import type { Kinds } from './kinds.ts';
import type { Entry } from './recorder.ts';

type Slice = Kinds['EndpointSlice'];

/** The ready addresses of a Service over the given slices; `ready` unset counts as ready, as for kube-proxy. */
export function readyAddresses(slices: Iterable<Slice>, service: string): readonly string[] {
  const ready = [...slices]
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => (endpoint.conditions as { ready?: boolean } | undefined)?.ready !== false)
    .flatMap((endpoint) => endpoint.addresses);
  return [...new Set(ready)].sort();
}

export interface Moment {
  readonly atMs: number;
  readonly ready: readonly string[];
}

/** The ready addresses of a Service after each event of a recorded history of one namespace's EndpointSlices. */
export function readyHistory(history: readonly Entry<Slice>[], service: string): readonly Moment[] {
  const slices = new Map<string, Slice>();
  return history.map(({ type, atMs, object }) => {
    if (type === 'DELETED') slices.delete(object.metadata.name);
    else slices.set(object.metadata.name, object);
    return { atMs, ready: readyAddresses(slices.values(), service) };
  });
}

/**
 * The moments at which one of `addresses` was not ready, from the first at which all of them were.
 * An empty answer says: no ready address was ever missing.
 */
export function everMissing(
  history: readonly Entry<Slice>[],
  service: string,
  addresses: readonly string[],
): readonly Moment[] {
  const moments = readyHistory(history, service);
  const complete = ({ ready }: Moment) => addresses.every((address) => ready.includes(address));
  const first = moments.findIndex(complete);
  if (first < 0) throw new Error(`${addresses.join(', ')} were never all ready behind ${service}`);
  return moments.slice(first).filter((moment) => !complete(moment));
}
