import { contains, type Cidr } from '../../api/cidr.ts';
import type { Ip } from '../../api/ip.ts';

/**
 * A network, or an address, of the cluster itself.
 *
 * | kind      | network                                   |
 * |-----------|-------------------------------------------|
 * | services  | a ServiceCIDR, or one of `--service-cidr` |
 * | pods      | a podCIDR of a Node                       |
 * | apiServer | an address of the API server              |
 * | node      | an address of a Node                      |
 */
export interface ClusterNetwork {
  readonly kind: 'services' | 'pods' | 'apiServer' | 'node';
  readonly cidr: Cidr;
  /** Object or setting from which it was read, such as "ServiceCIDR kubernetes". */
  readonly source: string;
  /** Ports on which the API server listens there. */
  readonly ports?: readonly number[];
}

/** Returns all networks that contain an address. */
export type ClusterNetworksOf = (ip: Ip) => readonly ClusterNetwork[];

/**
 * Indexes networks by the length of their prefix, because there are thousands of them (each Node has one or
 * two) and few lengths.
 */
export function clusterNetworksOf(networks: readonly ClusterNetwork[]): ClusterNetworksOf {
  const byLength = Map.groupBy(networks, ({ cidr }) => `${cidr.ip.family} ${cidr.bits}`);
  const levels = [...byLength.values()].map((same) => ({
    bits: same[0]?.cidr.bits ?? 0,
    family: same[0]?.cidr.ip.family,
    byPrefix: Map.groupBy(same, ({ cidr }) => prefixOf(cidr.ip, cidr.bits)),
  }));
  return (ip) =>
    levels.flatMap(({ bits, family, byPrefix }) =>
      family === ip.family ? (byPrefix.get(prefixOf(ip, bits)) ?? []) : [],
    );
}

/** Returns the first bits of an address as text. */
function prefixOf({ bytes }: Ip, bits: number): string {
  const whole = bits >> 3;
  const rest = bits & 7;
  const head = String.fromCharCode(...bytes.slice(0, whole));
  return rest === 0 ? head : head + String.fromCharCode((bytes[whole] ?? 0) & (0xff00 >> rest) & 0xff);
}

/**
 * Returns true when an exception applies to an address in a network: it contains the address, and is no
 * larger than the network.
 */
export const isExcepted = (allowed: readonly Cidr[], ip: Ip, network: Cidr): boolean =>
  allowed.some((cidr) => cidr.bits >= network.bits && contains(cidr, ip));
