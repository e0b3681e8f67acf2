import * as api from '../../api/external-backend.ts';

/** Kind of object in the API of Kubernetes. */
export interface Resource {
  /** `/api/v1` or `/apis/<group>/<version>`. */
  readonly root: string;
  readonly plural: string;
  readonly kind: string;
  readonly apiVersion: string;
}

export const resources = {
  ExternalBackend: resource(api.apiVersion, api.plural, api.kind),
  Service: resource('v1', 'services', 'Service'),
  EndpointSlice: resource('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice'),
  Endpoints: resource('v1', 'endpoints', 'Endpoints'),
  ServiceCIDR: resource('networking.k8s.io/v1', 'servicecidrs', 'ServiceCIDR'),
  Node: resource('v1', 'nodes', 'Node'),
  Secret: resource('v1', 'secrets', 'Secret'),
  Lease: resource('coordination.k8s.io/v1', 'leases', 'Lease'),
  Event: resource('events.k8s.io/v1', 'events', 'Event'),
} as const satisfies Readonly<Record<string, Resource>>;

/**
 * Returns the path of a collection (without a name), of an object, or of its subresource.
 *
 * @param namespace undefined: all namespaces
 */
export function pathOf(of: Resource, namespace?: string, name?: string, subresource?: string): string {
  let path = of.root;
  if (namespace !== undefined) path += `/namespaces/${encodeURIComponent(namespace)}`;
  path += `/${of.plural}`;
  if (name !== undefined) path += `/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function resource(apiVersion: string, plural: string, kind: string): Resource {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return { root, plural, kind, apiVersion };
}
