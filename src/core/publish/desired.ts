import type { Backend, Port, ServiceSpec } from '../../api/external-backend.ts';
import type { AppliedService } from '../kubernetes/action.ts';
import { addressPolicy, type AddressPolicy } from '../resolution/address-policy.ts';
import { annotationKeysOf } from '../resolution/names-annotation.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { ExclusionReason } from '../probing/address-reasons.ts';
import { checkId, type PortGroup } from '../probing/port-groups.ts';
import { subsetsOf } from './endpoints.ts';
import { judgeExternalIps, type RefusedExternalIp } from './external-ips.ts';
import { familiesOf, servedFamilies } from './ip-families.ts';
import { hintsOf, writesHints } from './hints.ts';
import type { Endpoint, EndpointPort, EndpointSubset, Family, Service } from '../kubernetes/objects.ts';
import { isDrainedIn, leadingTarget } from '../resolution/origins.ts';
import { readinessOf, type HealthOf } from '../health/readiness.ts';
import { exclusionOf } from '../roles/exclusion.ts';
import { isOneServer, type Roles } from '../roles/primary-election.ts';
import { keptService, serviceBody } from './service-body.ts';
import type { SliceGroup } from './slices.ts';

/** One Service as it should be, with the addresses that it publishes. */
export interface DesiredService {
  readonly name: string;
  /** Spec without external IPs that the address policy refuses. */
  readonly spec: ServiceSpec;
  readonly refusedExternalIps: readonly RefusedExternalIp[];
  readonly headless: boolean;
  readonly body: AppliedService;
  /** Empty for an alias. */
  readonly groups: readonly SliceGroup[];
  /** Undefined: there is to be no Endpoints object. */
  readonly subsets: readonly EndpointSubset[] | undefined;
  /** Empty for an alias. */
  readonly addresses: readonly BackendAddress[];
  /**
   * IPs of the one server that a Service of role Primary publishes, including those of families that the
   * Service does not have.
   */
  readonly server: ReadonlySet<string>;
  /** Every port has a ready address. */
  readonly available: boolean;
  /** Addresses that it does not publish, whatever their health. */
  readonly excluded: ReadonlyMap<BackendAddress, ExclusionReason>;
}

export interface DesiredInput {
  readonly backend: Backend;
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly healthOf: HealthOf;
  readonly legacyEndpoints: boolean;
  readonly roles: Roles;
  /** Host that an alias points to; undefined in mode Endpoints. */
  readonly alias: string | undefined;
  /** Returns the observed Service of that name, if it is ours or to be taken over. */
  readonly observedService: (service: string) => Service | undefined;
  /** Judges external IPs. Default: that without flags. */
  readonly policy?: AddressPolicy;
}

/** Returns the Services of a backend as they should be now. */
export function desiredServices(input: DesiredInput): readonly DesiredService[] {
  const isReady = readyTable(input);
  const { backend, policy = addressPolicy() } = input;
  return servicesOf(backend).map((given, i) => {
    const { spec, refused } = judgeExternalIps(backend, given, i, policy);
    const desired = desiredService({ ...input, isReady: (...of) => isReady(spec, ...of) }, spec);
    return { ...desired, refusedExternalIps: refused };
  });
}

/** Input that all Services of a backend share. */
interface Whole extends DesiredInput {
  readonly isReady: (group: PortGroup, address: BackendAddress) => boolean;
}

/**
 * Computes the readiness of every address once for all Services. An address may be ready in some Services
 * alone, because of `readyIn` of core/health/thresholds.ts, or because targets drain it for one role (origins.ts).
 */
function readyTable({ groups, addresses, healthOf, roles }: DesiredInput) {
  const judge = (group: PortGroup) => (address: BackendAddress) => {
    const health = healthOf(checkId(group, address));
    const { ready } = readinessOf(group, address, () => health);
    return ready ? [[address, health?.readyIn] as const] : [];
  };
  const ready = new Map(groups.map((group) => [group, new Map(addresses.flatMap(judge(group)))]));
  return ({ name, role }: ServiceSpec, group: PortGroup, address: BackendAddress): boolean => {
    const found = ready.get(group);
    if (found?.has(address) !== true || isDrainedIn(address, role, roles.isGiven(address))) return false;
    return found.get(address)?.has(name) ?? true;
  };
}

/** Returns the Services of the spec; without a list, one that is named after the resource. */
export function servicesOf(backend: Pick<Backend, 'name' | 'spec'>): readonly ServiceSpec[] {
  return backend.spec.services ?? [{ ...plainService, name: backend.name }];
}

const plainService: Omit<ServiceSpec, 'name'> = {
  role: 'Any',
  fallbackToPrimary: false,
  type: 'ClusterIP',
  headless: false,
  publishNotReadyAddresses: false,
  adopt: false,
};

function desiredService(whole: Whole, spec: ServiceSpec): Omit<DesiredService, 'refusedExternalIps'> {
  const alias = whole.alias !== undefined;
  const observedService = whole.observedService(spec.name);
  const { addresses, excluded } = alias
    ? noEndpoints
    : withFallback(whole, spec, exclusions(whole, spec, observedService));
  const input = { ...whole, addresses };
  const groups = alias ? [] : input.groups.flatMap((group) => sliceGroups(group, spec, input));
  const legacy = input.legacyEndpoints && !alias && spec.selector === undefined;
  return {
    name: spec.name,
    spec,
    headless: !alias && spec.headless,
    body: serviceBody(input.backend, spec, familiesOf(addresses), observedService, input.alias),
    groups,
    subsets: legacy ? subsetsOf(groups) : undefined,
    addresses,
    server: new Set(alias || spec.role !== 'Primary' ? [] : serverOf(addresses, whole.addresses)),
    available: alias || (groups.length > 0 && input.groups.every((group) => anyReady(group, input))),
    excluded,
  };
}

function exclusions(
  { backend, addresses, roles }: DesiredInput,
  spec: ServiceSpec,
  observedService: Service | undefined,
): DesiredService['excluded'] {
  const served = servedFamilies(spec, familiesOf(addresses), keptService(backend, spec, observedService));
  const reasons = addresses.map((address) => {
    const carried = served === undefined || served.includes(address.family);
    return [address, carried ? exclusionOf(address, spec, roles) : ('FamilyNotServed' as const)] as const;
  });
  return new Map(reasons.flatMap(([address, reason]) => (reason === undefined ? [] : [[address, reason]])));
}

/**
 * Returns the IPs of the server that has these addresses. A change of families does not make it another
 * server.
 */
function serverOf(behind: readonly BackendAddress[], all: readonly BackendAddress[]): readonly string[] {
  const namesakes = all.filter(({ host, port }) =>
    behind.some((each) => each.host === host && each.port === port),
  );
  return (isOneServer(namesakes) ? namesakes : behind).map(({ ip }) => ip);
}

type ServiceMembers = Pick<DesiredService, 'excluded'> & Pick<DesiredInput, 'addresses'>;

const noEndpoints: ServiceMembers = { addresses: [], excluded: new Map() };

/** Adds the primary to replicas that are not ready, if the Service has fallbackToPrimary. */
function withFallback(
  input: Whole,
  { role, fallbackToPrimary }: ServiceSpec,
  excluded: DesiredService['excluded'],
): ServiceMembers {
  const addresses = input.addresses.filter((address) => !excluded.has(address));
  if (role !== 'Replica' || !fallbackToPrimary || readyEverywhere({ ...input, addresses }).length > 0)
    return { addresses, excluded };
  const primary = input.roles.primary.filter((address) => excluded.get(address) === 'NotReplica');
  const others = [...excluded].filter(([address]) => !primary.includes(address));
  return { addresses: [...addresses, ...primary], excluded: new Map(others) };
}

const anyReady = (group: PortGroup, { addresses, isReady }: Whole): boolean =>
  addresses.some((address) => isReady(group, address));

const readyEverywhere = ({ addresses, groups, isReady }: Whole): readonly BackendAddress[] =>
  addresses.filter((address) => groups.every((group) => isReady(group, address)));

/**
 * Returns true if any Service of the backend has the family. Addresses of another family need no probe,
 * because no client can reach them.
 */
export function isFamilyServed(
  backend: Backend,
  family: Family,
  observedService: (service: string) => Service | undefined,
): boolean {
  return servicesOf(backend).some(
    (spec) =>
      servedFamilies(spec, [], keptService(backend, spec, observedService(spec.name)))?.includes(family) ??
      true,
  );
}

/**
 * Returns one group per family and per set of port numbers. A target with its own port has a set of its own.
 */
function sliceGroups(group: PortGroup, spec: ServiceSpec, input: Whole): readonly SliceGroup[] {
  const sets = Map.groupBy(input.addresses, (address) => `${address.family} ${address.port}`);
  return [...sets.values()].flatMap((addresses) => {
    const first = addresses[0];
    if (first === undefined) return [];
    const ports = group.ports.map((port) => endpointPort(port, first.port));
    const endpoints = addresses.map((address) =>
      endpoint(address, spec, input.isReady(group, address), input),
    );
    const names = new Map(
      addresses.flatMap((address) => {
        const all = annotationKeysOf(address);
        return all.length === 0 ? [] : [[address.ip, all] as const];
      }),
    );
    return [{ family: first.family, ports, endpoints, ...(names.size > 0 && { names }) }];
  });
}

const endpointPort = (port: Port, targetsOwn: number): EndpointPort => ({
  name: port.name ?? '',
  port: targetsOwn === 0 ? (port.targetPort ?? port.port) : targetsOwn,
  protocol: port.protocol,
  ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
});

/**
 * Builds an endpoint. With publishNotReadyAddresses `ready` is always true, and `serving` has the health, as
 * in slices of Kubernetes' own controller.
 */
function endpoint(
  address: BackendAddress,
  spec: ServiceSpec,
  serving: boolean,
  { roles }: Pick<Whole, 'roles'>,
): Endpoint {
  const { name, zone } = leadingTarget(address, spec.role, roles.isGiven(address));
  const ready = serving || spec.publishNotReadyAddresses;
  const hints = writesHints(spec) ? hintsOf(zone, ready) : undefined;
  return {
    addresses: [address.ip],
    conditions: { ready, serving, terminating: false },
    ...(name !== undefined && { hostname: name }),
    ...(zone !== undefined && { zone }),
    ...(hints !== undefined && { hints }),
  };
}
