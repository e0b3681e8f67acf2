import type { Backend } from '../../api/external-backend.ts';
import { servicesOf } from '../../core/publish/desired.ts';
import type { EndpointSlice, Service } from '../../core/kubernetes/objects.ts';
import type { ClusterCache } from '../ports.ts';

/** Looks up whether a backend owns the Service of a name, or is to adopt it. */
function isOwnedBy({ namespace, name, spec }: Backend, cache: ClusterCache): (service: string) => boolean {
  const owned = cache.ownedNames(namespace, name);
  const adopted = new Set(
    servicesOf({ name, spec }).flatMap((service) => (service.adopt ? [service.name] : [])),
  );
  return (service) => owned.has(service) || adopted.has(service);
}

/** Names of the Services in the spec of a backend that it owns or is to adopt. */
export const ownedServiceNames = (backend: Backend, cache: ClusterCache): readonly string[] =>
  servicesOf(backend)
    .map(({ name }) => name)
    .filter(isOwnedBy(backend, cache));

/** Looks up an observed Service by its name, if the backend owns it or is to adopt it. */
export function observedServiceOf(
  backend: Backend,
  cache: ClusterCache,
): (service: string) => Service | undefined {
  const isOwned = isOwnedBy(backend, cache);
  return (service) => (isOwned(service) ? cache.service(backend.namespace, service) : undefined);
}

/** Slices of these Services, whether they belong to the backend or not. */
export const ownedSlices = (backend: Backend, cache: ClusterCache): readonly EndpointSlice[] =>
  ownedServiceNames(backend, cache).flatMap((name) => cache.slices(backend.namespace, name));
