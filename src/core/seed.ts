import type { Backend, ServiceSpec, Status } from '../api/external-backend.ts';
import type { BackendAddress } from './address.ts';
import { checkId, lagLimitsOf, type PortGroup } from './checks.ts';
import type { Health } from './health.ts';
import type { Endpoints, EndpointSlice } from './objects.ts';
import { isOurSlice, serviceOf } from './ownership.ts';
import { portText } from './readiness.ts';
import { isCalm } from './remarks.ts';
import { isOneServer } from './roles.ts';
import { seededTelling, type Telling } from './telling.ts';
import { reasons, type Role } from './verdict.ts';

export interface Published {
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoints[];
}

export interface SeedInput {
  readonly backend: Pick<Backend, 'generation' | 'spec' | 'status'>;
  readonly groups: readonly PortGroup[];
  readonly addresses: readonly BackendAddress[];
  /** Undefined: an alias, which has no slices: what the status says stands. */
  readonly published: Published | undefined;
  /** Wall milliseconds, for states whose age nobody wrote down. */
  readonly now: number;
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
 * | no, but Services choose by role or lag | healthy, unhealthy | that: it may be behind none of them |
 */
export function seeds(input: SeedInput): ReadonlyMap<string, Health> {
  const { groups, addresses, published, backend } = input;
  const readyOf = published && publishedReadiness(published);
  const tellingOf = tellings(input);
  const { services = [] } = backend.spec;
  const trusted =
    published === undefined ||
    services.some(({ role, maxLagSeconds }) => role !== 'Any' || maxLagSeconds !== undefined);
  const said = new Map(
    (backend.status?.targets ?? []).flatMap(({ port = 0, addresses: all }) =>
      all.map((a) => [`${a.ip} ${a.port ?? port}`, a] as const),
    ),
  );
  const pairs = groups.flatMap((group) => addresses.map((address) => ({ group, address })));
  return new Map(
    pairs.flatMap(({ group, address }) => {
      const whole = said.get(`${address.ip} ${address.record?.port ?? address.target.port}`);
      const before = groups.length === 1 ? whole : saidOf(group, whole);
      const ready =
        readyOf?.(group, address) ?? (trusted && before ? before.health === 'healthy' : undefined);
      const state = stateOf(ready, before?.health);
      if (state === undefined) return [];
      const telling = tellingOf(group, address, whole);
      const health = { ...healthFrom(state, before, input.now), ...(telling && { telling }) };
      return [[checkId(group, address), health] as const];
    }),
  );
}

type Said = NonNullable<Status['targets']>[number]['addresses'][number];

/** Of an address with several port groups that is unhealthy, or has something else to tell, the status tells of one, which it names. */
function saidOf(group: PortGroup, said: Said | undefined): Said | undefined {
  if (said === undefined || (said.health !== 'unhealthy' && isCalm(said.reason))) return said;
  const [name, ...words] = (said.message ?? '').split(': ');
  if (name === portText(group)) return { ...said, message: words.join(': ') };
  return said.health === 'unhealthy' ? undefined : { ...said, reason: '', message: '' };
}

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

/** Who may tell a role or a lag, or may once what it needs is there. */
const tellers: readonly string[] = ['postgres', 'mysql', 'redis', 'mongodb', 'unready'];

type TellingOf = (group: PortGroup, address: BackendAddress, said: Said | undefined) => Telling | undefined;

/** With what is known of role and lag a check begins: `seededRole`, and the bounds that the status says it is over. */
function tellings(input: SeedInput): TellingOf {
  const lagLimits = lagLimitsOf(input.backend.spec);
  const roleOf = seededRole(input);
  return (group, address, said) => {
    const { probe } = group;
    if (probe === undefined || !tellers.includes(probe.handler.kind)) return undefined;
    const role = roleOf(group, address, said);
    if (role === undefined && lagLimits.length === 0) return undefined;
    const { failureThreshold } = probe.timing;
    return seededTelling({
      ...{ role, lagLimits, failureThreshold, now: input.now },
      lagOverSeconds: said?.lagOverSeconds,
    });
  };
}

/**
 * The role that an address begins with. Slices are written before the status, so where the two differ the slices are
 * the later word.
 *
 * | targets[].role | ready behind a Service of role        | status                                 | begins as        |
 * |----------------|---------------------------------------|----------------------------------------|------------------|
 * | given          | any                                   | another role, of this very spec: the probe told it | that |
 * | given          | any                                   | anything else                          | the spec's word  |
 * | none           | Primary, and no other server is       | anything                               | Primary          |
 * | none           | Replica without fallback              | none, or a stale one                   | Replica          |
 * | none           | neither                               | the primary, and it is behind no Service of role Primary: stale | not known |
 * | none           | any other                             | a role                                 | that             |
 * | none           | neither                               | none                                   | not known        |
 *
 * More than one server behind it: it was of another role before.
 */
function seededRole({ backend, groups, addresses, published }: SeedInput): RoleOf {
  const { status, generation, spec } = backend;
  const behind = (role: ServiceSpec['role']): readonly ReadyOf[] =>
    (spec.services ?? [])
      .filter((service) => service.role === role && !service.replicaFallback)
      .map(({ name }) => publishedReadiness(only(name, published)));
  const [leading, following] = [behind('Primary'), behind('Replica')];
  const isIn = (readyOf: ReadyOf, address: BackendAddress): boolean =>
    groups.some((group) => readyOf(group, address) === true);
  const single = leading.filter((readyOf) => isOneServer(addresses.filter((each) => isIn(readyOf, each))));
  const primary = (status?.primary ?? '').split(', ');
  const wasPrimary = ({ ip }: BackendAddress): boolean => primary.includes(ip);
  const stands = addresses.some((each) => wasPrimary(each) && leading.some((readyOf) => isIn(readyOf, each)));
  return (_, address, said) => {
    const told = roles.find((role) => role === said?.role);
    if (address.target.role !== undefined)
      return status?.observedGeneration === generation && told !== address.target.role ? told : undefined;
    if (single.some((readyOf) => isIn(readyOf, address))) return 'Primary';
    const isStale = told === 'Primary' && wasPrimary(address) && leading.length > 0 && !stands;
    if (told !== undefined && !isStale) return told;
    return following.some((readyOf) => isIn(readyOf, address)) ? 'Replica' : undefined;
  };
}

type ReadyOf = (group: PortGroup, address: BackendAddress) => boolean | undefined;
type RoleOf = (group: PortGroup, address: BackendAddress, said: Said | undefined) => Role | undefined;

/** What stands under the name of one Service. */
const only = (name: string, { slices, endpoints }: Published = { slices: [], endpoints: [] }): Published => ({
  slices: slices.filter((slice) => serviceOf(slice) === name),
  endpoints: endpoints.filter(({ metadata }) => metadata.name === name),
});

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
function publishedReadiness({ slices, endpoints }: Published): ReadyOf {
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
