import type { Endpoints, EndpointSlice, Service } from '../../../src/core/kubernetes/objects.ts';
import { serviceOf } from '../../../src/core/kubernetes/ownership.ts';
import type { FakeCluster } from '../../support/fakes/fake-cluster.ts';

/** Ready addresses by view: the slices of a Service (its name), and its Endpoints (`name Endpoints`). */
export function readyIn(cluster: FakeCluster): ReadonlyMap<string, ReadonlySet<string>> {
  const views = new Map<string, Set<string>>();
  const add = (view: string, ips: readonly string[]): void => {
    views.set(view, new Set([...(views.get(view) ?? []), ...ips]));
  };
  for (const slice of cluster.all('EndpointSlice') as EndpointSlice[])
    add(
      serviceOf(slice) ?? '',
      (slice.endpoints ?? []).flatMap((e) => (e.conditions?.ready === false ? [] : e.addresses)),
    );
  for (const { metadata, subsets = [] } of cluster.all('Endpoints') as Endpoints[])
    add(
      `${metadata.name} Endpoints`,
      subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)),
    );
  return views;
}

/** Service -> host that it is an alias of. */
export const aliasesIn = (cluster: FakeCluster): ReadonlyMap<string, string> =>
  new Map(
    (cluster.all('Service') as Service[]).flatMap(({ metadata, spec }) =>
      spec.externalName === undefined ? [] : [[metadata.name, spec.externalName] as const],
    ),
  );

interface StatusLike {
  readonly summary?: string;
  readonly primary?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
  }[];
}

/** Returns what is published in the end, without ids and times, and whatever its distribution over slices. */
export function endOf(cluster: FakeCluster): object {
  const views = [...readyIn(cluster)].map(([view, ips]) => `${view}: ${[...ips].toSorted().join(' ')}`);
  const all = (cluster.all('EndpointSlice') as EndpointSlice[]).flatMap((slice) =>
    (slice.endpoints ?? []).map(
      (e) => `${serviceOf(slice) ?? ''}: ${e.addresses.join()} ${e.conditions?.ready ?? ''}`,
    ),
  );
  const services = (cluster.all('Service') as Service[]).map(
    ({ metadata, spec }) => `${metadata.name} ${spec.type ?? ''} ${spec.externalName ?? ''}`,
  );
  const statuses = cluster.all('ExternalBackend').map((backend) => {
    const { summary, primary, conditions = [] } = (backend as { status?: StatusLike }).status ?? {};
    return [summary, primary, ...conditions.map((c) => `${c.type}=${c.status} ${c.reason}`)].join(', ');
  });
  return { views: views.toSorted(), endpoints: all.toSorted(), services: services.toSorted(), statuses };
}
