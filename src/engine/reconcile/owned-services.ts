import type { Backend } from '../../api/external-backend.ts';
import { servicesOf } from '../../core/publish/desired.ts';
import type { EndpointSlice } from '../../core/kubernetes/objects.ts';
import type { ClusterCache } from '../ports.ts';

/** Names of the Services of a backend that it owns or is to adopt. */
export function ownedServiceNames({ namespace, name, spec }: Backend, view: ClusterCache): readonly string[] {
  const owned = view.ownedNames(namespace, name);
  return servicesOf({ name, spec })
    .filter((service) => service.adopt || owned.has(service.name))
    .map((service) => service.name);
}

/** Slices of these Services, whether they belong to the backend or not. */
export const ownedSlices = (backend: Backend, view: ClusterCache): readonly EndpointSlice[] =>
  ownedServiceNames(backend, view).flatMap((name) => view.slices(backend.namespace, name));
