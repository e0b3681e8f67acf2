import type { Service } from './objects.ts';

/** Kind of an address that kube-proxy translates, for connections of pods and of probes alike. */
export interface ClusterAddress {
  readonly kind: 'clusterIP' | 'externalIP' | 'loadBalancer';
  /** `namespace/name` */
  readonly service: string;
}

/** Undefined: an address like any other. `ip` is canonical. */
export type ClusterAddressOf = (ip: string) => ClusterAddress | undefined;

/** The addresses of a Service that kube-proxy translates. */
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
 * Text about a target that is an address of the cluster itself. A node translates a connection once: what a Service leads to
 * is not translated again, while a probe dials the target itself and is.
 *
 * | the target is           | its probe reaches | clients of our Service reach              | so it is  |
 * |-------------------------|-------------------|-------------------------------------------|-----------|
 * | a cluster IP            | that Service      | nothing: no host has the address          | refused   |
 * | a load balancer's, an external IP | that Service, on the node | whatever the network brings them to | published, and the status reports it |
 *
 * A headless Service and an alias lead to the address itself: there it is a target like any other, unless the address policy
 * refuses the network that it is in (address-policy.ts).
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
