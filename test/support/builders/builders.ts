import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import type { Backend, Port, Spec, Target } from '../../../src/api/external-backend.ts';
import { parseBackend } from '../../../src/api/parse.ts';
import { addressesOf, type BackendAddress } from '../../../src/core/resolution/addresses.ts';
import { aliasName } from '../../../src/core/publish/external-name.ts';
import { portGroups, checkId } from '../../../src/core/probing/port-groups.ts';
import {
  desiredServices,
  type DesiredInput,
  type DesiredService,
} from '../../../src/core/publish/desired.ts';
import type { Health } from '../../../src/core/health/state.ts';
import type { Endpoints, EndpointSlice, KubeObject, Service } from '../../../src/core/kubernetes/objects.ts';
import { operatorName } from '../../../src/core/kubernetes/ownership.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import { electPrimary, type Roles } from '../../../src/core/roles/primary-election.ts';
import type { Resolution } from '../../../src/core/resolution/resolve-host.ts';
import { writtenService, type WrittenService } from '../../../src/core/publish/written-service.ts';

/** Fields that a user may write; the schema fills in the rest. */
export type SpecInput = Readonly<Record<string, unknown>>;

export interface BackendInput {
  readonly name?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly status?: unknown;
}

export const namespace = 'shop';
export const twoTargets = [{ host: '10.20.0.11' }, { host: '10.20.0.12' }];
export const smallest: SpecInput = { targets: twoTargets, ports: [{ port: 5432 }] };

/** Returns the resource as stored, whatever its spec. */
export function aStoredBackend(spec: SpecInput = smallest, input: BackendInput = {}): KubeObject {
  const { status, name = 'orders-db', uid = `uid-of-${name}`, generation = 1, creationTimestamp } = input;
  const { annotations } = input;
  return {
    apiVersion: 'externalbackend.io/v1alpha1',
    kind: 'ExternalBackend',
    metadata: {
      namespace,
      name,
      uid,
      generation,
      creationTimestamp: creationTimestamp ?? '2026-01-01T00:00:00Z',
      ...(annotations !== undefined && { annotations }),
    },
    spec,
    ...(status !== undefined && { status }),
  } as KubeObject;
}

/**
 * Returns a backend with two addresses and one port, except for the given fields. Throws if the schema
 * refuses the spec.
 */
export function aBackend(spec: SpecInput = {}, input: BackendInput = {}): Backend {
  const parsed = parseBackend(aStoredBackend({ ...smallest, ...spec }, input));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.backend;
}

export const aTarget = (over: Partial<Target> = {}): Target => ({
  host: '10.20.0.11',
  port: 0,
  priority: 0,
  drain: false,
  ...over,
});

export const aPort = (over: Partial<Port> = {}): Port => ({ port: 5432, protocol: 'TCP', ...over });

/** Resolves an address to itself, as literal addresses are resolved. */
export const literal = (host: string): Resolution => resolved({ addresses: [host] });

/** Returns the resolution of a name. */
export const resolved = ({
  addresses,
  ...rest
}: Partial<Omit<Resolution, 'addresses'>> & { readonly addresses: readonly string[] }): Resolution => ({
  state: undefined,
  resolvedWall: undefined,
  error: undefined,
  nextAt: undefined,
  ...rest,
  addresses: addresses.map((ip) => ({ ip, host: ip, kept: false })),
});

export const addressesIn = (spec: Spec): readonly BackendAddress[] =>
  addressesOf(spec.targets, literal, forbiddenRule, spec.ports).flatMap(({ addresses }) => addresses);

export const healthy: Health = {
  state: 'healthy',
  consecutive: 0,
  since: 0,
  reason: 'Connected',
  message: '',
};
export const unhealthy: Health = {
  state: 'unhealthy',
  consecutive: 0,
  since: 0,
  reason: 'Refused',
  message: '',
};

export const allHealthy: HealthOf = () => healthy;
export const nothingKnown: HealthOf = () => undefined;

/** Healthy, except the named addresses. */
export const allBut =
  (...ips: readonly string[]): HealthOf =>
  (id) =>
    ips.some((ip) => id.startsWith(`${ip}|`)) ? unhealthy : healthy;

export function desiredOf(
  backend: Backend,
  healthOf: HealthOf = allHealthy,
  legacyEndpoints = true,
  observedService: DesiredInput['observedService'] = () => undefined,
): readonly DesiredService[] {
  const addresses = addressesIn(backend.spec);
  const groups = backend.spec.mode === 'ExternalName' ? [] : portGroups(backend.spec);
  return desiredServices({
    backend,
    addresses,
    groups,
    healthOf,
    legacyEndpoints,
    roles: rolesOf(backend, healthOf),
    alias: firstAlias(backend),
    observedService,
  });
}

/** Returns the roles, with nothing published before. */
export const rolesOf = (backend: Backend, healthOf: HealthOf): Roles =>
  electPrimary({
    groups: portGroups(backend.spec),
    addresses: addressesIn(backend.spec),
    healthOf,
    isPublishedPrimary: () => false,
  });

/** Returns the host of an alias without any verdict; undefined in mode Endpoints. */
export const firstAlias = ({ spec }: Backend): string | undefined =>
  spec.mode === 'ExternalName' ? aliasName(spec.targets[0]?.host ?? '') : undefined;

/** Returns the only Service of a backend. */
export function theService(
  backend: Backend,
  healthOf: HealthOf = allHealthy,
  legacyEndpoints = true,
  observed?: Service,
): DesiredService {
  const [first] = desiredOf(backend, healthOf, legacyEndpoints, () => observed);
  if (first === undefined) throw new Error('a backend has at least one Service');
  return first;
}

/** Returns the written state of Services if every write succeeds. */
export const writtenOf = (desired: readonly DesiredService[]): readonly WrittenService[] =>
  desired.map((each) =>
    writtenService(each, {
      service: { ...aService(each.body.spec), metadata: { ...aService().metadata, name: each.name } },
      slices: each.groups.map(({ endpoints, ports, family }) => ({
        ...aSlice([], operatorName),
        addressType: family,
        endpoints,
        ports,
      })),
      endpoints: undefined,
    }),
  );

/** Returns the ids of all checks of a backend, in order. */
export const checkIds = (backend: Backend): readonly string[] =>
  portGroups(backend.spec).flatMap((group) =>
    addressesIn(backend.spec).map((address) => checkId(group, address)),
  );

/** Returns a Service that a user wrote by hand. */
export const aService = (
  spec: Service['spec'] = {},
  metadata: Partial<KubeObject['metadata']> = {},
): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name: 'orders-db', ...metadata },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.7', ports: [{ port: 5432, protocol: 'TCP' }], ...spec },
});

/** Returns Endpoints that a user wrote by hand. */
export const someEndpoints = (
  ips: readonly string[],
  metadata: Partial<KubeObject['metadata']> = {},
): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { namespace, name: 'orders-db', ...metadata },
  subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port: 5432, protocol: 'TCP' }] }],
});

/** Returns a slice of another client; `manager`: the value of its managed-by label. */
export const aSlice = (
  ips: readonly string[],
  manager?: string,
  metadata: Partial<KubeObject['metadata']> = {},
): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    namespace,
    name: 'orders-db-theirs',
    labels: {
      'kubernetes.io/service-name': 'orders-db',
      ...(manager !== undefined && { 'endpointslice.kubernetes.io/managed-by': manager }),
    },
    ...metadata,
  },
  addressType: 'IPv4',
  endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
  ports: [{ name: '', port: 5432, protocol: 'TCP' }],
});
