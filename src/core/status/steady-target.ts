import type { StoredAddress, StoredTarget, TargetStatus } from './status-parts.ts';
import { isSame } from '../kubernetes/is-same.ts';

/**
 * Returns the stored status of a target if the computed one differs only in marks. Marks change with every
 * answer of a name that rotates its addresses, and with a restart. They are written when something else
 * changes.
 *
 * | difference              | status of the target |
 * |-------------------------|----------------------|
 * | none                    | stored               |
 * | `resolution.resolvedAt` | stored               |
 * | order of addresses; which of them are `kept`, if as many as before | stored               |
 * | anything else           | computed             |
 */
export const steadyTarget = (computed: TargetStatus, stored: StoredTarget | undefined): TargetStatus =>
  // They have the same states and reasons, so the type holds for both.
  stored !== undefined && differOnlyByMarks(computed, stored) ? (stored as TargetStatus) : computed;

const differOnlyByMarks = (a: TargetStatus, b: StoredTarget): boolean =>
  a.addresses.length === b.addresses.length &&
  keptOf(a) === keptOf(b) &&
  isSame(a, b, ['addresses', 'resolution']) &&
  isSame(a.resolution ?? {}, b.resolution ?? {}, ['resolvedAt']) &&
  sameAddresses(a.addresses, b.addresses);

const keptOf = ({ addresses }: StoredTarget): number => addresses.filter(({ kept }) => kept === true).length;

/** Compares addresses in any order. In most cases they are in the same order. */
function sameAddresses(a: readonly StoredAddress[], b: readonly StoredAddress[]): boolean {
  if (a.every((address, i) => isLike(address, b[i]))) return true;
  const stored = new Map(b.map((address) => [placeOf(address), address]));
  return stored.size === b.length && a.every((address) => isLike(address, stored.get(placeOf(address))));
}

const isLike = (a: StoredAddress, b: StoredAddress | undefined): boolean => isSame(a, b, ['kept']);

const placeOf = ({ ip, host, port }: StoredAddress): string => `${ip} ${port ?? ''} ${host ?? ''}`;
