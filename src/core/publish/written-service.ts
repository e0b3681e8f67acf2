import type { BackendAddress } from '../resolution/addresses.ts';
import type { DesiredService } from './desired.ts';
import type { EndpointSlice } from '../kubernetes/objects.ts';
import { isOurSlice } from '../kubernetes/ownership.ts';
import type { Observed } from './problems.ts';
import type { ActiveFallback } from './none-ready.ts';
import { endpointKey } from './slice-layout.ts';
import { isToBeReady, markedIn, isReadyIn } from './slice-readiness.ts';
import type { Tier } from './tiers.ts';

/** Written state of one Service: what a client of the cluster finds, whatever was planned. */
export interface WrittenService {
  readonly name: string;
  readonly role: DesiredService['spec']['role'];
  /** `terminating`: it is being deleted, and a finalizer keeps it. */
  readonly state: 'written' | 'missing' | 'terminating';
  /** Number of addresses that its slices have as ready for every port, and number of all addresses. */
  readonly ready: number;
  readonly total: number;
  /**
   * Every port has an address that is ready in a slice and is to be ready. For an alias: it points to the
   * chosen host.
   */
  readonly available: boolean;
  /** `whenNoneReady`, while its slices publish addresses that are not ready because of it. */
  readonly fallback?: ActiveFallback;
  /** Tier in use, if its addresses have several. */
  readonly tier?: Tier | undefined;
  /**
   * Returns true if slices have the address as ready for every port; undefined: the Service does not want the
   * address.
   */
  readonly isReady: (address: BackendAddress) => boolean | undefined;
}

/**
 * Returns the written state of a Service.
 *
 * | Service                  | state       |
 * |--------------------------|-------------|
 * | none                     | missing     |
 * | with a deletionTimestamp | terminating |
 * | any other                | written     |
 *
 * @param observed objects after the writes
 */
export function writtenService(desired: DesiredService, observed: Observed): WrittenService {
  const { service } = observed;
  const state =
    service === undefined
      ? 'missing'
      : service.metadata.deletionTimestamp === undefined
        ? 'written'
        : 'terminating';
  const { name, spec } = desired;
  const named = { name, role: spec.role, state } as const;
  const { externalName } = desired.body.spec;
  if (externalName !== undefined) {
    const available = state === 'written' && service?.spec.externalName === externalName;
    return { ...named, ready: 0, total: 0, available, isReady: () => undefined };
  }
  const slices = observed.slices.filter(isOurSlice);
  const isMarked = slices.some((slice) => markedIn(slice).size > 0);
  const isFallback = desired.fallback !== undefined && state === 'written' && isMarked;
  return {
    ...named,
    ...endpointsOf(desired, slices, state === 'written'),
    ...(isFallback && { fallback: desired.fallback }),
    ...(state === 'written' && { tier: desired.tier }),
  };
}

function endpointsOf(
  desired: DesiredService,
  slices: readonly EndpointSlice[],
  exists: boolean,
): Pick<WrittenService, 'ready' | 'total' | 'available' | 'isReady'> {
  const readiness = readinessIn(slices);
  const portsOf = Map.groupBy(
    desired.groups.flatMap(({ endpoints, ports }) =>
      endpoints.map((endpoint) => ({ ip: endpointKey(endpoint), ports })),
    ),
    ({ ip }) => ip,
  );
  const isIn = (ip: string, ports: readonly { readonly port: number }[]): boolean =>
    ports.every(({ port }) => readiness.get(`${ip} ${port}`) === true);
  const groupsOf = ({ ip, port }: BackendAddress) =>
    (portsOf.get(ip) ?? []).filter(({ ports }) => port === 0 || ports.every((each) => each.port === port));
  const isReady = (address: BackendAddress): boolean | undefined => {
    const groups = groupsOf(address);
    return groups.length === 0 ? undefined : groups.every(({ ports }) => isIn(address.ip, ports));
  };
  const present = new Map<string, boolean>();
  for (const slice of slices) {
    const isReadyHere = isReadyIn(slice);
    for (const endpoint of slice.endpoints ?? [])
      present.set(
        endpointKey(endpoint),
        isReadyHere(endpoint) && present.get(endpointKey(endpoint)) !== false,
      );
  }
  const addresses = desired.addresses.filter(({ ip }) => present.has(ip));
  const others = [...present].filter(([ip]) => !portsOf.has(ip));
  const byPort = Map.groupBy(desired.groups, ({ ports }) => ports.map(({ name }) => name).join());
  const serves = (groups: DesiredService['groups']): boolean =>
    groups.some((group) =>
      group.endpoints.some((each) => isToBeReady(group, each) && isIn(endpointKey(each), group.ports)),
    );
  return {
    ready:
      addresses.filter((address) => isReady(address) === true).length + others.filter(([, is]) => is).length,
    total: addresses.length + others.length,
    available: exists && desired.available && [...byPort.values()].every(serves),
    isReady,
  };
}

/** `<ip> <port>` -> true if any slice has it as ready. */
function readinessIn(slices: readonly EndpointSlice[]): ReadonlyMap<string, boolean> {
  const ready = new Map<string, boolean>();
  for (const slice of slices) {
    const isReady = isReadyIn(slice);
    for (const endpoint of slice.endpoints ?? [])
      for (const { port } of slice.ports ?? []) {
        const key = `${endpointKey(endpoint)} ${port}`;
        ready.set(key, isReady(endpoint) || ready.get(key) === true);
      }
  }
  return ready;
}
