import type { AddressStatus, TargetStatus } from './conditions.ts';

/**
 * Returns the stored status of a target where the computed one differs by nothing but marks. Marks move with every
 * answer of a name that rotates its addresses, and with a restart. They are written when something else changes.
 *
 * | difference                                             | status of the target |
 * |--------------------------------------------------------|----------------------|
 * | none                                                   | stored               |
 * | `resolution.resolvedAt`                                | stored               |
 * | order of addresses; which of them are `kept`, as many as before | stored      |
 * | anything else                                          | computed             |
 */
export const steadyTarget = (computed: TargetStatus, stored: TargetStatus | undefined): TargetStatus =>
  stored !== undefined && differOnlyByMarks(computed, stored) ? stored : computed;

function differOnlyByMarks(a: TargetStatus, b: TargetStatus): boolean {
  if (a.addresses.length !== b.addresses.length || keptOf(a) !== keptOf(b)) return false;
  const { addresses: _, resolution: { resolvedAt: __, ...resolution } = {}, ...rest } = a;
  const { addresses: ___, resolution: { resolvedAt: ____, ...others } = {}, ...more } = b;
  return isEqual(rest, more) && isEqual(resolution, others) && sameAddresses(a.addresses, b.addresses);
}

const keptOf = ({ addresses }: TargetStatus): number => addresses.filter(({ kept }) => kept === true).length;

function sameAddresses(a: readonly AddressStatus[], b: readonly AddressStatus[]): boolean {
  const stored = new Map(b.map((address) => [placeOf(address), address]));
  return a.every((address) => {
    const other = stored.get(placeOf(address));
    if (other === undefined) return false;
    const { kept: _, ...rest } = address;
    const { kept: __, ...more } = other;
    return isEqual(rest, more);
  });
}

const placeOf = ({ ip, host, port }: AddressStatus): string => `${ip} ${port ?? ''} ${host ?? ''}`;

/** Of what a status holds, whatever the order of its fields. A field that is undefined is absent. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a, b].map(fieldsOf);
  return (
    left !== undefined &&
    left.size === right?.size &&
    [...left].every(([key, value]) => right.has(key) && isEqual(value, right.get(key)))
  );
}

const fieldsOf = (value: object): ReadonlyMap<string, unknown> =>
  new Map(Object.entries(value).filter(([, field]: [string, unknown]) => field !== undefined));
