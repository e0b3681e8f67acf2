import { describe, expect, it } from '@jest/globals';
import { statusSchema } from '../../../src/api/external-backend.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import { sameStatus } from '../../../src/core/status/status.ts';
import {
  aBackend,
  allBut,
  allHealthy,
  desiredOf,
  healthy,
  nothingKnown,
  unhealthy,
  writtenOf,
} from '../../support/builders/builders.ts';
import { alias, condition, now, status } from '../support/statuses.ts';
import type { Health } from '../../../src/core/health/state.ts';
import type { Reason } from '../../../src/core/probing/reasons.ts';

const problem = { service: 'orders-db', reason: 'Conflict', message: 'not ours', published: true } as const;
const error = new OperatorError('no such node port', { kind: 'terminal', reason: 'Invalid' });
const off = aBackend({ probe: { disabled: {} } });
const drained = { targets: [{ host: '10.20.0.11', drain: true }] };
/** Gives all addresses this state and reason. */
const telling =
  (reason: Reason, state: Health['state'] = 'healthy') =>
  (): Health => ({ ...healthy, state, reason, message: 'its words' });
const twoPorts = aBackend({
  ports: [
    { name: 'a', port: 1 },
    { name: 'b', port: 2, probe: {} },
  ],
});

describe('statusOf', () => {
  it('reports a Service that is not ours as not available', () => {
    const said = status(aBackend(), allHealthy, { problems: [{ ...problem, published: false }] });
    expect(condition(said, 'Available')).toMatchObject({ status: 'False', reason: 'NotPublished' });
    expect(said.services).toEqual([{ name: 'orders-db', ready: 0, total: 0 }]);
  });

  it('reports a Service of ours as available although another client has a slice for it', () => {
    const said = status(aBackend(), allHealthy, { problems: [problem] });
    expect(condition(said, 'Available')).toMatchObject({ status: 'True', reason: 'AddressesReady' });
  });

  it('counts and lists addresses and Services', () => {
    expect(status(aBackend(), allBut('10.20.0.11'))).toMatchObject({
      observedGeneration: 1,
      services: [{ name: 'orders-db', ready: 1, total: 2 }],
      targets: [
        {
          host: '10.20.0.11',
          addresses: [
            {
              ip: '10.20.0.11',
              ready: false,
              health: 'unhealthy',
              reason: 'Refused',
              since: '1970-01-01T00:00:00Z',
            },
          ],
        },
        {
          host: '10.20.0.12',
          addresses: [{ ip: '10.20.0.12', ready: true, health: 'healthy', reason: 'Connected' }],
        },
      ],
      readyAddresses: 1,
      totalAddresses: 2,
      summary: '1/2',
      hosts: '10.20.0.11,10.20.0.12',
    });
  });

  it.each([
    ['nothing wrong', {}, 'True', 'Published'],
    ['a problem', { problems: [problem] }, 'False', 'Conflict'],
    ['an error', { error }, 'False', 'Invalid'],
    ['both: the problem', { problems: [problem], error }, 'False', 'Conflict'],
  ])('reports in Ready whether the objects are as desired: %s', (_, over, is, reason) => {
    expect(condition(status(aBackend(), allHealthy, over), 'Ready')).toMatchObject({ status: is, reason });
  });

  it.each([
    ['an alias', alias, nothingKnown, 'True', 'Alias'],
    ['nothing is probed', off, nothingKnown, 'True', 'ProbeDisabled'],
    ['some are ready', aBackend(), allBut('10.20.0.11'), 'True', 'AddressesReady'],
    [
      'some are ready, some unknown',
      aBackend(),
      (id: string) => (id.startsWith('10.20.0.11') ? healthy : undefined),
      'True',
      'AddressesReady',
    ],
    [
      'none is ready, some unknown',
      aBackend(),
      (id: string) => (id.startsWith('10.20.0.11') ? unhealthy : undefined),
      'Unknown',
      'NotProbedYet',
    ],
    ['it cannot be probed', aBackend(), telling('ProberFault', 'unknown'), 'Unknown', 'NotProbedYet'],
    ['none is ready', aBackend(), allBut('10.20.0.11', '10.20.0.12'), 'False', 'NoReadyAddress'],
    [
      'all are drained, nothing is probed',
      aBackend({ ...drained, probe: { disabled: {} } }),
      nothingKnown,
      'False',
      'NoReadyAddress',
    ],
    [
      'one port has none',
      twoPorts,
      (id: string) => (id.endsWith('2/TCP') ? unhealthy : healthy),
      'False',
      'NoReadyAddress',
    ],
  ] as const)(
    'reports in Available whether applications are served: %s',
    (_, backend, healthOf, is, reason) => {
      expect(condition(status(backend, healthOf), 'Available')).toMatchObject({ status: is, reason });
    },
  );

  it.each([
    ['all is well', {}, allHealthy, {}, 'False', 'AllHealthy'],
    ['an address is unhealthy', {}, allBut('10.20.0.11'), {}, 'True', 'AddressesUnhealthy'],
    [
      'a check is quarantined, and another address is unhealthy',
      {},
      allBut('10.20.0.12'),
      { quarantined: ['10.20.0.11:5432'] },
      'True',
      'ProbeQuarantined',
    ],
    [
      'a probe takes too much CPU, and the namespace asks for too many probes',
      {},
      allHealthy,
      { costly: [{ address: '10.20.0.11:5432', cpuMs: 80, periodMs: 10_000 }], slowdown: 2 },
      'True',
      'ProbesCostly',
    ],
    ['a login is refused', {}, telling('AuthFailed'), {}, 'True', 'LoginsRefused'],
    ['a server is full', {}, telling('Saturated'), {}, 'True', 'AddressesSaturated'],
    ['it cannot be probed', {}, telling('ProberFault', 'unknown'), {}, 'True', 'ProbesFailing'],
    ['a primary takes no writes', {}, telling('ReadOnly'), {}, 'True', 'PrimaryReadOnly'],
    ['a login is wanted, and none is needed', {}, telling('AuthRequired'), {}, 'False', 'AllHealthy'],
    [
      'the same, and the spec sets the role',
      { targets: [{ host: '10.20.0.11', role: 'Primary' }] },
      telling('AuthRequired'),
      {},
      'False',
      'AllHealthy',
    ],
    [
      'one is unhealthy, and another refuses the login: the graver one',
      {},
      (id: string) => (id.startsWith('10.20.0.11') ? unhealthy : telling('AuthFailed')()),
      {},
      'True',
      'AddressesUnhealthy',
    ],
    ['a drained one that is healthy', drained, allHealthy, {}, 'False', 'AllHealthy'],
    [
      'a target is refused',
      {},
      allHealthy,
      {
        targets: [
          { target: aBackend().spec.targets[0] as never, addresses: [], message: 'refused', refused: true },
        ],
      },
      'True',
      'TargetsRefused',
    ],
    [
      'a target gives what another gives too',
      {},
      allHealthy,
      { targets: [{ target: aBackend().spec.targets[0] as never, addresses: [], message: 'once' }] },
      'False',
      'AllHealthy',
    ],
  ] as const)('reports in Degraded whether anything is wrong: %s', (_, spec, healthOf, over, is, reason) => {
    expect(condition(status(aBackend(spec), healthOf, over), 'Degraded')).toMatchObject({
      status: is,
      reason,
    });
  });

  it('never changes Ready because of the database', () => {
    expect(condition(status(aBackend(), allBut('10.20.0.11', '10.20.0.12')), 'Ready')?.status).toBe('True');
  });

  it.each([
    ['probed', {}, 'Drained'],
    ['not probed', { probe: { disabled: {} } }, 'Drained'],
  ])('reports why a drained address is not ready: %s', (_, probe, reason) => {
    const backend = aBackend({ ...probe, targets: [{ host: '10.20.0.11', drain: true }] });
    expect(status(backend).targets?.[0]?.addresses[0]).toMatchObject({ ready: false, reason });
  });

  it('changes lastTransitionTime only when the status of a condition changes', () => {
    const first = status(aBackend());
    const same = status(aBackend({}, { status: first }), allBut('10.20.0.11'), { now: now + 60_000 });
    expect(condition(same, 'Available')).toMatchObject({
      lastTransitionTime: '2026-01-01T12:00:00Z',
      message: '1 of 2 addresses are ready',
    });
    expect(condition(same, 'Degraded')?.lastTransitionTime).toBe('2026-01-01T12:01:00Z');
  });

  it('returns the same status while nothing changes', () => {
    const first = status(aBackend());
    expect(
      sameStatus(first, status(aBackend({}, { status: first }), allHealthy, { now: now + 999_000 })),
    ).toBe(true);
  });

  it('is accepted by the schema and small enough to store, also with 512 failing targets', () => {
    const targets = Array.from({ length: 512 }, (_, n) => ({ host: `10.1.${n >> 8}.${n & 255}` }));
    const large = status(aBackend({ targets }), () => ({ ...unhealthy, message: 'x'.repeat(120) }));
    expect(statusSchema.safeParse(large).success).toBe(true);
    expect(large.summary).toBe('0/512');
    for (const each of large.conditions ?? []) expect(each.message.length).toBeLessThanOrEqual(1024);
    expect(JSON.stringify(large).length).toBeLessThan(250_000);
  });
});

describe('warnings of addresses', () => {
  it('are not reported for a drained address', () => {
    const said = status(aBackend(drained), telling('AuthFailed')).targets?.[0]?.addresses[0];
    expect(said).toMatchObject({ reason: 'Drained', health: 'healthy' });
    expect(said?.message).toBeUndefined();
  });

  it('are not reported for a drained address that a slice still has as ready', () => {
    const before = aBackend({ targets: [{ host: '10.20.0.11' }] });
    const written = writtenOf(desiredOf(before, allHealthy));
    const said = status(aBackend(drained), telling('AuthFailed'), { written }).targets?.[0]?.addresses[0];
    expect(said).toMatchObject({ ready: true, reason: 'Drained' });
    expect(said?.message).toBeUndefined();
  });

  it('are in the conditions with their messages', () => {
    const refused = status(aBackend(), telling('AuthFailed'));
    expect(condition(refused, 'Degraded')?.message).toBe(
      '10.20.0.11 AuthFailed: its words, 10.20.0.12 AuthFailed: its words',
    );
    const unasked = status(aBackend(), telling('ProberFault', 'unknown'));
    expect(condition(unasked, 'Available')?.message).toBe(
      '0 of 2 addresses are ready; not all addresses are probed yet: 10.20.0.11 ProberFault: its words, 10.20.0.12 ProberFault: its words',
    );
  });
});
