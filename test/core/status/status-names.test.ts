import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { describe, expect, it } from '@jest/globals';
import { statusSchema, type Status } from '../../../src/api/external-backend.ts';
import { maxAddresses } from '../../../src/core/resolution/addresses.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { Resolution } from '../../../src/core/resolution/resolve-host.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { restoreHealth } from '../../../src/core/restore/restore-health.ts';
import {
  aBackend,
  aService,
  allBut,
  allHealthy,
  healthy,
  nothingKnown,
  unhealthy,
} from '../../support/builders/builders.ts';
import { addressesOf } from '../../../src/core/resolution/addresses.ts';
import { epoch, service } from '../../support/builders/lookups.ts';
import { gave, named } from '../../support/builders/named.ts';

const name = 'db.example.com';
const backend = aBackend({ targets: [{ host: name }] });
const withLiteral = aBackend({ targets: [{ host: name }, { host: '10.0.9.9' }] });
const is = (status: Status, type: string) => {
  const found = status.conditions?.find((each) => each.type === type);
  return `${found?.status} ${found?.reason}`;
};
const message = (status: Status, type: string) =>
  status.conditions?.find((each) => each.type === type)?.message;

describe('the status of a host name', () => {
  it('contains the state of its addresses, since when, and the error', () => {
    const { status } = named(withLiteral, {
      [name]: gave(['10.0.0.1'], { state: 'Stale', error: 'A: away' }),
    });
    expect(status.targets).toMatchObject([
      { host: name, resolution: { state: 'Stale', resolvedAt: '2026-01-01T00:00:00Z', error: 'A: away' } },
      { host: '10.0.9.9' },
    ]);
    expect(status.targets?.[1]).not.toHaveProperty('resolution');
  });

  it('contains no fields that are not known', () => {
    const { status } = named(backend, { [name]: gave([], { state: 'Pending', resolvedWall: undefined }) });
    expect(status.targets).toEqual([{ host: name, resolution: { state: 'Pending' }, addresses: [] }]);
  });

  it('is limited in length, whatever the servers return', () => {
    const { status } = named(backend, { [name]: gave([], { state: 'Failed', error: 'x'.repeat(5_000) }) });
    expect(status.targets?.[0]?.resolution?.error?.length).toBeLessThanOrEqual(1_024);
    expect(message(status, 'Degraded')?.length).toBeLessThanOrEqual(1_024);
  });

  it('contains the SRV record of an address, and marks kept addresses', () => {
    const record = service('db0.', { port: 5433, priority: 2, weight: 5 });
    const { status } = named(backend, {
      [name]: gave([
        { ip: '10.0.0.1', host: 'db0.', kept: false, record },
        { ip: '10.0.0.2', host: name, kept: true },
      ]),
    });
    const [first, second] = status.targets?.[0]?.addresses ?? [];
    expect(first).toMatchObject({ ip: '10.0.0.1', host: 'db0.', port: 5433, priority: 2, weight: 5 });
    expect(first).not.toHaveProperty('kept');
    expect(second).toMatchObject({ ip: '10.0.0.2', kept: true });
    expect(second).not.toHaveProperty('port');
  });

  it('contains the Services that do not carry an address', () => {
    const standing = aService({ ipFamilies: ['IPv4'] });
    const { status } = named(backend, { [name]: gave(['10.0.0.1', 'fd00::1']) }, { standing });
    const [four, six] = status.targets?.[0]?.addresses ?? [];
    expect(four).not.toHaveProperty('excluded');
    expect(six?.excluded).toEqual([{ service: 'orders-db', reason: 'FamilyNotServed' }]);
    expect(status.services).toEqual([{ name: 'orders-db', ready: 1, total: 1 }]);
  });

  it('is accepted by the schema and small enough to store, with the highest number of addresses', () => {
    const ips = Array.from({ length: maxAddresses + 9 }, (_, n) => `10.1.${n >> 8}.${n & 255}`);
    const sick: HealthOf = () => ({ ...unhealthy, message: 'x'.repeat(120) });
    const { status } = named(backend, { [name]: gave(ips) }, { healthOf: sick });
    expect(statusSchema.safeParse(status).success).toBe(true);
    expect(status.summary).toBe(`0/${maxAddresses}`);
    expect(JSON.stringify(status).length).toBeLessThan(1_000_000);
  });

  it.each<readonly [string, Partial<Resolution>, readonly string[], HealthOf, string, string]>([
    ['all is well', {}, ['10.0.0.1'], allHealthy, 'True AddressesReady', 'False AllHealthy'],
    ['not answered yet', { state: 'Pending' }, [], allHealthy, 'Unknown NotResolvedYet', 'False AllHealthy'],
    ['answered, not probed yet', {}, ['10.0.0.1'], nothingKnown, 'Unknown NotProbedYet', 'False AllHealthy'],
    [
      'published before',
      { state: 'Restored' },
      ['10.0.0.1'],
      allHealthy,
      'True AddressesReady',
      'False AllHealthy',
    ],
    ['stale', { state: 'Stale' }, ['10.0.0.1'], allHealthy, 'True AddressesReady', 'True NamesFailing'],
    [
      'doubted',
      { state: 'Unconfirmed' },
      ['10.0.0.1'],
      allHealthy,
      'True AddressesReady',
      'True NamesFailing',
    ],
    ['failed', { state: 'Failed' }, [], allHealthy, 'False NoReadyAddress', 'True NamesFailing'],
    ['expired', { state: 'Expired' }, [], allHealthy, 'False NoReadyAddress', 'True NamesFailing'],
    ['no such name', { state: 'NoSuchName' }, [], allHealthy, 'False NoReadyAddress', 'True NamesFailing'],
    ['no address', { state: 'NoAddress' }, [], allHealthy, 'False NoReadyAddress', 'True NamesFailing'],
    [
      'stale and unhealthy: the database first',
      { state: 'Stale' },
      ['10.0.0.1'],
      allBut('10.0.0.1'),
      'False NoReadyAddress',
      'True AddressesUnhealthy',
    ],
    ['all refused', {}, ['127.0.0.1'], allHealthy, 'False NoReadyAddress', 'True TargetsRefused'],
    ['some refused', {}, ['127.0.0.1', '10.0.0.1'], allHealthy, 'True AddressesReady', 'False AllHealthy'],
  ])('affects Available and Degraded, and never Ready: %s', (_, how, ips, healthOf, available, degraded) => {
    const { status } = named(backend, { [name]: gave(ips, how) }, { healthOf });
    expect([is(status, 'Ready'), is(status, 'Available'), is(status, 'Degraded')]).toEqual([
      'True Published',
      available,
      degraded,
    ]);
  });

  it('does not make a backend with another ready address unavailable', () => {
    for (const state of ['Pending', 'Failed', 'NoSuchName'] as const)
      expect(is(named(withLiteral, { [name]: gave([], { state }) }).status, 'Available')).toBe(
        'True AddressesReady',
      );
  });

  it('names the hosts that fail in Degraded, with the state and the error', () => {
    const { status } = named(backend, { [name]: gave([], { state: 'Failed', error: 'A: away' }) });
    expect(message(status, 'Degraded')).toBe(`${name} Failed: A: away`);
    const pending = named(backend, { [name]: gave([], { state: 'Pending' }) }).status;
    expect(message(pending, 'Available')).toBe(`0 of 0 addresses are ready; no DNS answer yet for ${name}`);
  });
});

describe('the status of an alias', () => {
  const alias = { mode: 'ExternalName', targets: [{ host: 'DB.Example.com.' }] };
  const probed = aBackend({ ...alias, ports: [{ port: 5432 }] });
  const unprobed = aBackend({ ...alias, probe: { disabled: {} } });
  const of = (spec: typeof probed, ips: readonly string[], how: Partial<Resolution>, healthOf: HealthOf) =>
    named(spec, { 'DB.Example.com.': gave(ips, how) }, { healthOf, alias: name }).status;

  it.each([
    ['healthy', probed, ['10.0.0.1'], {}, allHealthy, 'True Alias'],
    ['not probed', unprobed, ['10.0.0.1'], {}, nothingKnown, 'True Alias'],
    ['not probed and not answered', unprobed, [], { state: 'Pending' }, nothingKnown, 'True Alias'],
    ['not probed and gone', unprobed, [], { state: 'NoSuchName' }, nothingKnown, 'False NoReadyAddress'],
    ['not probed yet', probed, ['10.0.0.1'], {}, nothingKnown, 'Unknown NotProbedYet'],
    ['not answered yet', probed, [], { state: 'Pending' }, nothingKnown, 'Unknown NotResolvedYet'],
    ['failing', probed, [], { state: 'Failed' }, nothingKnown, 'Unknown NotResolvedYet'],
    ['unhealthy', probed, ['10.0.0.1'], {}, allBut('10.0.0.1'), 'False NoReadyAddress'],
    ['gone', probed, [], { state: 'NoSuchName' }, nothingKnown, 'False NoReadyAddress'],
    ['refused', probed, ['127.0.0.1'], {}, nothingKnown, 'False NoReadyAddress'],
  ] as const)('reports whether its host works: %s', (_, spec, ips, how, healthOf, available) => {
    const status = of(spec, ips, how, healthOf);
    expect(is(status, 'Available')).toBe(available);
    expect(status.targets?.[0]?.current).toBe(true);
    expect(status.summary === '-').toBe(spec === unprobed);
  });

  it('is the health with which its checks begin after a start', () => {
    const two = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    const healthOf: HealthOf = (id) =>
      id.startsWith('10.0.0.1|')
        ? { ...healthy, since: epoch - 5_000 }
        : id.startsWith('10.0.0.2|')
          ? unhealthy
          : undefined;
    const status = of(probed, two, {}, healthOf);
    const addresses = addressesOf(
      probed.spec.targets,
      () => gave(two),
      forbiddenRule,
      probed.spec.ports,
    ).flatMap((target) => target.addresses);
    const input = {
      groups: portGroups(probed.spec),
      addresses,
      published: { alias: 'db.example.com' },
      at: { now: 0, wall: epoch },
    };
    const found = restoreHealth({ ...input, backend: { ...probed, status } });
    expect([...found].map(([id, { state, since }]) => `${id} ${state} ${since}`)).toEqual([
      `10.0.0.1|5432|all healthy ${epoch - 5_000}`,
      '10.0.0.2|5432|all unhealthy 0',
      `10.0.0.3|5432|all unknown ${epoch}`,
    ]);
    expect(restoreHealth({ ...input, backend: { ...probed, status: undefined } }).size).toBe(0);
  });
});
