import { refused } from './service-registry.ts';
import type { AppliedService } from '../../../src/core/kubernetes/action.ts';
import type {
  EndpointAddress,
  Endpoints,
  EndpointSubset,
  Service,
} from '../../../src/core/kubernetes/objects.ts';

// Results of our writes in the API server, as far as the plan depends on them. Integration tests compare it with a real one.

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listKeys: Readonly<Record<string, (item: Fields) => string>> = {
  ports: (port) => JSON.stringify([port['port'], port['protocol'] ?? 'TCP']),
  ownerReferences: (owner) => String(owner['uid']),
};

/** Server-side apply: removes fields that the last apply set and this one does not. Fields of other owners remain. */
export function applied(stored: unknown, before: unknown, now: unknown, field = ''): unknown {
  const key = listKeys[field];
  if (key !== undefined) return appliedList(stored, before, now, key);
  if (now === undefined) return before === undefined || isFields(before) ? rest(stored, before) : undefined;
  if (!isFields(now)) return now;
  const all = new Set([...Object.keys(isFields(stored) ? stored : {}), ...Object.keys(now)]);
  const get = (from: unknown, name: string) => (isFields(from) ? from[name] : undefined);
  const merged = [...all].map(
    (name) => [name, applied(get(stored, name), get(before, name), now[name], name)] as const,
  );
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
}

function rest(stored: unknown, before: unknown): unknown {
  if (!isFields(stored) || !isFields(before)) return stored;
  const kept = Object.entries(stored).map(
    ([name, value]) => [name, applied(value, before[name], undefined, name)] as const,
  );
  const left = kept.filter(([, value]) => value !== undefined);
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

function appliedList(stored: unknown, before: unknown, now: unknown, key: (item: Fields) => string): unknown {
  const map = (list: unknown) =>
    new Map((Array.isArray(list) ? (list as Fields[]) : []).map((item) => [key(item), item] as const));
  const [is, was, wanted] = [map(stored), map(before), map(now)];
  if (Array.isArray(now) && wanted.size < now.length) throw refused('duplicate entries for key');
  const kept = [...is].filter(([name]) => !was.has(name) || wanted.has(name));
  const names = new Set([...kept.map(([name]) => name), ...wanted.keys()]);
  const items = [...names].map((name) =>
    wanted.has(name) ? applied(is.get(name), was.get(name), wanted.get(name)) : is.get(name),
  );
  return items.length === 0 ? undefined : items;
}

/** Strategy.Canonicalize of Endpoints: RepackSubsets. Ports with the same addresses share a subset; one hostname per IP. */
export function repacked(object: Endpoints): Endpoints {
  const known = new Map<string, EndpointAddress>();
  const byPort = new Map<string, Map<string, boolean>>();
  for (const subset of object.subsets ?? [])
    for (const port of subset.ports ?? []) {
      const of = byPort.get(JSON.stringify(port)) ?? new Map<string, boolean>();
      byPort.set(JSON.stringify(port), of);
      const see = (address: EndpointAddress, ready: boolean): void => {
        known.set(address.ip, known.get(address.ip) ?? address);
        if (of.get(address.ip) !== false) of.set(address.ip, ready);
      };
      for (const address of subset.addresses ?? []) see(address, true);
      for (const address of subset.notReadyAddresses ?? []) see(address, false);
    }
  const sets = Map.groupBy(byPort, ([, of]) => JSON.stringify([...of].toSorted()));
  const subsets = [...sets.values()].map((ports): EndpointSubset => {
    const of = [...(ports[0]?.[1] ?? [])];
    const side = (ready: boolean) => of.flatMap(([ip, is]) => (is === ready ? (known.get(ip) ?? []) : []));
    return {
      ...(side(true).length > 0 && { addresses: side(true) }),
      ...(side(false).length > 0 && { notReadyAddresses: side(false) }),
      ports: ports.map(([port]) => JSON.parse(port) as NonNullable<EndpointSubset['ports']>[number]),
    };
  });
  const { subsets: _, ...others } = object;
  return subsets.length === 0 ? others : { ...others, subsets };
}

/** JSON merge patch, RFC 7396. */
export function merged(stored: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const all = Object.entries(patch).map(([name, value]) => {
    const before = isFields(stored) ? stored[name] : undefined;
    return [name, value === undefined ? before : value === null ? undefined : merged(before, value)] as const;
  });
  const result = { ...(isFields(stored) ? stored : {}), ...Object.fromEntries(all) };
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined));
}

/** Returns the Service after an apply. */
export const appliedService = (
  stored: Service | undefined,
  before: AppliedService | undefined,
  now: AppliedService,
): Service => applied(stored, before, now) as Service;
