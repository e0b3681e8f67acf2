import type { Backend, Target } from '../../api/external-backend.ts';
import type { AddressPolicy, AddressUse } from '../../core/resolution/address-policy.ts';
import {
  addressesOf,
  type BackendAddress,
  type DenialReasonOf,
  type TargetAddresses,
} from '../../core/resolution/addresses.ts';
import { aliasPolicy, type AliasPolicy } from '../../core/resolution/alias-policy.ts';
import { usedPorts, type PortGroup } from '../../core/probing/port-groups.ts';
import { isFamilyServed } from '../../core/publish/desired.ts';
import type { Service } from '../../core/kubernetes/objects.ts';
import { addressReadiness, type HealthOf } from '../../core/health/readiness.ts';
import type { Resolution } from '../../core/resolution/resolve-host.ts';
import type { ClusterCache } from '../ports.ts';

export interface AdmissionOptions {
  readonly cache: ClusterCache;
  readonly policy: AddressPolicy;
  /** Default: the policy without `--alias-deny`. */
  readonly aliasPolicy?: AliasPolicy;
}

type Resolved = ReadonlyMap<string, Resolution>;
type ObservedServiceOf = (service: string) => Service | undefined;

interface Admission extends AdmissionOptions {
  readonly refusalOf: DenialReasonOf;
}

/**
 * Returns the targets of a backend with the addresses that may be published and probed.
 *
 * @param resolved by host
 * @param limit most addresses
 */
export function admittedTargets(
  backend: Backend,
  {
    groups,
    resolved,
    limit,
    observedService,
  }: {
    readonly groups: readonly PortGroup[];
    readonly resolved: Resolved;
    readonly limit: number;
    readonly observedService: ObservedServiceOf;
  },
  options: AdmissionOptions,
): readonly TargetAddresses[] {
  const admit = backend.spec.mode === 'ExternalName' ? admitPerHost : admitForService;
  const refusalOf = refusalIn(backend, groups, options.policy);
  return admit(backend, resolved, { ...options, refusalOf }, limit).map((target) =>
    withServed(target, backend, observedService),
  );
}

const pendingResolution: Resolution = {
  addresses: [],
  state: 'Pending',
  resolvedWall: undefined,
  error: undefined,
  nextAt: undefined,
};

/**
 * Returns the address policy of a backend. It applies to an address with every port for which it would be used.
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
function admitForService(
  { spec }: Backend,
  resolved: Resolved,
  { refusalOf, cache }: Admission,
  limit: number,
) {
  const isDirect = spec.services?.every(({ headless }) => headless) === true;
  return addressesOf(
    spec.targets,
    (host) => resolved.get(host) ?? pendingResolution,
    refusalOf,
    spec.ports,
    limit,
    isDirect ? undefined : (ip) => cache.clusterAddress?.(ip),
  );
}

/**
 * Returns the addresses of an alias: each host is admitted separately, with its share of the addresses that fit
 * into a status.
 */
function admitPerHost(
  { spec }: Backend,
  resolved: Resolved,
  { refusalOf, aliasPolicy: forbids = aliasPolicy() }: Admission,
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
  observedService: ObservedServiceOf,
): TargetAddresses {
  if (backend.spec.mode === 'ExternalName') return target;
  const addresses = target.addresses.map((address) =>
    isFamilyServed(backend, address.family, observedService)
      ? address
      : { ...address, familyNotServed: true as const },
  );
  return { ...target, addresses };
}

/** Removes unhealthy addresses that are no longer in the DNS answer. A healthy one remains. */
export function withoutUnhealthyKept(
  target: TargetAddresses,
  groups: readonly PortGroup[],
  healthOf: HealthOf,
): TargetAddresses {
  const isGood = (address: BackendAddress): boolean =>
    addressReadiness(groups, address, healthOf).health === 'healthy';
  return { ...target, addresses: target.addresses.filter((address) => !address.kept || isGood(address)) };
}
