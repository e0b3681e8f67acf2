import type { Status } from '../../../src/api/external-backend.ts';
import type { Entry } from '../../controlplane/recorder.ts';
import type { Kinds } from '../../controlplane/kinds.ts';
import { hosts, quick } from '../builders/backends.ts';
import type { Spec, StoredBackend, World } from './world.ts';

/** Queried each second, whatever the answer contains. */
export const promptly = { minRefreshSeconds: 1, maxRefreshSeconds: 1 };

/** Returns a backend of names, queried and probed at port 5432 each second. */
export const named = (names: readonly string[], more: Spec = {}): Spec => ({
  targets: hosts(...names),
  ports: [{ port: 5432 }],
  probe: quick,
  dns: promptly,
  ...more,
});

type TargetStatus = NonNullable<Status['targets']>[number];

/** Returns the status of a target. */
export const targetOf = (backend: StoredBackend | undefined, host: string): TargetStatus | undefined =>
  backend?.status?.targets?.find((target) => target.host === host);

/** Waits until the status of the target holds. */
export function toldOf(
  world: World,
  name: string,
  host: string,
  holds: (target: TargetStatus) => boolean,
  deadlineMs = 10_000,
): Promise<TargetStatus> {
  const find = (backends: ReadonlyMap<string, StoredBackend>) => {
    const target = targetOf(backends.get(name), host);
    return target !== undefined && holds(target) ? target : undefined;
  };
  return world.backends.until(find, deadlineMs, `${name} says of ${host}: ${holds.toString()}`);
}

/** Waits until each of the hosts is in this resolution state. */
export async function standBy(
  world: World,
  name: string,
  names: readonly string[],
  state: string,
): Promise<void> {
  await Promise.all(
    names.map((host) => toldOf(world, name, host, ({ resolution }) => resolution?.state === state, 15_000)),
  );
}

/** Returns the slices of a Service at one moment. */
export const slicesOf = (world: World, service: string): readonly Kinds['EndpointSlice'][] =>
  [...world.slices.objects.values()].filter((slice) => isOf(slice, service));

/** Returns the events of the slices of a Service from the n-th event of the namespace on. */
export const sliceEvents = (
  world: World,
  service: string,
  from: number,
): readonly Entry<Kinds['EndpointSlice']>[] =>
  world.slices.history.slice(from).filter(({ object }) => isOf(object, service));

const isOf = ({ metadata }: Kinds['EndpointSlice'], service: string): boolean =>
  metadata.labels?.['kubernetes.io/service-name'] === service;

/** Returns `10.20.0.1:5432` of every ready endpoint, sorted. */
export const readySockets = (world: World, service: string): readonly string[] =>
  slicesOf(world, service)
    .flatMap(({ endpoints, ports }) =>
      (endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready === true)
        .flatMap(({ addresses }) =>
          addresses.flatMap((ip) => (ports ?? []).map(({ port }) => `${ip}:${port}`)),
        ),
    )
    .toSorted();
