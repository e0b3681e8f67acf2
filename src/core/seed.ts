import type { Status } from '../api/external-backend.ts';
import type { BackendAddress } from './address.ts';
import { checkId, type PortGroup } from './checks.ts';
import type { Health } from './health.ts';
import type { Endpoints, EndpointSlice } from './objects.ts';
import { reasons } from './verdict.ts';

export interface Published {
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoints[];
}

/**
 * The health with which a check begins after a start, a leader change or an adoption, so that none of them empties a Service.
 *
 * | published | status says      | begins as                          |
 * |-----------|------------------|------------------------------------|
 * | ready     | anything         | healthy                            |
 * | not ready | healthy (drain)  | healthy                            |
 * | not ready | unhealthy        | unhealthy                          |
 * | not ready | unknown, nothing | unknown                            |
 * | no        | anything         | unknown                            |
 *
 * @param now wall milliseconds, for states whose age nobody wrote down
 */
export function seeds(
  groups: readonly PortGroup[],
  addresses: readonly BackendAddress[],
  published: Published,
  status: Status | undefined,
  now: number,
): ReadonlyMap<string, Health> {
  const ready = publishedReadiness(published);
  const said = new Map(
    (status?.targets ?? []).flatMap((target) => target.addresses.map((a) => [a.ip, a] as const)),
  );
  const pairs = groups.flatMap((group) => addresses.map((address) => ({ group, address })));
  return new Map(
    pairs.flatMap(({ group, address }) => {
      const before = said.get(address.ip);
      const state = stateOf(ready.get(`${address.ip} ${publishedPort(group, address)}`), before?.health);
      return state === undefined ? [] : [[checkId(group, address), healthFrom(state, before, now)] as const];
    }),
  );
}

type Said = NonNullable<Status['targets']>[number]['addresses'][number];

/** What the status says of an address stands only as long as it says the same state. */
function healthFrom(state: 'healthy' | 'unhealthy', said: Said | undefined, now: number): Health {
  if (said?.health !== state) return { state, run: 0, since: now, reason: '', message: '' };
  const since = Date.parse(said.since ?? '');
  return {
    state,
    run: 0,
    since: Number.isNaN(since) ? now : since,
    reason: reasons.find((reason) => reason === said.reason) ?? '',
    message: said.message ?? '',
  };
}

function stateOf(ready: boolean | undefined, said: string | undefined): 'healthy' | 'unhealthy' | undefined {
  if (ready === undefined) return undefined;
  if (ready || said === 'healthy') return 'healthy';
  return said === 'unhealthy' ? 'unhealthy' : undefined;
}

const publishedPort = (group: PortGroup, address: BackendAddress): number =>
  address.port !== 0 ? address.port : (group.ports[0]?.targetPort ?? group.ports[0]?.port ?? 0);

/** Whether `ip port` is ready anywhere. */
function publishedReadiness({ slices, endpoints }: Published): ReadonlyMap<string, boolean> {
  const ready = new Map<string, boolean>();
  for (const { ip, port, is } of [...slices.flatMap(fromSlice), ...endpoints.flatMap(fromEndpoints)])
    ready.set(`${ip} ${port}`, is || ready.get(`${ip} ${port}`) === true);
  return ready;
}

interface PublishedEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly is: boolean;
}

/** `serving` tells the truth also where a Service publishes not-ready addresses; left out, an endpoint is ready. */
const fromSlice = (slice: EndpointSlice): readonly PublishedEndpoint[] =>
  (slice.endpoints ?? []).flatMap(({ addresses, conditions }) => {
    const is = conditions?.serving ?? conditions?.ready ?? true;
    return (slice.ports ?? []).flatMap(({ port }) => addresses.map((ip) => ({ ip, port, is })));
  });

const fromEndpoints = ({ subsets }: Endpoints): readonly PublishedEndpoint[] =>
  (subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    ports.flatMap(({ port }) => [
      ...addresses.map(({ ip }) => ({ ip, port, is: true })),
      ...notReadyAddresses.map(({ ip }) => ({ ip, port, is: false })),
    ]),
  );
