import type { Endpoints, EndpointSlice, Service } from '../../../src/core/kubernetes/objects.ts';

/** Objects under the name of a Service. */
export interface Stored {
  readonly service: Service | undefined;
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: Endpoints | undefined;
}

type Spec = Service['spec'] & { readonly healthCheckNodePort?: number };

/**
 * Returns what is compared of them. For addresses and ports that the server allocates, only whether they
 * exist.
 */
export function essenceOf({ service, slices, endpoints }: Stored): unknown {
  return {
    ...(service !== undefined && { service: serviceEssence(service) }),
    endpoints: slices
      .flatMap(({ addressType, ports, endpoints: list }) =>
        (list ?? []).map((each) => [addressType, ports, each]),
      )
      .toSorted(byText),
    labelsOfSlices: [...new Set(slices.map(({ metadata }) => canonical(metadata.labels)))],
    subsets: (endpoints?.subsets ?? []).toSorted(byText),
    hasEndpoints: endpoints !== undefined,
  };
}

function serviceEssence({ metadata, spec }: Service): object {
  const { clusterIP, clusterIPs, ports = [], healthCheckNodePort, ...fields } = spec as Spec;
  const { 'externalbackend.io/applied': _, ...annotations } = metadata.annotations ?? {};
  return {
    ...fields,
    clusterIP: allocated(clusterIP),
    clusterIPs: clusterIPs?.map(allocated),
    hasCheckPort: healthCheckNodePort !== undefined,
    ports: ports
      .map(({ nodePort, ...each }) => ({ ...each, hasNodePort: nodePort !== undefined }))
      .toSorted(byText),
    labels: metadata.labels,
    annotations,
    owners: metadata.ownerReferences,
  };
}

const allocated = (ip: string | undefined) => (ip === undefined || ip === 'None' ? ip : 'an address');

const byText = (a: unknown, b: unknown): number => canonical(a).localeCompare(canonical(b));

/** Returns the same text whatever the order of the fields. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : field,
  );
