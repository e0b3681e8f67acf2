import type { Backend } from '../../api/external-backend.ts';
import { addressLimit, type BackendAddress, type TargetAddresses } from '../../core/resolution/addresses.ts';
import { formatHostPort, type Check } from '../../core/probing/check.ts';
import { checksOf, lagLimitsOf, portGroups, type PortGroup } from '../../core/probing/port-groups.ts';
import { isPending, materialsOf, type SecretOf } from '../../core/probing/probe-secrets.ts';
import type { KubeObject, Service } from '../../core/kubernetes/objects.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import type { Resolution } from '../../core/resolution/resolve-host.ts';
import { admittedTargets, type AdmissionOptions } from './admitted-targets.ts';
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
  /** Lookup of the health of each check. It reads the health when it is called. */
  readonly healthOf: HealthOf;
  /** Returns the observed Service of a name, if the backend owns it or is to adopt it. */
  readonly observedService: (service: string) => Service | undefined;
}

export interface GatherOptions extends AdmissionOptions {
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
  const { healthOf } = options;
  const observedService = observedServiceOf(backend, options.view);
  const resolved = new Map(wanted.map(({ host }) => [host, options.resolve(host)]));
  const materials = materialsOf(backend.spec, options.secretOf);
  const groups = portGroups(backend.spec, { materials, choose: options.autoSelectHandler });
  const limit = addressLimit(backend.spec, groups.length);
  const targets = admittedTargets(backend, { groups, resolved, limit, observedService }, options);
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
