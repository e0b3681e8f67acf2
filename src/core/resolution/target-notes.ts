import type { Target } from '../../api/external-backend.ts';
import { clusterAddressText, type ClusterAddressOf } from './cluster-addresses.ts';
import { isDrained, originsOf, type Given } from './origins.ts';
import type { HostAddress } from './resolve-host.ts';

/**
 * Part of a target's message: why an address is not published through it, or which of its fields has no
 * effect.
 */
export interface Note {
  readonly text: string;
  /** True if the address is published, through this target or another one. */
  readonly harmless: boolean;
}

export const refuse = (text: string): Note => ({ text, harmless: false });

type GivenIp = Given & { readonly ip: string };

/** Returns notes for targets that drain an address which another target gives without drain. */
export function drainNotes(
  targets: readonly Target[],
  addresses: readonly GivenIp[],
): ReadonlyMap<Target, readonly Note[]> {
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
): readonly Note[] =>
  addresses.flatMap(({ ip }) => {
    const found = clusterAddressOf(ip);
    return found === undefined ? [] : [{ text: clusterAddressText(ip, found), harmless: true }];
  });

/**
 * Returns a note if SRV records have several priorities. RFC 2782 requires clients to use the lowest that
 * they can reach.
 */
export function priorityNotes(addresses: readonly HostAddress[]): readonly Note[] {
  const all = [...new Set(addresses.flatMap(({ record }) => record?.priority ?? []))].toSorted(
    (a, b) => a - b,
  );
  const last = all.pop();
  if (last === undefined || all.length === 0) return [];
  const which = all.length > 3 ? `from ${all[0]} to ${last}` : `${all.join(', ')} and ${last}`;
  const text = `the SRV records have priorities ${which}; priorities are ignored, and servers of all priorities get connections`;
  return [{ text, harmless: true }];
}
