import type { Target } from '../../api/external-backend.ts';
import { clusterAddressText, type ClusterAddressOf } from './cluster-addresses.ts';
import { isDrained, originsOf, type AddressOrigins } from './origins.ts';

/**
 * Part of a target's message: why an address is not published through it, or which of its fields has no
 * effect.
 */
export interface TargetNote {
  readonly text: string;
  /** True if the address is published, through this target or another one. */
  readonly harmless: boolean;
}

export const refusalNotes = (text: string): TargetNote => ({ text, harmless: false });

type GivenIp = AddressOrigins & { readonly ip: string };

/** Returns notes for targets that drain an address which another target gives without drain. */
export function drainNotes(
  targets: readonly Target[],
  addresses: readonly GivenIp[],
): ReadonlyMap<Target, readonly TargetNote[]> {
  if (!targets.some(({ drain }) => drain)) return new Map();
  const notes = addresses.flatMap((address) => {
    const origins = originsOf(address);
    const other = origins.find(({ target }) => !target.drain);
    if (other === undefined || isDrained(address)) return [];
    const text = `${address.ip} is not fully drained: target ${other.target.host} also provides it`;
    return origins.flatMap(({ target }) => (target.drain ? [{ target, text, harmless: true }] : []));
  });
  return Map.groupBy(notes, ({ target }) => target);
}

/** Returns notes for addresses that are published although the cluster has them too. */
export const clusterNotes = (
  addresses: readonly GivenIp[],
  clusterAddressOf: ClusterAddressOf,
): readonly TargetNote[] =>
  addresses.flatMap(({ ip }) => {
    const clusterAddress = clusterAddressOf(ip);
    return clusterAddress === undefined
      ? []
      : [{ text: clusterAddressText(ip, clusterAddress), harmless: true }];
  });
