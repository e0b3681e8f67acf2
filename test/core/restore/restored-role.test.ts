import { describe, expect, it } from '@jest/globals';
import { aBackend, aSlice, someEndpoints } from '../../support/builders/builders.ts';
import { seedsOf } from '../support/seeds.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { Published } from '../../../src/core/restore/published-readiness.ts';

describe('the role that an address begins with', () => {
  const A = '10.20.0.11';
  const B = '10.20.0.12';
  const services = [
    { name: 'rw', role: 'Primary' },
    { name: 'ro', role: 'Replica' },
    { name: 'back', role: 'Replica', fallbackToPrimary: true },
  ];
  const spec = { probe: { redis: {} }, services };

  /** Slices of ours, by Service. */
  const behind = (ready: Readonly<Record<string, readonly string[]>>): Published => ({
    endpoints: [],
    slices: Object.entries(ready).map(([service, ips]) =>
      aSlice(ips, 'external-backend-operator', {
        name: service,
        labels: {
          'kubernetes.io/service-name': service,
          'endpointslice.kubernetes.io/managed-by': 'external-backend-operator',
        },
      }),
    ),
  });
  /** Returns a status with these roles; the first is the primary. */
  const says = (roles: Readonly<Record<string, string>>, primary?: string, observedGeneration = 1) => ({
    observedGeneration,
    ...(primary !== undefined && { primary }),
    targets: Object.entries(roles).map(([ip, role]) => ({
      host: ip,
      addresses: [{ ip, ready: true, health: 'healthy', reason: 'Responded', role }],
    })),
  });
  const inBoth = { rw: [A], ro: [B] };

  it.each([
    ['ready in rw, nothing in the status: the primary', {}, inBoth, undefined, 'Primary', 'Replica'],
    [
      'ready in rw, whatever is in the status',
      {},
      { rw: [B], ro: [A] },
      says({ [A]: 'Primary', [B]: 'Replica' }, A),
      'Replica',
      'Primary',
    ],
    [
      'several ready behind rw: it led to all before, and the status knows',
      {},
      { rw: [A, B] },
      says({ [A]: 'Replica', [B]: 'Primary' }, B),
      undefined,
      'Primary',
    ],
    [
      'several ready in rw, nothing in the status: not known',
      {},
      { rw: [A, B] },
      undefined,
      undefined,
      undefined,
    ],
    [
      'ready behind a Service with fallback alone: stays there',
      {},
      { back: [A] },
      undefined,
      'Replica',
      undefined,
    ],
    [
      'ready behind rw and a Service with fallback',
      {},
      { rw: [A], back: [A, B] },
      undefined,
      'Primary',
      'Replica',
    ],
    [
      'the primary in the status, and in no rw: outdated',
      {},
      { ro: [B] },
      says({ [A]: 'Primary', [B]: 'Replica' }, A),
      undefined,
      'Replica',
    ],
    [
      'the second of two primaries: the status brings it into no Service that does not have it',
      {},
      { rw: [A] },
      says({ [A]: 'Primary', [B]: 'Primary' }, A),
      'Primary',
      undefined,
    ],
    [
      'ready in ro alone, and the primary in the status: the slice is newer',
      {},
      { rw: [], ro: [A] },
      says({ [A]: 'Primary', [B]: 'Replica' }),
      'Replica',
      undefined,
    ],
    [
      'behind no Service by role, while none has such a role: the status',
      { services: [{ name: 'rw', role: 'Primary' }, { name: 'any' }] },
      { rw: [A], any: [A, B] },
      says({ [A]: 'Primary', [B]: 'Replica' }, A),
      'Primary',
      'Replica',
    ],
    [
      'the primary in the status, and Services of that role are new',
      {},
      { any: [A, B] },
      says({ [A]: 'Primary', [B]: 'Replica' }, A),
      undefined,
      undefined,
    ],
    [
      "the spec's own word is not taken for a probe's",
      { targets: [{ host: A, role: 'Primary' }, { host: B }] },
      inBoth,
      says({ [A]: 'Primary' }, A),
      undefined,
      'Replica',
    ],
    [
      'a role that a probe reported against the spec',
      { targets: [{ host: A, role: 'Replica' }, { host: B }] },
      inBoth,
      says({ [A]: 'Primary' }, A),
      'Primary',
      'Replica',
    ],
    [
      'a role that was written for another spec does not count',
      { targets: [{ host: A, role: 'Replica' }, { host: B }] },
      inBoth,
      says({ [A]: 'Primary' }, A, 0),
      undefined,
      'Replica',
    ],
    [
      'a role of a probe kind that reports none does not count',
      { probe: { tcpSocket: {} }, targets: [{ host: A, role: 'Replica' }, { host: B }] },
      inBoth,
      says({ [B]: 'Primary' }, B),
      undefined,
      undefined,
    ],
  ])('%s', (_, over, ready, status, first, second) => {
    const found = seedsOf(aBackend({ ...spec, ...over }), behind(ready), status as Backend['status']);
    const roles = new Map([...found].map(([id, { replication }]) => [id.split('|')[0], replication?.role]));
    expect([roles.get(A), roles.get(B)]).toEqual([first, second]);
  });

  it.each([
    ['rw and ro', { rw: [A], ro: [A, B] }, true],
    ['rw and a Service with fallback', { rw: [A], back: [A] }, true],
    ['rw alone', { rw: [A], ro: [B] }, undefined],
    ['ro alone', { rw: [B], ro: [A] }, undefined],
  ])('is Primary and Replica when it is ready in %s', (_, ready, isBoth) => {
    const found = seedsOf(aBackend(spec), behind(ready));
    const [first] = [...found].filter(([id]) => id.startsWith(`${A}|`));
    expect(first?.[1].replication?.isBoth).toBe(isBoth);
  });

  it('is that of the slices when our Endpoints, which are written later, have another server', () => {
    const endpoints = [
      someEndpoints([A], {
        name: 'rw',
        labels: { 'endpoints.kubernetes.io/managed-by': 'external-backend-operator' },
      }),
    ];
    const found = seedsOf(aBackend(spec), { ...behind({ rw: [B] }), endpoints });
    expect([...found.values()].map(({ state, replication }) => [state, replication?.role])).toEqual([
      ['healthy', 'Primary'],
    ]);
  });

  it('is that of the slice for a drained address, which is not ready there', () => {
    const [slice] = behind({ rw: [A] }).slices;
    const endpoints = [{ addresses: [A], conditions: { ready: false, serving: false } }];
    const published: Published = {
      endpoints: [],
      slices: slice === undefined ? [] : [{ ...slice, endpoints }],
    };
    const [found] = seedsOf(aBackend(spec), published).values();
    expect(found).toMatchObject({ state: 'unknown', replication: { role: 'Primary' } });
  });

  it('is unknown until a verdict for an address in no Service', () => {
    const status = says({ [A]: 'Primary', [B]: 'Primary' }, A) as Backend['status'];
    const found = seedsOf(aBackend(spec), behind({ rw: [A] }), status);
    expect([...found.values()].map(({ state }) => state)).toEqual(['healthy', 'unknown']);
  });
});
