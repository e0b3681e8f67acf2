import type { Backend } from '../../api/external-backend.ts';
import type { BackendAddress } from '../../core/resolution/addresses.ts';
import { isReadyEndpoint } from '../../core/kubernetes/objects.ts';
import { ownerName } from '../../core/kubernetes/ownership.ts';
import { electPrimary, type Roles } from '../../core/roles/primary-election.ts';
import { publishedPort } from '../../core/restore/published-readiness.ts';
import type { ReconcileInputs } from './inputs.ts';
import type { ClusterCache } from '../ports.ts';

/** Returns the roles of the addresses, given the addresses behind the Services of role Primary now. */
export function rolesIn(
  { backend, groups, addresses, healthOf }: ReconcileInputs,
  cache: ClusterCache,
): Roles {
  const names = (backend.spec.services ?? [])
    .filter(({ role }) => role === 'Primary')
    .map(({ name }) => name);
  const ready = new Map(names.map((name) => [name, readyPlaces(backend, cache, name)]));
  const [group] = groups;
  const isPublishedPrimary = (address: BackendAddress, service?: string): boolean => {
    if (group === undefined) return false;
    const place = `${address.ip} ${publishedPort(group, address)}`;
    return [...ready].some(([name, places]) => (service ?? name) === name && places.has(place));
  };
  return electPrimary({ groups, addresses, healthOf, isPublishedPrimary });
}

/** Returns IP and port of each endpoint that clients of the backend's own slices of a Service use. */
const readyPlaces = (backend: Backend, cache: ClusterCache, service: string): ReadonlySet<string> =>
  new Set(
    cache
      .slices(backend.namespace, service)
      .filter((slice) => ownerName(slice) === backend.name)
      .flatMap(({ endpoints, ports }) =>
        (endpoints ?? [])
          .filter(isReadyEndpoint)
          .map(({ addresses: [ip = ''] }) => `${ip} ${ports?.[0]?.port ?? 0}`),
      ),
  );
