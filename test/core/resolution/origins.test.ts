import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { describe, expect, it } from '@jest/globals';
import type { Target } from '../../../src/api/external-backend.ts';
import { addressesOf, type TargetAddresses } from '../../../src/core/resolution/addresses.ts';
import { indexNames, encodeNames, decodeNames } from '../../../src/core/resolution/names-annotation.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { desiredServices, type DesiredService } from '../../../src/core/publish/desired.ts';
import type { Health } from '../../../src/core/health/state.ts';
import { annotations } from '../../../src/core/kubernetes/ownership.ts';
import { electPrimary } from '../../../src/core/roles/primary-election.ts';
import { aBackend, aSlice, healthy, resolved } from '../../support/builders/builders.ts';

const A = '10.20.0.1';
const B = '10.20.0.2';

type Given = Partial<Target> & { readonly ips: readonly string[]; readonly kept?: readonly string[] };

/** Returns the endpoints of each Service: `+` ready, `-` not ready, with hostname and zone if it has them. */
function published(given: Readonly<Record<string, Given>>, health: Health = healthy) {
  const targets = Object.entries(given).map(([host, { ips: _, kept: __, ...target }]) => ({
    host,
    ...target,
  }));
  const backend = aBackend({
    targets,
    services: [{ name: 'rw', role: 'Primary' }, { name: 'ro', role: 'Replica' }, { name: 'any' }],
  });
  const found = addressesOf(
    backend.spec.targets,
    (host) => ({
      ...resolved({ addresses: [], state: 'Answered' }),
      addresses: [
        ...(given[host]?.ips ?? []).map((ip) => ({ ip, host, kept: false })),
        ...(given[host]?.kept ?? []).map((ip) => ({ ip, host, kept: true })),
      ],
    }),
    forbiddenRule,
    backend.spec.ports,
  );
  const addresses = found.flatMap((each) => each.addresses);
  const groups = portGroups(backend.spec);
  const healthOf = () => health;
  const roles = electPrimary({ groups, addresses, healthOf, isPublishedPrimary: () => false });
  const input = { backend, addresses, groups, healthOf, roles };
  const services = desiredServices({
    ...input,
    legacyEndpoints: false,
    alias: undefined,
    observedService: () => undefined,
  });
  return { services, found };
}

const behind = (services: readonly DesiredService[]) =>
  Object.fromEntries(
    services.map(({ name, groups }) => [name, groups.flatMap(({ endpoints }) => endpoints.map(textOf))]),
  );

const textOf = ({
  addresses,
  conditions,
  hostname,
  zone,
}: DesiredService['groups'][number]['endpoints'][number]): string =>
  [`${conditions?.ready === true ? '+' : '-'}${addresses.join()}`, hostname, zone].filter(Boolean).join(' ');

const messages = (found: readonly TargetAddresses[]) => found.map(({ message }) => message);

interface Row {
  readonly when: string;
  readonly targets: Readonly<Record<string, Given>>;
  readonly rw: readonly string[];
  readonly ro: readonly string[];
  readonly any: readonly string[];
}

const rows: readonly Row[] = [
  {
    when: 'the cluster and its reader lead to one address: both Services have it',
    targets: { 'cluster.': { role: 'Primary', ips: [A] }, 'cluster-ro.': { role: 'Replica', ips: [A] } },
    rw: [`+${A}`],
    ro: [`+${A}`],
    any: [`+${A}`],
  },
  {
    when: 'the reader comes first in the list',
    targets: { 'cluster-ro.': { role: 'Replica', ips: [A] }, 'cluster.': { role: 'Primary', ips: [A] } },
    rw: [`+${A}`],
    ro: [`+${A}`],
    any: [`+${A}`],
  },
  {
    when: 'the names lead to two addresses after a swap: each Service follows its own',
    targets: { 'cluster.': { role: 'Primary', ips: [B] }, 'cluster-ro.': { role: 'Replica', ips: [A] } },
    rw: [`+${B}`],
    ro: [`+${A}`],
    any: [`+${B}`, `+${A}`],
  },
  {
    when: 'the name of the writer left the address of the reader, and keeps it for a while: it is a writer no more',
    targets: {
      'cluster.': { role: 'Primary', ips: [B], kept: [A] },
      'cluster-ro.': { role: 'Replica', ips: [A] },
    },
    rw: [`+${B}`],
    ro: [`+${A}`],
    any: [`+${B}`, `+${A}`],
  },
  {
    when: 'the reader has the writer among its addresses',
    targets: { 'cluster.': { role: 'Primary', ips: [A] }, 'cluster-ro.': { role: 'Replica', ips: [A, B] } },
    rw: [`+${A}`],
    ro: [`+${A}`, `+${B}`],
    any: [`+${A}`, `+${B}`],
  },
  {
    when: 'one of them has no role: it makes the address eligible where no role is wanted',
    targets: { 'plain.': { ips: [A] }, 'cluster-ro.': { role: 'Replica', ips: [A] } },
    rw: [],
    ro: [`+${A}`],
    any: [`+${A}`],
  },
  {
    when: 'the reader is drained: the Service of the writer keeps it',
    targets: {
      'cluster.': { role: 'Primary', ips: [A] },
      'cluster-ro.': { role: 'Replica', drain: true, ips: [A] },
    },
    rw: [`+${A}`],
    ro: [`-${A}`],
    any: [`+${A}`],
  },
  {
    when: 'the writer is drained: the Service of the reader keeps it',
    targets: {
      'cluster.': { role: 'Primary', drain: true, ips: [A] },
      'cluster-ro.': { role: 'Replica', ips: [A] },
    },
    rw: [`-${A}`],
    ro: [`+${A}`],
    any: [`+${A}`],
  },
  {
    when: 'both are drained',
    targets: {
      'cluster.': { role: 'Primary', drain: true, ips: [A] },
      'cluster-ro.': { role: 'Replica', drain: true, ips: [A] },
    },
    rw: [`-${A}`],
    ro: [`-${A}`],
    any: [`-${A}`],
  },
  {
    when: 'another writer is not drained: it leads',
    targets: {
      'cluster.': { role: 'Primary', drain: true, ips: [A] },
      'cluster-ro.': { role: 'Replica', ips: [A] },
      'other.': { role: 'Primary', ips: [B] },
    },
    rw: [`+${B}`],
    ro: [`+${A}`],
    any: [`+${A}`, `+${B}`],
  },
  {
    when: 'each has a name and a zone of its own: they hold behind its Service',
    targets: {
      'cluster.': { role: 'Primary', name: 'writer', zone: 'a', ips: [A] },
      'cluster-ro.': { role: 'Replica', name: 'reader', zone: 'b', ips: [A] },
    },
    rw: [`+${A} writer a`],
    ro: [`+${A} reader b`],
    any: [`+${A} writer a`],
  },
];

describe('One address of two targets', () => {
  it.each(rows)('When $when', ({ targets, rw, ro, any }) => {
    expect(behind(published(targets).services)).toEqual({ rw, ro, any });
  });

  it('has the role that its probe reports, whatever role the targets give', () => {
    const replication = { role: 'Replica', roleSince: 0, lagging: [] } as unknown as NonNullable<
      Health['replication']
    >;
    const targets: Row['targets'] = {
      'cluster.': { role: 'Primary', ips: [A] },
      'cluster-ro.': { role: 'Replica', drain: true, ips: [A] },
    };
    const { services } = published(targets, { ...healthy, replication });
    expect(behind(services)).toEqual({ rw: [], ro: [`+${A}`], any: [`+${A}`] });
  });

  it('is listed once, and the drained target reports that another target provides it', () => {
    const { found } = published({
      'old.': { role: 'Primary', drain: true, ips: [A] },
      'new.': { role: 'Primary', ips: [A] },
    });
    expect(found.map(({ addresses }) => addresses.length)).toEqual([1, 0]);
    expect(messages(found)).toEqual([
      `${A} is not fully drained: target new. also provides it`,
      `${A} is published once, through target old.`,
    ]);
    expect(found.some(({ refused }) => refused)).toBe(false);
  });

  it('is recorded under both names, so that a start without DNS restores both', () => {
    const { services } = published({
      'cluster.': { role: 'Primary', ips: [A] },
      'cluster-ro.': { role: 'Replica', ips: [A] },
    });
    const text = encodeNames([A], services[0]?.groups[0]?.names) ?? '';
    const slice = aSlice([A], 'external-backend-operator', { annotations: { [annotations.names]: text } });
    for (const name of ['cluster.', 'cluster-ro.'])
      expect(decodeNames(name, indexNames([slice]))).toMatchObject([{ records: { addresses: [A] } }]);
  });
});
