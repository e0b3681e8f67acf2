import { describe, expect, it } from '@jest/globals';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { unknownHealth } from '../../../src/core/health/state.ts';
import { addressReadiness, readinessOf } from '../../../src/core/health/readiness.ts';
import {
  aBackend,
  addressesIn,
  healthy,
  unhealthy,
  type SpecInput,
} from '../../support/builders/builders.ts';

const sceneOf = (spec: SpecInput) => {
  const { spec: parsed } = aBackend(spec);
  const [address] = addressesIn(parsed);
  const groups = portGroups(parsed);
  if (address === undefined || groups[0] === undefined) throw new Error('an address and a port');
  return { address, groups, group: groups[0] };
};

const off = { probe: { disabled: {} } };
const on = {};

describe('readinessOf', () => {
  it.each([
    ['probing off: ready', off, undefined, false, true, 'ProbeDisabled'],
    ['probing off, drained: not ready', off, undefined, true, false, 'ProbeDisabled'],
    ['healthy: ready', on, healthy, false, true, 'Connected'],
    ['healthy, drained: not ready', on, healthy, true, false, 'Connected'],
    ['unhealthy: not ready', on, unhealthy, false, false, 'Refused'],
    ['unhealthy, drained: not ready', on, unhealthy, true, false, 'Refused'],
    ['nothing known: not ready', on, undefined, false, false, 'NotProbedYet'],
    ['unknown: not ready', on, unknownHealth(5), false, false, 'NotProbedYet'],
    [
      'unknown, because it cannot be probed',
      on,
      { ...unknownHealth(5), reason: 'ProberFault' },
      false,
      false,
      'ProberFault',
    ],
  ] as const)('%s', (_, probing, health, drain, ready, reason) => {
    const { group, address } = sceneOf({ ...probing, targets: [{ host: '10.20.0.11', drain }] });
    expect(readinessOf(group, address, () => health)).toMatchObject({ ready, reason });
  });

  it('returns the same for an address whose probes were inconclusive or have not begun', () => {
    const { group, address } = sceneOf({});
    expect(readinessOf(group, address, () => unknownHealth(5))).toEqual(
      readinessOf(group, address, () => undefined),
    );
  });
});

describe('a drained address', () => {
  const login = { ...healthy, reason: 'AuthFailed', message: '28P01 no' } as const;

  it.each([
    ['healthy', on, healthy, 'Drained', ''],
    ['healthy with a warning', on, login, 'Drained', ''],
    ['not probed', off, undefined, 'Drained', ''],
    ['unhealthy', on, { ...unhealthy, message: 'nobody listens' }, 'Refused', 'nobody listens'],
    ['not known yet', on, undefined, 'NotProbedYet', ''],
  ] as const)('has that reason only if nothing else keeps it out: %s', (_, probing, health, ...expected) => {
    const { groups, address } = sceneOf({ ...probing, targets: [{ host: '10.20.0.11', drain: true }] });
    const { ready, reason, message } = addressReadiness(groups, address, () => health);
    expect([ready, reason, message]).toEqual([false, ...expected]);
  });
});

describe('overall', () => {
  const ports = [
    { name: 'pg', port: 5432 },
    { name: 'web', port: 80, probe: {} },
  ];
  const { groups, address } = sceneOf({ ports });
  const of = (pg: typeof healthy | undefined, web: typeof healthy | undefined) =>
    addressReadiness(groups, address, (id) => (id.endsWith('|all') ? pg : web));

  it('is ready only when every port is ready', () => {
    expect(of(healthy, healthy)).toMatchObject({ ready: true, health: 'healthy', message: '' });
  });

  it.each([
    [
      'an unhealthy port',
      healthy,
      { ...unhealthy, message: 'nobody listens' },
      'unhealthy',
      'port web: nobody listens',
    ],
    ['an unhealthy port without words', unhealthy, healthy, 'unhealthy', 'port pg'],
    ['a port of which nothing is known', undefined, healthy, 'unknown', ''],
    ['the unhealthy one of two that are not ready', undefined, unhealthy, 'unhealthy', 'port web'],
  ] as const)('is that of the worst port, and names the port: %s', (_, pg, web, health, message) => {
    expect(of(pg, web)).toMatchObject({ ready: false, health, message });
  });

  it('has the message of the port with a warning, and names the port', () => {
    const login = { ...healthy, reason: 'AuthFailed', message: '28P01 no' } as const;
    const said = { ready: true, health: 'healthy', reason: 'AuthFailed' };
    expect(of(login, healthy)).toMatchObject({ ...said, message: 'port pg: 28P01 no' });
    expect(of(healthy, login)).toMatchObject({ ...said, message: 'port web: 28P01 no' });
  });
});
