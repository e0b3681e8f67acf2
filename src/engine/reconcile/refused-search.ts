import type { Action } from '../../core/kubernetes/action.ts';
import type { OperatorError } from '../../core/errors.ts';
import type { Endpoints, EndpointSlice } from '../../core/kubernetes/objects.ts';
import { perform } from './apply.ts';
import type { Writer } from '../ports.ts';

/** A write of addresses. */
export type AddressWrite = Extract<Action, { op: 'create' | 'update' }>;

/**
 * Returns the most dry runs for one refused write. To halve a list takes fewer than two requests per address.
 */
const maxRequests = (addresses: number): number => Math.max(64, 2 * addresses);

/**
 * Finds the addresses because of which a write is refused. The result is empty if the write is refused
 * whatever its addresses (quota, role, webhook that is down), or is accepted now. Only dry runs are sent: the
 * API server admits or refuses them like the write.
 *
 * | the refusal                                        | refused addresses                                          |
 * |----------------------------------------------------|------------------------------------------------------------|
 * | names some, and without them the write is accepted | those of them that are refused                             |
 * | names some, and a webhook does not support dry runs | these                                                     |
 * | names none, and without the new ones the write is accepted | among the new ones, by halves                      |
 * | names none, and without the new ones the write is refused too | among all, by halves; none if it is refused without any |
 *
 * @param before addresses that the object has now
 */
export async function refusedAddresses(
  write: AddressWrite,
  error: OperatorError,
  before: ReadonlySet<string>,
  writer: Writer,
): Promise<readonly string[]> {
  const all = addressesIn(write.object);
  let requests = 0;
  const unknown: OperatorError[] = [];
  const isLost = (): boolean => unknown.length > 0;
  const answer = async (addresses: readonly string[]): Promise<'accepted' | 'refused' | 'unknown'> => {
    requests += 1;
    const object = only(write.object, new Set(addresses));
    const failure = await perform(writer, { op: 'dryRun', write: { op: write.op, object } });
    if (failure === undefined) return 'accepted';
    if (failure.kind === 'terminal' && !/dry.?run/i.test(failure.message)) return 'refused';
    unknown.push(failure);
    return 'unknown';
  };
  /** Finds the refused addresses in a list that is refused as a whole. */
  const search = async (list: readonly string[]): Promise<readonly string[]> => {
    if (isLost()) return [];
    if (list.length <= 1) return list;
    if (requests >= maxRequests(all.length)) return [];
    const half = Math.ceil(list.length / 2);
    const [a, b] = [list.slice(0, half), list.slice(half)];
    const isFirstGood = (await answer(a)) === 'accepted';
    const first = isFirstGood ? [] : await search(a);
    const isSecondGood = !isFirstGood && (await answer(b)) === 'accepted';
    const second = isSecondGood ? [] : await search(b);
    return isLost() ? [] : [...first, ...second];
  };
  const without = (list: readonly string[]): readonly string[] => all.filter((ip) => !list.includes(ip));

  const named = all.filter((ip) => isNamed(error.message, ip));
  if (named.length > 0 && named.length < all.length) {
    const rest = await answer(without(named));
    if (rest === 'unknown') return named;
    if (rest === 'accepted') return search(named);
  }
  if ((await answer(all)) !== 'refused') return [];
  const added = all.filter((ip) => !before.has(ip));
  if (added.length > 0 && added.length < all.length && (await answer(without(added))) === 'accepted')
    return search(added);
  return (await answer([])) === 'accepted' ? search(all) : [];
}

/** Returns true when a text contains an address, and not only a longer one that begins or ends with it. */
function isNamed(text: string, ip: string): boolean {
  const at = text.indexOf(ip);
  if (at < 0) return false;
  const [before = '', after = ''] = [text[at - 1], text[at + ip.length]];
  const next = text.slice(at + ip.length, at + ip.length + 2);
  const goesOn = /[\da-f:]/i.test(after) && !(after === ':' && !/^:[\da-f]/i.test(next));
  if (!/[\da-f.:]/i.test(before) && !goesOn && !/^\.\d/.test(next)) return true;
  return isNamed(text.slice(at + 1), ip);
}

export function addressesIn(object: EndpointSlice | Endpoints): readonly string[] {
  if (object.kind === 'EndpointSlice')
    return (object.endpoints ?? []).flatMap(({ addresses: [ip] }) => ip ?? []);
  const subsets = object.subsets ?? [];
  return [
    ...new Set(
      subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) =>
        [...addresses, ...notReadyAddresses].map(({ ip }) => ip),
      ),
    ),
  ];
}

/** Returns the object with only these addresses. */
function only(object: EndpointSlice | Endpoints, ips: ReadonlySet<string>): EndpointSlice | Endpoints {
  if (object.kind === 'EndpointSlice')
    return {
      ...object,
      endpoints: (object.endpoints ?? []).filter(({ addresses: [ip = ''] }) => ips.has(ip)),
    };
  const subsets = (object.subsets ?? []).map(({ addresses = [], notReadyAddresses = [], ...subset }) => ({
    ...subset,
    addresses: addresses.filter(({ ip }) => ips.has(ip)),
    notReadyAddresses: notReadyAddresses.filter(({ ip }) => ips.has(ip)),
  }));
  const isFull = (subset: (typeof subsets)[number]): boolean =>
    subset.addresses.length + subset.notReadyAddresses.length > 0;
  return { ...object, subsets: subsets.filter(isFull) };
}
