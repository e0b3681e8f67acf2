import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import type { Backend, Status } from '../../../src/api/external-backend.ts';
import { addressesOf } from '../../../src/core/resolution/addresses.ts';
import { candidatesOf } from '../../../src/core/publish/external-name.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { desiredServices, type DesiredService } from '../../../src/core/publish/desired.ts';
import type { Service } from '../../../src/core/kubernetes/objects.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { HostAddress, Resolution } from '../../../src/core/resolution/resolve-host.ts';
import { electPrimary } from '../../../src/core/roles/primary-election.ts';
import { statusOf } from '../../../src/core/status/status.ts';
import { allHealthy, literal, resolved, writtenOf } from './builders.ts';
import { epoch } from './lookups.ts';

/** Resolutions of hosts; a host that is not in it is a literal address. */
export type Hosts = Readonly<Record<string, Resolution>>;

export const gave = (
  addresses: readonly (string | HostAddress)[],
  over: Partial<Omit<Resolution, 'addresses'>> = {},
  host = 'db.example.com',
): Resolution => ({
  ...resolved({ addresses: [], state: 'Answered', resolvedWall: epoch }),
  ...over,
  addresses: addresses.map((each) => (typeof each === 'string' ? { ip: each, host, kept: false } : each)),
});

export interface NamedOptions {
  readonly healthOf?: HealthOf;
  readonly standing?: Service;
  /** Host that an alias points to. */
  readonly alias?: string;
}

/** Builds a backend with names, from their resolutions to its Services and its status. */
export function named(
  backend: Backend,
  hosts: Hosts,
  { healthOf = allHealthy, standing, alias }: NamedOptions = {},
): { readonly desired: readonly DesiredService[]; readonly status: Status } {
  const { spec } = backend;
  const targets = addressesOf(
    spec.targets,
    (host) => hosts[host] ?? literal(host),
    forbiddenRule,
    spec.ports,
  );
  const addresses = targets.flatMap((target) => target.addresses);
  const groups = portGroups(spec);
  const roles = electPrimary({ groups, addresses, healthOf, isPublishedPrimary: () => false });
  const common = { backend, groups, healthOf, roles, alias };
  const desired = desiredServices({
    ...common,
    addresses,
    legacyEndpoints: true,
    observedService: () => standing,
  });
  const judged = alias === undefined ? [] : candidatesOf(targets, groups, healthOf);
  const candidates = judged.map((host) => ({ ...host, since: undefined }));
  const status = statusOf({
    ...common,
    targets,
    desired,
    written: writtenOf(desired),
    candidates,
    problems: [],
    missing: [],
    error: undefined,
    now: epoch,
  });
  return { desired, status };
}
