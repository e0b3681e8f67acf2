import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { checkId, portGroups } from '../../../src/core/probing/port-groups.ts';
import { desiredServices } from '../../../src/core/publish/desired.ts';
import { addressesOf } from '../../../src/core/resolution/addresses.ts';
import { electPrimary } from '../../../src/core/roles/primary-election.ts';
import { aBackend, literal, resolved } from '../../support/builders/builders.ts';
import type { ReplicationState } from '../../../src/core/health/replication.ts';
import type { Health } from '../../../src/core/health/state.ts';
import type { DesiredService } from '../../../src/core/publish/desired.ts';
import type { BackendAddress } from '../../../src/core/resolution/addresses.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

export const names: Readonly<Record<string, readonly string[]>> = {
  'one.example': ['10.0.1.1', 'fd00::1'],
  'two.example': ['10.0.2.1', '10.0.2.2', 'fd00::2'],
};
export const resolve = (host: string) => {
  const ips = names[host];
  if (ips === undefined) return literal(host);
  const { addresses, ...rest } = resolved({ addresses: ips });
  return { ...rest, addresses: addresses.map((each) => ({ ...each, host })) };
};

export const redis = { probe: { redis: {} } };
export const services = [
  { name: 'rw', role: 'Primary' },
  { name: 'ro', role: 'Replica', maxLagSeconds: 10 },
  { name: 'back', role: 'Replica', fallbackToPrimary: true },
  { name: 'any' },
];

export const known = (
  telling: Partial<ReplicationState> | undefined,
  state: Health['state'] = 'healthy',
): Health => ({
  ...{ state, consecutive: 0, since: 0, reason: 'Responded', message: '' },
  ...(telling && {
    replication: {
      role: undefined,
      roleSince: 0,
      epoch: undefined,
      runsOverLimit: new Map(),
      exceededLimits: [],
      caughtUpAt: undefined,
      ...telling,
    },
  }),
});

/** Builds a backend from healths: IP -> health, of every port or of the ports named by `IP group`. */
export function scene(
  spec: SpecInput,
  healths: Readonly<Record<string, Health>>,
  published: readonly string[] = [],
) {
  const backend = aBackend({ ...redis, services, ...spec });
  const groups = portGroups(backend.spec);
  const addresses = addressesOf(backend.spec.targets, resolve, forbiddenRule, backend.spec.ports).flatMap(
    (t) => t.addresses,
  );
  const byId = new Map(
    groups.flatMap((group) =>
      addresses.map(
        (address) =>
          [checkId(group, address), healths[`${address.ip} ${group.id}`] ?? healths[address.ip]] as const,
      ),
    ),
  );
  const healthOf = (id: string) => byId.get(id);
  const roles = electPrimary({
    groups,
    addresses,
    healthOf,
    isPublishedPrimary: ({ ip }) => published.includes(ip),
  });
  const desired = desiredServices({
    ...{ backend, groups, addresses, healthOf, roles },
    legacyEndpoints: true,
    alias: undefined,
    observedService: () => undefined,
  });
  return { roles, addresses, desired };
}

export const targets = (...hosts: readonly string[]) => ({ targets: hosts.map((host) => ({ host })) });
export const ips = (addresses: readonly BackendAddress[]) => addresses.map(({ ip }) => ip);

/** Returns the addresses of a Service, with a `+` if ready. */
export function behind(desired: readonly DesiredService[], service: string): readonly string[] {
  const { groups = [] } = desired.find(({ name }) => name === service) ?? {};
  return groups
    .flatMap(({ endpoints }) => endpoints)
    .map(({ addresses, conditions }) => `${conditions?.ready === true ? '+' : '-'}${addresses.join()}`);
}

export const P = (epoch?: number, roleSince = 0) => known({ role: 'Primary', epoch, roleSince });
export const R = (...exceededLimits: readonly number[]) => known({ role: 'Replica', exceededLimits });
export const A = '10.0.0.1';
export const B = '10.0.0.2';
