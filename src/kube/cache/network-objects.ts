import { hostCidr, parseCidr } from '../../api/cidr.ts';
import { parseIp } from '../../api/ip.ts';
import type { ClusterNetwork } from '../../core/resolution/cluster-networks.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { resources, type Resource } from '../client/resources.ts';

/** Object as it is cached: only the networks of the cluster that it contains. */
export interface NetworkObject extends KubeObject {
  readonly networks: readonly ClusterNetwork[];
}

interface Raw {
  readonly metadata: {
    readonly name: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}

const held = (
  raw: unknown,
  { apiVersion, kind }: Resource,
  networks: readonly ClusterNetwork[],
): NetworkObject => {
  const { name, uid, resourceVersion } = (raw as Raw).metadata;
  const metadata = {
    name,
    namespace: '',
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
  return { apiVersion, kind, metadata, networks };
};

const nets = (
  kind: 'services' | 'pods',
  texts: readonly string[] = [],
  source: string,
): readonly ClusterNetwork[] =>
  texts.flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr === undefined ? [] : [{ kind, cidr, source }];
  });

const hosts = (
  kind: 'apiServer' | 'node',
  texts: readonly string[],
  source: string,
  ports?: readonly number[],
): readonly ClusterNetwork[] =>
  [...new Set(texts)].flatMap((text) => {
    const ip = parseIp(text);
    return ip === undefined ? [] : [{ kind, cidr: hostCidr(ip), source, ...(ports && { ports }) }];
  });

/**
 * Returns the networks of Services in a ServiceCIDR. One that is being deleted counts until it is deleted,
 * because Services may still have addresses in it.
 */
export function projectServiceCidr(raw: unknown): NetworkObject {
  const { metadata, spec } = raw as Raw & { readonly spec?: { readonly cidrs?: readonly string[] } };
  return held(raw, resources.ServiceCIDR, nets('services', spec?.cidrs, `ServiceCIDR ${metadata.name}`));
}

interface RawNode extends Raw {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  };
}

/** Returns the networks of the pods of a Node, and its own addresses. */
export function projectNode(raw: unknown): NetworkObject {
  const { metadata, spec = {}, status = {} } = raw as RawNode;
  const { podCIDR, podCIDRs = podCIDR === undefined ? [] : [podCIDR] } = spec;
  const source = `Node ${metadata.name}`;
  const addresses = (status.addresses ?? []).map(({ address }) => address);
  return held(raw, resources.Node, [...nets('pods', podCIDRs, source), ...hosts('node', addresses, source)]);
}

interface RawSlice extends Raw {
  readonly endpoints?: readonly { readonly addresses?: readonly string[] }[] | null;
  readonly ports?: readonly { readonly port?: number }[] | null;
}

/** Returns the addresses of the API server in the slice that it writes for the Service kubernetes. */
export function projectServerSlice(raw: unknown): NetworkObject {
  const { endpoints, ports } = raw as RawSlice;
  const addresses = (endpoints ?? []).flatMap((each) => each.addresses ?? []);
  const numbers = (ports ?? []).flatMap(({ port }) => port ?? []);
  return held(
    raw,
    resources.EndpointSlice,
    hosts('apiServer', addresses, 'EndpointSlice of default/kubernetes', numbers),
  );
}

/** Returns the address that the operator itself uses for the API server; none if that is a host name. */
export function serverNetworks(server: string): readonly ClusterNetwork[] {
  const { hostname, port, protocol } = new URL(server);
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  return hosts('apiServer', [hostname.replace(/^\[|\]$/g, '')], 'as the operator reaches it', [number]);
}
