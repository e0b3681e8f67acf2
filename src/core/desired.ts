import type { Backend, Port, ServiceSpec } from '../api/external-backend.ts';
import type { AppliedService } from './action.ts';
import type { BackendAddress } from './address.ts';
import type { PortGroup } from './checks.ts';
import { subsetsOf } from './endpoints.ts';
import type { Endpoint, EndpointPort, EndpointSubset, Family } from './objects.ts';
import { readinessOf, type HealthOf } from './readiness.ts';
import { serviceBody } from './service.ts';
import type { SliceGroup } from './slices.ts';

/** One Service as it should be, with everything behind it. */
export interface DesiredService {
  readonly name: string;
  readonly spec: ServiceSpec;
  readonly headless: boolean;
  readonly body: AppliedService;
  /** Empty for an alias. */
  readonly groups: readonly SliceGroup[];
  /** Undefined: there is to be no Endpoints object. */
  readonly subsets: readonly EndpointSubset[] | undefined;
  /** Addresses that are ready for every port of the Service, and all of them. */
  readonly ready: number;
  readonly total: number;
  /** Every port has a ready address. */
  readonly available: boolean;
}

export interface DesiredInput {
  readonly backend: Backend;
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly healthOf: HealthOf;
  readonly legacyEndpoints: boolean;
}

/** The Services of a backend as they should be now. */
export function desiredServices(input: DesiredInput): readonly DesiredService[] {
  return servicesOf(input.backend).map((spec) => desiredService(input, spec));
}

/** The Services that the spec asks for; without a list, one that is named after the resource. */
export function servicesOf(backend: Pick<Backend, 'name' | 'spec'>): readonly ServiceSpec[] {
  return backend.spec.services ?? [{ ...plainService, name: backend.name }];
}

const plainService: Omit<ServiceSpec, 'name'> = {
  type: 'ClusterIP',
  headless: false,
  publishNotReadyAddresses: false,
  adopt: false,
};

function desiredService(input: DesiredInput, spec: ServiceSpec): DesiredService {
  const alias = input.backend.spec.mode === 'ExternalName';
  const groups = alias ? [] : input.groups.flatMap((group) => sliceGroups(group, spec, input));
  const readyIps = alias ? [] : readyEverywhere(input);
  const total = alias ? 0 : input.addresses.length;
  const legacy = input.legacyEndpoints && !alias && spec.selector === undefined;
  return {
    name: spec.name,
    spec,
    headless: !alias && spec.headless,
    body: serviceBody(input.backend, spec, families(input.addresses)),
    groups,
    subsets: legacy ? subsetsOf(groups) : undefined,
    ready: readyIps.length,
    total,
    available: alias || (groups.length > 0 && input.groups.every((group) => anyReady(group, input))),
  };
}

const anyReady = (group: PortGroup, input: DesiredInput): boolean =>
  input.addresses.some((address) => readinessOf(group, address, input.healthOf).ready);

const readyEverywhere = (input: DesiredInput): readonly BackendAddress[] =>
  input.addresses.filter((address) =>
    input.groups.every((group) => readinessOf(group, address, input.healthOf).ready),
  );

/** IPv4 first: then adding an IPv6 target never changes a Service's primary family, which is immutable. */
const families = (addresses: readonly BackendAddress[]): readonly Family[] =>
  (['IPv4', 'IPv6'] as const).filter((family) => addresses.some((address) => address.family === family));

/** One group per family and per set of port numbers: a target's own port makes a set of its own. */
function sliceGroups(group: PortGroup, spec: ServiceSpec, input: DesiredInput): readonly SliceGroup[] {
  const sets = Map.groupBy(input.addresses, (address) => `${address.family} ${address.port}`);
  return [...sets.values()].flatMap((addresses) => {
    const first = addresses[0];
    if (first === undefined) return [];
    const ports = group.ports.map((port) => endpointPort(port, first.port));
    const endpoints = addresses.map((address) => endpoint(group, address, spec, input.healthOf));
    return [{ family: first.family, ports, endpoints }];
  });
}

const endpointPort = (port: Port, targetsOwn: number): EndpointPort => ({
  name: port.name ?? '',
  port: targetsOwn === 0 ? (port.targetPort ?? port.port) : targetsOwn,
  protocol: port.protocol,
  ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
});

/** With publishNotReadyAddresses `ready` is always true and `serving` tells the truth, as Kubernetes' own controller writes it. */
function endpoint(
  group: PortGroup,
  address: BackendAddress,
  spec: ServiceSpec,
  healthOf: HealthOf,
): Endpoint {
  const { ready } = readinessOf(group, address, healthOf);
  return {
    addresses: [address.ip],
    conditions: { ready: ready || spec.publishNotReadyAddresses, serving: ready, terminating: false },
    ...(address.target.name !== undefined && { hostname: address.target.name }),
    ...(address.target.zone !== undefined && { zone: address.target.zone }),
  };
}
