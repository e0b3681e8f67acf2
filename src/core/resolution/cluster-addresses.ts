import type { Service } from '../kubernetes/objects.ts';

/** Kind of an address that kube-proxy translates, for connections of pods and of probes alike. */
export interface ClusterAddress {
  readonly kind: 'clusterIP' | 'externalIP' | 'loadBalancer';
  /** `namespace/name` */
  readonly service: string;
}

/** Looks up a canonical IP; undefined: kube-proxy does not translate it. */
export type ClusterAddressOf = (ip: string) => ClusterAddress | undefined;

/** Returns the addresses of a Service that kube-proxy translates. */
export function addressesOfService({ spec, ingress = [] }: Service): readonly string[] {
  const { clusterIP = 'None', clusterIPs = [clusterIP], externalIPs = [] } = spec;
  return [...new Set([...clusterIPs, ...externalIPs, ...ingress])].filter((ip) => ip !== 'None' && ip !== '');
}

export function clusterAddress(ip: string, service: Service): ClusterAddress {
  const { metadata, spec } = service;
  const kind =
    spec.clusterIP === ip || spec.clusterIPs?.includes(ip) === true
      ? 'clusterIP'
      : spec.externalIPs?.includes(ip) === true
        ? 'externalIP'
        : 'loadBalancer';
  return { kind, service: `${metadata.namespace}/${metadata.name}` };
}

/**
 * Returns the text about a target that is an address of the cluster itself. A node translates a connection
 * only once. The addresses in the slices of a Service are not translated again. A probe connects to the
 * target directly, and its connection is translated.
 *
 * | the target is                              | its probe reaches         | clients of our Service reach        | result                                |
 * |--------------------------------------------|---------------------------|-------------------------------------|---------------------------------------|
 * | a cluster IP                               | that Service              | nothing: no host has the address    | refused                               |
 * | a load balancer address, or an external IP | that Service, on the node | whatever the network routes them to | published, and reported in the status |
 *
 * A headless Service and an alias lead to the address itself. There it is a target like any other, unless the
 * address policy refuses its network (address-policy.ts).
 */
export function clusterAddressText(ip: string, { kind, service }: ClusterAddress): string {
  const name = service.split('/').toReversed().join('.');
  if (kind === 'clusterIP')
    return `${ip} is refused: it is the cluster IP of Service ${service}, ${why}: ${wayOut(name)}`;
  const what = kind === 'externalIP' ? 'an external IP' : 'a load balancer address';
  return `${ip} is ${what} of Service ${service}: probes reach that Service, but clients may not: ${wayOut(name)}`;
}

/** Returns true for an address that is not published; see the table of `clusterAddressText`. */
export const isRefusedAddress = ({ kind }: ClusterAddress): boolean => kind === 'clusterIP';

const why = 'which clients of another Service cannot reach';

const wayOut = (name: string): string =>
  `use mode: ExternalName with host ${name}.svc.cluster.local, or the servers' own addresses as targets`;
