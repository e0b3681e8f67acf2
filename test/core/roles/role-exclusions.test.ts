import { describe, expect, it } from '@jest/globals';
import { exclusionOf } from '../../../src/core/roles/exclusion.ts';
import { A, B, P, R, behind, known, scene, targets } from '../support/role-scene.ts';
import type { ServiceSpec } from '../../../src/api/external-backend.ts';
import type { BackendAddress } from '../../../src/core/resolution/addresses.ts';
import type { Roles } from '../../../src/core/roles/primary-election.ts';

describe('the exclusion of an address from a Service', () => {
  const roles = (role: 'Primary' | 'Replica' | undefined, over: Partial<Roles> = {}): Roles => ({
    roleOf: () => role,
    exceededLagLimits: () => [],
    isGiven: () => false,
    isBoth: () => false,
    keptBy: () => undefined,
    primary: [],
    conflictingPrimaries: [],
    electedPrimary: [],
    ...over,
  });
  const address = { ip: A } as BackendAddress;
  const of = (role: ServiceSpec['role'], maxLagSeconds?: number) => ({ name: 'any', role, maxLagSeconds });
  const late = { exceededLagLimits: () => [5, 10] };

  it.each([
    [
      'one that is published as both is behind Replica too',
      of('Replica'),
      roles('Primary', { isBoth: () => true }),
      undefined,
    ],
    ['any role is behind Any', of('Any'), roles('Primary'), undefined],
    ['also one that is not known', of('Any'), roles(undefined), undefined],
    ['also a second primary', of('Any'), roles('Primary', { conflictingPrimaries: [address] }), undefined],
    [
      'the primary is behind Primary',
      of('Primary'),
      roles('Primary', { electedPrimary: [address] }),
      undefined,
    ],
    [
      'another server that reports role Primary is excluded',
      of('Primary'),
      roles('Primary', { conflictingPrimaries: [address] }),
      'SecondPrimary',
    ],
    ['a replica is not', of('Primary'), roles('Replica'), 'NotPrimary'],
    ['nor one of which nothing is known', of('Primary'), roles(undefined), 'RoleUnknown'],
    ['a replica is behind Replica', of('Replica'), roles('Replica'), undefined],
    ['the primary is not', of('Replica'), roles('Primary', { electedPrimary: [address] }), 'NotReplica'],
    ['nor one of which nothing is known', of('Replica'), roles(undefined), 'RoleUnknown'],
    ['nor a replica too far behind', of('Replica', 10), roles('Replica', late), 'LagTooHigh'],
    ['nor is that behind Any', of('Any', 10), roles(undefined, late), 'LagTooHigh'],
    ['a greater bound keeps it', of('Replica', 11), roles('Replica', late), undefined],
    ['a lesser bound that is new does not', of('Replica', 1), roles('Replica', late), 'LagTooHigh'],
    ['no bound keeps it', of('Replica'), roles('Replica', late), undefined],
  ] as const)('%s', (_, service, known_, why) => expect(exclusionOf(address, service, known_)).toBe(why));
});

describe('a Service of replicas with a fallback', () => {
  const spec = {
    ...targets(A, B),
    services: [{ name: 'back', role: 'Replica', fallbackToPrimary: true, maxLagSeconds: 10 }],
  };
  it.each([
    ['leads to the replica while that is ready', R(), [`+${B}`]],
    [
      'leads to the primary while the replica is unhealthy',
      known({ role: 'Replica' }, 'unhealthy'),
      [`-${B}`, `+${A}`],
    ],
    ['leads to the primary while the replica is too far behind', R(10), [`+${A}`]],
    ['leads to the primary while nothing is known of the replica', undefined, [`+${A}`]],
  ] as const)('%s', (_, replica, wanted) => {
    const { desired } = scene(spec, { [A]: P(), ...(replica && { [B]: replica }) });
    expect(behind(desired, 'back').toSorted()).toEqual([...wanted].toSorted());
  });

  it('does not report the primary as excluded while it serves', () => {
    const { desired, addresses } = scene(spec, { [A]: P(), [B]: R(10) });
    const [primary, replica] = addresses;
    const excluded = desired[0]?.excluded ?? new Map<BackendAddress, string>();
    expect([primary, replica].map((each) => each && excluded.get(each))).toEqual([undefined, 'LagTooHigh']);
  });

  it('does not lead to a second primary', () => {
    const { desired } = scene(spec, { [A]: P(1), [B]: P(2) });
    expect(behind(desired, 'back')).toEqual([`+${B}`]);
  });
});
