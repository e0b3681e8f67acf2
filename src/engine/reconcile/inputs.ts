import type { Backend, Target } from '../../api/external-backend.ts';
import type { AddressPolicy, AddressUse } from '../../core/resolution/address-policy.ts';
import {
  addressesOf,
  addressLimit,
  type BackendAddress,
  type DenialReasonOf,
  type TargetAddresses,
} from '../../core/resolution/addresses.ts';
import { aliasPolicy, type AliasPolicy } from '../../core/resolution/alias-policy.ts';
import {
  candidatesOf,
  chooseTarget,
  currentAlias,
  type Candidate,
  type Choice,
} from '../../core/publish/external-name.ts';
import { formatHostPort, type Check } from '../../core/probing/check.ts';
import {
  checksOf,
  lagLimitsOf,
  portGroups,
  usedPorts,
  type PortGroup,
} from '../../core/probing/port-groups.ts';
import { isPending, materialsOf, type SecretOf } from '../../core/probing/probe-secrets.ts';
import { isFamilyServed, servicesOf } from '../../core/publish/desired.ts';
import { healthyHosts, type HealthyHosts } from '../../core/publish/healthy-hosts.ts';
import type { KubeObject, Service } from '../../core/kubernetes/objects.ts';
import { ownerName } from '../../core/kubernetes/ownership.ts';
import { addressReadiness, type HealthOf } from '../../core/health/readiness.ts';
import type { Resolution } from '../../core/resolution/resolve-host.ts';
import { electPrimary, type Roles } from '../../core/roles/primary-election.ts';
import { publishedPort } from '../../core/restore/published-readiness.ts';
import { ownedServiceNames } from './owned-services.ts';
import type { ClusterCache } from '../ports.ts';

/** Inputs of one run of a backend. */
export interface ReconcileInputs {
  readonly key: string;
  readonly raw: KubeObject;
  readonly backend: Backend;
  readonly targets: readonly TargetAddresses[];
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly checks: readonly Check[];
  /** Reasons why Secrets cannot be used. */
  readonly missing: readonly string[];
  /** Addresses whose checks are quarantined. */
  readonly quarantined: readonly string[];
  /** True while a Secret is not read yet. */
  readonly secretsPending: boolean;
  /** Time at which the resolution of a name changes by the passing of time, monotonic. */
  readonly nextAt: number | undefined;
  /** Lookup of the health of each check. It reads the health when it is called. */
  readonly healthOf: HealthOf;
  /** Returns the observed Service of a name, if the backend owns it or is to adopt it. */
  readonly observedService: (service: string) => Service | undefined;
}

export interface GatherOptions {
  readonly resolve: (host: string) => Resolution;
  readonly healthOf: HealthOf;
  /** Ids of the checks that are quarantined. */
  readonly quarantined: readonly string[];
  readonly secretOf: SecretOf;
  readonly view: ClusterCache;
  /** True when a handler is chosen if the spec has none. */
  readonly autoSelectHandler: boolean;
  readonly policy: AddressPolicy;
  /** Default: the policy without `--alias-deny`. */
  readonly aliasPolicy?: AliasPolicy;
}

export function gatherInputs(
  key: string,
  raw: KubeObject,
  backend: Backend,
  options: GatherOptions,
): ReconcileInputs {
  const { targets: wanted, mode } = backend.spec;
  const { healthOf } = options;
  const observedService = observedServiceOf(backend, options.view);
  const resolved = new Map(wanted.map(({ host }) => [host, options.resolve(host)]));
  const materials = materialsOf(backend.spec, options.secretOf);
  const groups = portGroups(backend.spec, { materials, choose: options.autoSelectHandler });
  const limit = addressLimit(backend.spec, groups.length);
  const addressesIn = mode === 'ExternalName' ? admitPerHost : admitForService;
  const refusalOf = refusalIn(backend, groups, options.policy);
  const given = addressesIn(backend, resolved, { ...options, refusalOf }, limit);
  const targets = given
    .map((target) => withServed(target, backend, observedService))
    .map((target) => withoutUnhealthyKept(target, groups, healthOf));
  const addresses = targets.flatMap((target) => target.addresses);
  const served = addresses.filter(({ familyNotServed }) => familyNotServed !== true);
  const checks = [
    ...new Map(
      checksOf(groups, served, lagLimitsOf(backend.spec)).map((check) => [check.id, check]),
    ).values(),
  ];
  const missing = [materials.tlsMissing ?? [], materials.credentialsMissing ?? []].flat();
  const nexts = [...resolved.values()].flatMap(({ nextAt }) => nextAt ?? []);
  const nextAt = nexts.length > 0 ? Math.min(...nexts) : undefined;
  const secretsPending = isPending(materials);
  const quarantined = checks.filter(({ id }) => options.quarantined.includes(id)).map(formatHostPort);
  const found = { quarantined, targets, addresses, groups, checks, missing, secretsPending, nextAt };
  return { key, raw, backend, ...found, healthOf, observedService };
}

function observedServiceOf(
  { namespace, name, spec }: Backend,
  view: ClusterCache,
): ReconcileInputs['observedService'] {
  const owned = view.ownedNames(namespace, name);
  const adopted = new Set(
    servicesOf({ name, spec }).flatMap((service) => (service.adopt ? [service.name] : [])),
  );
  return (service) =>
    owned.has(service) || adopted.has(service) ? view.service(namespace, service) : undefined;
}

type Resolved = ReadonlyMap<string, Resolution>;

const pendingResolution: Resolution = {
  addresses: [],
  state: 'Pending',
  resolvedWall: undefined,
  error: undefined,
  nextAt: undefined,
};

interface Judging extends Pick<GatherOptions, 'view' | 'aliasPolicy'> {
  readonly refusalOf: DenialReasonOf;
}

/**
 * Returns the address policy of a backend. It judges an address with every port for which it would be used.
 */
function refusalIn({ spec }: Backend, groups: readonly PortGroup[], policy: AddressPolicy): DenialReasonOf {
  const uses = new Map<number, AddressUse>();
  return (ip, own) => {
    const use = uses.get(own) ?? { mode: spec.mode, ports: usedPorts(groups, own) };
    uses.set(own, use);
    return policy(ip, use);
  };
}

/** Returns the addresses in mode Endpoints: an address is published once, even if several targets have it. */
function admitForService({ spec }: Backend, resolved: Resolved, { refusalOf, view }: Judging, limit: number) {
  const isDirect = spec.services?.every(({ headless }) => headless) === true;
  return addressesOf(
    spec.targets,
    (host) => resolved.get(host) ?? pendingResolution,
    refusalOf,
    spec.ports,
    limit,
    isDirect ? undefined : (ip) => view.clusterAddress?.(ip),
  );
}

/**
 * Returns the addresses of an alias: each host is judged separately, with its share of the addresses that fit
 * into a status.
 */
function admitPerHost(
  { spec }: Backend,
  resolved: Resolved,
  { refusalOf, aliasPolicy: forbids = aliasPolicy() }: Judging,
  limit: number,
): readonly TargetAddresses[] {
  const share = Math.max(1, Math.floor(limit / spec.targets.length));
  return spec.targets.flatMap((target): readonly TargetAddresses[] => {
    const why = forbids(target.host);
    if (why !== undefined) return [forbiddenHost(target, why)];
    return addressesOf(
      [target],
      (host) => resolved.get(host) ?? pendingResolution,
      refusalOf,
      spec.ports,
      share,
    );
  });
}

const forbiddenHost = (target: Target, why: string): TargetAddresses => ({
  ...{ target, addresses: [], message: `${target.host} is refused: ${why}` },
  ...{ refused: true, forbidden: true },
});

/**
 * Marks addresses of families that the backend does not serve. A name often has an AAAA record that a cluster
 * with only IPv4 cannot use: that is no fault.
 */
function withServed(
  target: TargetAddresses,
  backend: Backend,
  standing: ReconcileInputs['observedService'],
): TargetAddresses {
  if (backend.spec.mode === 'ExternalName') return target;
  const addresses = target.addresses.map((address) =>
    isFamilyServed(backend, address.family, standing)
      ? address
      : { ...address, familyNotServed: true as const },
  );
  return { ...target, addresses };
}

/** Removes unhealthy addresses that are no longer in the DNS answer. A healthy one remains. */
function withoutUnhealthyKept(
  target: TargetAddresses,
  groups: readonly PortGroup[],
  healthOf: HealthOf,
): TargetAddresses {
  const isGood = (address: BackendAddress): boolean =>
    addressReadiness(groups, address, healthOf).health === 'healthy';
  return { ...target, addresses: target.addresses.filter((address) => !address.kept || isGood(address)) };
}

/** Returns the roles of the addresses, given the addresses behind the Services of role Primary now. */
export function rolesIn(
  { backend, groups, addresses, healthOf }: ReconcileInputs,
  view: ClusterCache,
): Roles {
  const names = (backend.spec.services ?? [])
    .filter(({ role }) => role === 'Primary')
    .map(({ name }) => name);
  const ready = new Map(names.map((name) => [name, readyPlaces(backend, view, name)]));
  const [group] = groups;
  const isPublishedPrimary = (address: BackendAddress, service?: string): boolean => {
    if (group === undefined) return false;
    const place = `${address.ip} ${publishedPort(group, address)}`;
    return [...ready].some(([name, places]) => (service ?? name) === name && places.has(place));
  };
  return electPrimary({ groups, addresses, healthOf, isPublishedPrimary });
}

/** Returns IP and port of each ready endpoint in the backend's own slices of a Service. */
const readyPlaces = (backend: Backend, view: ClusterCache, service: string): ReadonlySet<string> =>
  new Set(
    view
      .slices(backend.namespace, service)
      .filter((slice) => ownerName(slice) === backend.name)
      .flatMap(({ endpoints, ports }) =>
        (endpoints ?? [])
          .filter(({ conditions }) => conditions?.serving ?? conditions?.ready ?? true)
          .map(({ addresses: [ip = ''] }) => `${ip} ${ports?.[0]?.port ?? 0}`),
      ),
  );

/** Current and chosen host of an alias. */
export interface AliasDecision {
  readonly hosts: HealthyHosts;
  readonly candidates: readonly Candidate[];
  readonly before: string | undefined;
  readonly choice: Choice;
  /** True when Services are removed because they point to a forbidden host: an alias cannot be empty. */
  readonly withdraws: boolean;
}

/** Returns the host to which the backend's own Services point; undefined: none yet. */
export const publishedAlias = (backend: Backend, view: ClusterCache): string | undefined =>
  currentAlias(
    ownedServiceNames(backend, view)
      .flatMap((name) => view.service(backend.namespace, name) ?? [])
      .filter((service) => ownerName(service) === backend.name),
  );

/**
 * Returns the state of an alias; undefined in mode Endpoints.
 *
 * @param known hosts of the previous run
 * @param now monotonic
 */
export function decideAlias(
  { backend, targets, groups, healthOf }: ReconcileInputs,
  view: ClusterCache,
  known: HealthyHosts,
  now: number,
  forbids: AliasPolicy = aliasPolicy(),
): AliasDecision | undefined {
  if (backend.spec.mode !== 'ExternalName') return undefined;
  const failbackMs = backend.spec.failbackSeconds * 1000;
  const judged = candidatesOf(targets, groups, healthOf);
  const hosts = healthyHosts(known, judged, failbackMs, now);
  const candidates = judged.map((host) => ({ ...host, since: hosts.get(host.name)?.since }));
  const before = publishedAlias(backend, view);
  const choice = chooseTarget(candidates, before, failbackMs, now);
  const withdraws = choice.none === true && before !== undefined && forbids(before) !== undefined;
  return { hosts, candidates, before, choice, withdraws };
}

/**
 * Returns the milliseconds until something changes by the passing of time; undefined: never.
 *
 * @param now monotonic
 * @param pauseMs remaining delay of a status
 */
export function requeueAfterMs(
  { nextAt }: ReconcileInputs,
  alias: AliasDecision | undefined,
  now: number,
  pauseMs?: number,
): number | undefined {
  const aging = nextAt === undefined ? undefined : Math.max(1, nextAt - now);
  const all = [aging, alias?.choice.afterMs, pauseMs].filter((ms) => ms !== undefined);
  return all.length > 0 ? Math.min(...all) : undefined;
}
