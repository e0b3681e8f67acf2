import type { Status } from '../api/external-backend.ts';
import type { BackendAddress } from './address.ts';
import { checkId, type PortGroup } from './checks.ts';
import type { Health } from './health.ts';
import type { Endpoints, EndpointSlice } from './objects.ts';
import { isOurSlice } from './ownership.ts';
import { portText } from './readiness.ts';
import { seededTelling } from './telling.ts';
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
 * @param published undefined: an alias, which has no slices: what the status says stands
 * @param now wall milliseconds, for states whose age nobody wrote down
 */
export function seeds(
  groups: readonly PortGroup[],
  addresses: readonly BackendAddress[],
  published: Published | undefined,
  status: Status | undefined,
  now: number,
): ReadonlyMap<string, Health> {
  const readyOf = published && publishedReadiness(published);
  const said = new Map(
    (status?.targets ?? []).flatMap(({ port = 0, addresses: all }) =>
      all.map((a) => [`${a.ip} ${a.port ?? port}`, a] as const),
    ),
  );
  const pairs = groups.flatMap((group) => addresses.map((address) => ({ group, address })));
  return new Map(
    pairs.flatMap(({ group, address }) => {
      const whole = said.get(`${address.ip} ${address.record?.port ?? address.target.port}`);
      const before = groups.length === 1 ? whole : saidOf(group, whole);
      const ready = readyOf === undefined ? before && before.health === 'healthy' : readyOf(group, address);
      const state = stateOf(ready, before?.health);
      return state === undefined ? [] : [[checkId(group, address), healthFrom(state, before, now)] as const];
    }),
  );
}

type Said = NonNullable<Status['targets']>[number]['addresses'][number];

/** Of an unhealthy address with several port groups the status tells of one, which it names. */
function saidOf(group: PortGroup, said: Said | undefined): Said | undefined {
  if (said?.health !== 'unhealthy') return said;
  const [name, ...words] = (said.message ?? '').split(': ');
  return name === portText(group) ? { ...said, message: words.join(': ') } : undefined;
}

/** What the status says of an address stands only as long as it says the same state. */
function healthFrom(state: 'healthy' | 'unhealthy', said: Said | undefined, now: number): Health {
  const role = roles.find((each) => each === said?.role);
  const telling = role !== undefined && state === 'healthy' ? { telling: seededTelling(role, now) } : {};
  if (said?.health !== state) return { state, run: 0, since: now, reason: '', message: '', ...telling };
  const since = Date.parse(said.since ?? '');
  return {
    state,
    run: 0,
    since: Number.isNaN(since) ? now : since,
    reason: reasons.find((reason) => reason === said.reason) ?? '',
    message: said.message ?? '',
    ...telling,
  };
}

const roles = ['Primary', 'Replica'] as const;

function stateOf(ready: boolean | undefined, said: string | undefined): 'healthy' | 'unhealthy' | undefined {
  if (ready === undefined) return undefined;
  if (ready || said === 'healthy') return 'healthy';
  return said === 'unhealthy' ? 'unhealthy' : undefined;
}

export const publishedPort = (group: PortGroup, address: BackendAddress): number =>
  address.port !== 0 ? address.port : (group.ports[0]?.targetPort ?? group.ports[0]?.port ?? 0);

/**
 * Looks up how an address is published. Slices of ours know best; then those of others; then Endpoints, which cannot
 * tell an address that is published although it is not ready. In each, the port of that name before the mere number.
 */
function publishedReadiness({ slices, endpoints }: Published) {
  const [ours, others] = [true, false].map((is) => slices.filter((slice) => isOurSlice(slice) === is));
  const layers = [
    index((ours ?? []).flatMap(fromSlice)),
    index((others ?? []).flatMap(fromSlice)),
    index(endpoints.flatMap(fromEndpoints)),
  ];
  return (group: PortGroup, address: BackendAddress): boolean | undefined => {
    const place = `${address.ip} ${publishedPort(group, address)}`;
    const named = `${place} ${group.ports[0]?.name ?? ''}`;
    return layers.map((layer) => layer.get(named) ?? layer.get(place)).find((is) => is !== undefined);
  };
}

/** Ready where it is ready in any. */
function index(published: readonly PublishedEndpoint[]): ReadonlyMap<string, boolean> {
  const ready = new Map<string, boolean>();
  for (const { ip, port, name, is } of published)
    for (const key of [`${ip} ${port}`, `${ip} ${port} ${name}`])
      ready.set(key, is || ready.get(key) === true);
  return ready;
}

interface PublishedEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly name: string;
  readonly is: boolean;
}

/** `serving` tells the truth also where a Service publishes not-ready addresses; left out, an endpoint is ready. */
const fromSlice = (slice: EndpointSlice): readonly PublishedEndpoint[] =>
  (slice.endpoints ?? []).flatMap(({ addresses, conditions }) => {
    const is = conditions?.serving ?? conditions?.ready ?? true;
    return (slice.ports ?? []).flatMap(({ port, name }) => addresses.map((ip) => ({ ip, port, name, is })));
  });

const fromEndpoints = ({ subsets }: Endpoints): readonly PublishedEndpoint[] =>
  (subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    ports.flatMap(({ port, name = '' }) => [
      ...addresses.map(({ ip }) => ({ ip, port, name, is: true })),
      ...notReadyAddresses.map(({ ip }) => ({ ip, port, name, is: false })),
    ]),
  );
