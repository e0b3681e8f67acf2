import type { Backend } from '../../api/external-backend.ts';
import { addressLimit, type BackendAddress, type TargetAddresses } from '../../core/resolution/addresses.ts';
import { formatHostPort, type Check } from '../../core/probing/check.ts';
import {
  checkId,
  checksOf,
  lagLimitsOf,
  portGroups,
  type PortGroup,
} from '../../core/probing/port-groups.ts';
import { isPending, probeSecretsOf, type SecretOf } from '../../core/probing/probe-secrets.ts';
import type { KubeObject, Service } from '../../core/kubernetes/objects.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import type { Resolution } from '../../core/resolution/resolve-host.ts';
import type { MaintenanceState } from '../../core/maintenance/maintenance-state.ts';
import { isFrozen } from '../../core/resolution/origins.ts';
import { admittedTargets, withoutUnhealthyKept, type AdmissionOptions } from './admitted-targets.ts';
import type { FrozenHealths } from './frozen-healths.ts';
import { observedServiceOf } from './owned-services.ts';

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
  /** Lookup of the health of each check that counts for Services. It reads the health when it is called. */
  readonly healthOf: HealthOf;
  /** The same from its probes, also while a maintenance window freezes the address. */
  readonly probedHealthOf: HealthOf;
  /** Ids of the checks of addresses that maintenance windows freeze. */
  readonly frozen: ReadonlySet<string>;
  readonly maintenance: MaintenanceState;
  /** Service -> why the API server refuses the Service that is to replace it. */
  readonly refusedReplacements: ReadonlyMap<string, string>;
  /** Returns the observed Service of a name, if the backend owns it or is to adopt it. */
  readonly observedService: (service: string) => Service | undefined;
}

export interface GatherOptions extends AdmissionOptions {
  /** Lookup of the health from probes. */
  readonly healthOf: HealthOf;
  readonly frozenHealths: FrozenHealths;
  readonly maintenance: MaintenanceState;
  readonly refusedReplacements: ReadonlyMap<string, string>;
  readonly resolve: (host: string) => Resolution;
  /** Ids of the checks that are quarantined. */
  readonly quarantined: readonly string[];
  readonly secretOf: SecretOf;
  /** True when a handler is chosen if the spec has none. */
  readonly autoSelectHandler: boolean;
}

export function gatherInputs(
  key: string,
  raw: KubeObject,
  backend: Backend,
  options: GatherOptions,
): ReconcileInputs {
  const { targets: wanted } = backend.spec;
  const { healthOf: probedHealthOf, frozenHealths, maintenance, refusedReplacements } = options;
  const observedService = observedServiceOf(backend, options.cache);
  const resolved = new Map(wanted.map(({ host }) => [host, options.resolve(host)]));
  const probeSecrets = probeSecretsOf(backend.spec, options.secretOf);
  const groups = portGroups(backend.spec, { secrets: probeSecrets, choose: options.autoSelectHandler });
  const limit = addressLimit(backend.spec, groups.length);
  const admitted = admittedTargets(backend, { groups, resolved, limit, observedService }, options);
  const frozen = frozenChecks(admitted, groups);
  const healthOf = frozenHealths.lens(frozen, probedHealthOf);
  const targets = admitted.map((target) => withoutUnhealthyKept(target, groups, healthOf));
  const addresses = targets.flatMap((target) => target.addresses);
  const served = addresses.filter(({ familyNotServed }) => familyNotServed !== true);
  const checks = [
    ...new Map(
      checksOf(groups, served, lagLimitsOf(backend.spec)).map((check) => [check.id, check]),
    ).values(),
  ];
  const missing = [probeSecrets.tlsMissing ?? [], probeSecrets.credentialsMissing ?? []].flat();
  const nexts = [...resolved.values()].flatMap(({ nextAt }) => nextAt ?? []);
  const nextAt = nexts.length > 0 ? Math.min(...nexts) : undefined;
  const secretsPending = isPending(probeSecrets);
  const quarantined = checks.filter(({ id }) => options.quarantined.includes(id)).map(formatHostPort);
  const parts = { quarantined, targets, addresses, groups, checks, missing, secretsPending, nextAt };
  const health = { healthOf, probedHealthOf, frozen, maintenance, refusedReplacements };
  return { key, raw, backend, ...parts, ...health, observedService };
}

const frozenChecks = (
  targets: readonly TargetAddresses[],
  groups: readonly PortGroup[],
): ReadonlySet<string> =>
  new Set(
    targets
      .flatMap(({ addresses }) => addresses)
      .filter(isFrozen)
      .flatMap((address) => groups.map((group) => checkId(group, address))),
  );
