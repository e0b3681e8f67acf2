import { contains, type Cidr } from '../../api/cidr.ts';
import { embeddedIps } from '../../api/embedded-ip.ts';
import type { Spec } from '../../api/external-backend.ts';
import { forbiddenRule } from '../../api/forbidden-ranges.ts';
import type { Ip } from '../../api/ip.ts';
import { isExcepted, type ClusterNetwork, type ClusterNetworksOf } from './cluster-networks.ts';

/** Rules that decide whether an address may be published and probed. */
export interface AddressPolicyOptions {
  /** `--deny-cidr` */
  readonly denied?: readonly Cidr[];
  /** `--allow-cidr` */
  readonly allowed?: readonly Cidr[];
  /** Networks of the cluster as they are known now. Default: none. */
  readonly networksOf?: ClusterNetworksOf;
}

/** Use for which an address is admitted. */
export interface AddressUse {
  /** Mode of the backend with the target. ExternalIP: the address is an external IP of a Service. */
  readonly mode: Spec['mode'] | 'ExternalIP';
  /** Ports to which clients are led and which are probed; for an external IP the ports of the Service. */
  readonly ports: readonly number[];
}

/**
 * Returns why an address may neither be published nor probed, as text, such as "denied by --deny-cidr
 * 10.0.0.0/8"; undefined when it may.
 */
export type AddressPolicy = (ip: Ip, use?: AddressUse) => string | undefined;

/**
 * Ports of a Node that Kubernetes uses: etcd, the API server, the kubelet and other parts, OpenShift's
 * Machine Config Server.
 */
export const kubernetesPorts: readonly number[] = [
  ...[2379, 2380, 6443, 10250, 10255, 10256, 10257, 10258, 10259, 22623, 22624],
];

const anyUse: AddressUse = { mode: 'Endpoints', ports: [] };

/**
 * Returns the policy.
 *
 * | the address is                                 | mode Endpoints | mode ExternalName | `--allow-cidr` makes exceptions |
 * |------------------------------------------------|----------------|-------------------|---------------------------------|
 * | in a forbidden range (api/forbidden-ranges.ts) | refused        | refused           | no                              |
 * | in `--deny-cidr`                               | refused        | refused           | yes                             |
 * | a Node's, and a port is one of `kubernetesPorts` or of an API server there | refused        | refused           | yes                             |
 * | a Node's                                       | may be used    | may be used       | -                               |
 * | the API server's                               | refused        | refused           | yes                             |
 * | in a network of Services, or of pods           | refused        | may be used       | yes                             |
 * | an IPv6 address that maps to one of these (api/embedded-ip.ts) | as that one    | as that one       | as that one                     |
 * | any other                                      | may be used    | may be used       | -                               |
 *
 * A Service with the addresses of another Service, or of a pod, leads clients past the NetworkPolicies of
 * that namespace (CVE-2021-25740). An alias is a name, and its clients are treated as if they had used the
 * other name. A port of a Node refuses the address for all ports of the backend, because its ports are ready
 * together.
 *
 * An external IP is admitted like a target of mode Endpoints. Nodes take all traffic to it, so that connections
 * to the true owner of the address end at the Service instead (CVE-2020-8554). External IPs are often routed
 * to a Node. So a Node's address may be used, except at the ports of Kubernetes.
 *
 * An exception must be no larger than the network from which it is made. So an allow list
 * (`--deny-cidr=0.0.0.0/0 --allow-cidr=10.0.0.0/8`) allows no network of the cluster inside of it.
 */
export function addressPolicy(options: AddressPolicyOptions = {}): AddressPolicy {
  return (ip, use = anyUse) => {
    const rule = forbiddenRule(ip);
    if (rule !== undefined) return rule;
    const own = ruleOf(ip, use, options);
    if (own !== undefined) return own;
    for (const { ip: inner, form } of embeddedIps(ip)) {
      const innerRule = ruleOf(inner, use, options);
      if (innerRule !== undefined) return `it leads to ${inner.text} (${form}): ${innerRule}`;
    }
    return undefined;
  };
}

function ruleOf(ip: Ip, use: AddressUse, options: AddressPolicyOptions): string | undefined {
  const { denied = [], allowed = [], networksOf } = options;
  const cidr = denied.find((each) => contains(each, ip) && !isExcepted(allowed, ip, each));
  if (cidr !== undefined) return `denied by --deny-cidr ${cidr.text}`;
  const networks = networksOf?.(ip) ?? [];
  const node = networks.find(({ kind }) => kind === 'node');
  const counted = node === undefined ? networks : [node];
  const servers = networks.filter(({ kind }) => kind === 'apiServer').flatMap(({ ports = [] }) => ports);
  for (const network of counted) {
    if (isExcepted(allowed, ip, network.cidr)) continue;
    const why = texts[network.kind](network, use, servers);
    if (why !== undefined) return `${why} (${flag(network)}): ${wayOutOf(network, use)}`;
  }
  return undefined;
}

type Text = (network: ClusterNetwork, use: AddressUse, serverPorts: readonly number[]) => string | undefined;

const inNetwork =
  (what: string): Text =>
  ({ cidr, source }, { mode }) =>
    mode === 'ExternalName'
      ? undefined
      : `it is in ${cidr.text}, a network of the cluster's ${what} (${source})`;

const texts: Readonly<Record<ClusterNetwork['kind'], Text>> = {
  services: inNetwork('own Services'),
  pods: inNetwork('pods'),
  apiServer: ({ source }) => `it is an address of the Kubernetes API server (${source})`,
  node: ({ source }, { ports }, servers) => {
    const port = ports.find((each) => kubernetesPorts.includes(each) || servers.includes(each));
    return port === undefined
      ? undefined
      : `it is an address of ${source}, where port ${port} belongs to Kubernetes`;
  },
};

const flag = ({ source }: ClusterNetwork): string =>
  source.startsWith('--') ? source : '--deny-cluster-networks=auto';

const wayOutOf = ({ kind }: ClusterNetwork, { mode }: AddressUse): string =>
  mode === 'ExternalIP' && kind !== 'node'
    ? 'an external IP takes the connections to this address away from it: use an address that is routed to nodes, else --allow-cidr'
    : wayOut[kind];

const wayOut: Readonly<Record<ClusterNetwork['kind'], string>> = {
  services:
    'for a Service of the cluster use mode: ExternalName with host NAME.NAMESPACE.svc.cluster.local, else --allow-cidr',
  pods: 'for pods use services[].selector, or mode: ExternalName with the host of their Service, else --allow-cidr',
  apiServer: 'no target may be the API server, except with --allow-cidr',
  node: 'use another port, or --allow-cidr',
};
