import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { BackendAddress } from '../../../src/core/resolution/addresses.ts';
import { checkId, portGroups } from '../../../src/core/probing/port-groups.ts';
import { unknownHealth, type Health } from '../../../src/core/health/state.ts';
import { planService } from '../../../src/core/publish/plan.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { Published } from '../../../src/core/restore/published-readiness.ts';
import { reseeded } from '../../../src/core/restore/reseed.ts';
import { restoreHealth } from '../../../src/core/restore/health-seeds.ts';
import { sameStatus, statusOf } from '../../../src/core/status/status.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import {
  aBackend,
  addressesIn,
  aSlice,
  checkIds,
  desiredOf,
  rolesOf,
  healthy,
  namespace,
  nothingKnown,
  someEndpoints,
  unhealthy,
  writtenOf,
  type SpecInput,
} from '../../support/builders/builders.ts';

const none: Published = { slices: [], endpoints: [] };
const now = Date.UTC(2026, 0, 1);

const seedsOf = (backend: Backend, published: Published, status?: Backend['status']) =>
  restoreHealth({
    backend: { ...backend, status },
    groups: portGroups(backend.spec),
    addresses: addressesIn(backend.spec),
    published,
    at: { now: 0, wall: now },
  });

const statusAt = (backend: Backend, healthOf: HealthOf, at = now) =>
  statusOf({
    backend,
    targets: backend.spec.targets.map((target, i) => ({
      target,
      addresses: addressesIn(backend.spec).filter((_, j) => i === j),
    })),
    groups: portGroups(backend.spec),
    healthOf,
    desired: desiredOf(backend, healthOf),
    written: writtenOf(desiredOf(backend, healthOf)),
    problems: [],
    roles: rolesOf(backend, healthOf),
    missing: [],
    alias: undefined,
    candidates: [],
    error: undefined,
    now: at,
  });

const stateOf = (backend: Backend, published: Published, status?: Backend['status']) =>
  [...seedsOf(backend, published, status).values()].map(({ state }) => state);

describe('seeds', () => {
  const one = aBackend({ targets: [{ host: '10.20.0.11' }] });
  const drained = aBackend({ targets: [{ host: '10.20.0.11', drain: true }] });
  const slice = (ready: boolean, more: object = {}) => {
    const found = aSlice(['10.20.0.11'], 'external-backend-operator', more);
    return { ...found, endpoints: [{ addresses: ['10.20.0.11'], conditions: { ready, serving: ready } }] };
  };
  const said = (health: Health) => statusAt(one, () => health);

  it.each([
    ['published ready', { ...none, slices: [slice(true)] }, undefined, ['healthy']],
    [
      'published ready, unhealthy in the status',
      { ...none, slices: [slice(true)] },
      said(unhealthy),
      ['healthy'],
    ],
    [
      'published not ready, healthy in the status: the slice is newer',
      { ...none, slices: [slice(false)] },
      said(healthy),
      ['unhealthy'],
    ],
    [
      'published not ready, drained in the status: it may have failed since',
      { ...none, slices: [slice(false)] },
      statusAt(drained, () => healthy),
      ['unknown'],
    ],
    [
      'ready behind one Service, not ready behind another: a write was cut, or is refused',
      { ...none, slices: [slice(true), slice(false, { name: 'other' })] },
      said(healthy),
      ['healthy'],
    ],
    [
      'published not ready, unhealthy in the status',
      { ...none, slices: [slice(false)] },
      said(unhealthy),
      ['unhealthy'],
    ],
    [
      'published not ready, unknown in the status',
      { ...none, slices: [slice(false)] },
      said(unknownHealth(0)),
      ['unknown'],
    ],
    ['published not ready, nothing said', { ...none, slices: [slice(false)] }, undefined, ['unknown']],
    ['not published, healthy in the status', none, said(healthy), ['unknown']],
    ['not published, unhealthy in the status', none, said(unhealthy), ['unknown']],
    ['not published, nothing said', none, undefined, []],
    [
      'in hand-written Endpoints',
      { ...none, endpoints: [someEndpoints(['10.20.0.11'])] },
      undefined,
      ['healthy'],
    ],
    [
      'in a hand-written slice without conditions',
      { ...none, slices: [{ ...slice(true), endpoints: [{ addresses: ['10.20.0.11'] }] }] },
      undefined,
      ['healthy'],
    ],
    [
      'ready on another port',
      { ...none, slices: [{ ...slice(true), ports: [{ name: '', port: 1, protocol: 'TCP' as const }] }] },
      undefined,
      [],
    ],
  ])('%s', (_, published, status, states) => expect(stateOf(one, published, status)).toEqual(states));

  it('uses our slices before the Endpoints, which show not-ready published addresses as ready', () => {
    const published = { slices: [slice(false)], endpoints: [someEndpoints(['10.20.0.11'])] };
    expect(stateOf(one, published, said(unhealthy))).toEqual(['unhealthy']);
  });

  it('uses our slices before those of other clients', () => {
    const published = { ...none, slices: [slice(false), aSlice(['10.20.0.11'])] };
    expect(stateOf(one, published, said(unhealthy))).toEqual(['unhealthy']);
  });

  it('begins a drained address as unknown, whatever was written before', () => {
    expect(stateOf(drained, { ...none, slices: [slice(false)] }, said(healthy))).toEqual(['unknown']);
  });

  it('keeps the time, the reason and the message of the status', () => {
    const health: Health = {
      state: 'unhealthy',
      consecutive: 0,
      since: now - 5_000,
      reason: 'Refused',
      message: 'nobody listens',
    };
    const found = seedsOf(one, { ...none, slices: [slice(false)] }, said(health));
    expect([...found.values()]).toEqual([{ ...health, seeded: true }]);
  });

  it('treats a time in the future as now, because the clock of the former leader may be ahead', () => {
    const stored = said({ ...unhealthy, since: now + 3_600_000 });
    const found = seedsOf(one, { ...none, slices: [slice(false)] }, stored);
    expect([...found.values()].map(({ since }) => since)).toEqual([now]);
  });
});

const shapes: readonly SpecInput[] = [
  {},
  { targets: [{ host: '10.20.0.11', drain: true }, { host: 'fd00::1' }] },
  { targets: [{ host: '10.20.0.11' }, { host: '10.20.0.11', port: 5433 }] },
  {
    ports: [
      { name: 'a', port: 1, targetPort: 7 },
      { name: 'b', port: 2, targetPort: 7, probe: {} },
    ],
  },
  {
    ports: [
      { name: 'a', port: 1 },
      { name: 'b', port: 2, probe: {} },
    ],
    targets: [{ host: '10.20.0.11', drain: true }, { host: '10.20.0.12' }],
  },
  {
    ports: [
      { name: 'a', port: 1 },
      { name: 'b', port: 2, probe: { disabled: {} } },
    ],
  },
  { services: [{ name: 'orders-db', publishNotReadyAddresses: true }] },
  { probe: { disabled: {} } },
];

const anyHealth = fc.oneof(
  fc.constant(undefined),
  fc.constant(unknownHealth(now)),
  fc.record({
    state: fc.constantFrom('healthy' as const, 'unhealthy' as const),
    consecutive: fc.constant(0),
    since: fc.integer({ min: 1, max: 1_000 }).map((seconds) => now - seconds * 1_000 - 7),
    reason: fc.constantFrom('Connected' as const, 'Refused' as const),
    message: fc.constantFrom('', 'some words', 'port a: words'),
  }),
);

describe('a restart', () => {
  it('changes no status and no slice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...shapes),
        fc.array(anyHealth, { minLength: 4, maxLength: 4 }),
        async (spec, states) => {
          const before = aBackend(spec);
          const healthOf: HealthOf = (id) => states[checkIds(before).indexOf(id)];
          const cluster = new FakeCluster();
          const plan = (backend: Backend, health: HealthOf) =>
            desiredOf(backend, health).flatMap(
              (desired) =>
                planService(
                  desired,
                  {
                    service: cluster.service(namespace, desired.name),
                    slices: cluster.slices(namespace, desired.name),
                    endpoints: cluster.endpoints(namespace, desired.name),
                  },
                  { backend, olderClaimant: undefined, maxEndpointsPerSlice: 100 },
                ).steps,
            );
          for (const { action } of plan(before, healthOf)) await cluster.perform(action);

          const after = aBackend(spec, { status: statusAt(before, healthOf) });
          const published = {
            slices: cluster.slices(namespace, 'orders-db'),
            endpoints: [cluster.endpoints(namespace, 'orders-db')].filter((found) => found !== undefined),
          };
          const seeded = seedsOf(after, published, after.status);
          const again: HealthOf = (id) => seeded.get(id);
          expect(plan(after, again)).toEqual([]);
          const told = statusAt(after, again, now + 60_000);
          // The health of a drained address is not restored.
          if (before.spec.targets.some(({ drain }) => drain)) return;
          expect(told).toEqual(after.status);
          expect(sameStatus(after.status, told)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('keeps the ids of all checks', () => {
    const { spec } = aBackend();
    const [group] = portGroups(spec);
    const ids = addressesIn(spec).map((address) => group && checkId(group, address));
    expect(ids).toEqual(checkIds(aBackend()));
    expect(nothingKnown('x')).toBeUndefined();
  });
});

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

describe('the lag that an address begins with', () => {
  const bounded = aBackend({
    targets: [{ host: '10.20.0.11' }],
    probe: { redis: {} },
    services: [{ name: 'fresh', maxLagSeconds: 10 }, { name: 'any' }],
  });
  const behind = (...services: readonly string[]): Published => ({
    endpoints: [],
    slices: ['fresh', 'any'].map((service) => {
      const metadata = {
        name: service,
        labels: {
          'kubernetes.io/service-name': service,
          'endpointslice.kubernetes.io/managed-by': 'external-backend-operator',
        },
      };
      return aSlice(services.includes(service) ? ['10.20.0.11'] : [], 'external-backend-operator', metadata);
    }),
  });
  const said = (lagOverSeconds?: number) => ({
    targets: [
      {
        host: '10.20.0.11',
        addresses: [
          {
            ip: '10.20.0.11',
            ready: true,
            health: 'healthy',
            reason: 'Responded',
            ...(lagOverSeconds !== undefined && { lagOverSeconds }),
          },
        ],
      },
    ],
  });

  it.each([
    [
      'ready in the bounded Service: within it, whatever was said',
      behind('fresh', 'any'),
      said(10),
      [],
      [[10, 0]],
    ],
    [
      'ready in another one alone, and over the limit in the status',
      behind('any'),
      said(10),
      [10],
      [[10, 3]],
    ],
    ['ready in another one alone, nothing in the status: presumed', behind('any'), said(), [10], [[10, 3]]],
    ['in no slice: the first lag decides', behind(), said(), [], []],
    [
      'ready in another one, the bounded one is new',
      { ...behind('any'), slices: behind('any').slices.slice(1) },
      said(),
      [],
      [],
    ],
  ] as const)('%s', (_, published, status, lagging, over) => {
    const [{ replication } = unhealthy] = seedsOf(bounded, published, status as Backend['status']).values();
    expect([replication?.exceededLimits, [...(replication?.runsOverLimit ?? [])]]).toEqual([lagging, over]);
  });
});

describe('a health whose slices are read again', () => {
  const of = (state: Health['state'], role?: 'Primary' | 'Replica', more: Partial<Health> = {}): Health => ({
    ...{ state, consecutive: 0, since: now, reason: '', message: '' },
    ...(role && {
      replication: {
        role,
        roleSince: 0,
        epoch: undefined,
        runsOverLimit: new Map(),
        exceededLimits: [],
        caughtUpAt: undefined,
      },
    }),
    ...more,
  });
  const seeded = (state: Health['state'], role?: 'Primary' | 'Replica') => of(state, role, { seeded: true });

  it.each([
    ['nothing known: the seed', undefined, seeded('healthy'), 'healthy seeded'],
    ['confirmed: stays', of('healthy'), seeded('unhealthy'), 'healthy'],
    ['unknown after a verdict: the seed', of('unknown'), seeded('healthy'), 'healthy seeded'],
    ['seeded healthy, not ready now', seeded('healthy'), seeded('unhealthy'), 'unhealthy seeded'],
    ['seeded healthy, drained now', seeded('healthy'), seeded('unknown'), 'unknown seeded'],
    ['seeded unhealthy, ready now: never up', seeded('unhealthy'), seeded('healthy'), 'unhealthy seeded'],
    ['seeded unknown, ready now: never up', seeded('unknown'), seeded('healthy'), 'unknown seeded'],
    ['another role', seeded('healthy', 'Primary'), seeded('healthy', 'Replica'), 'healthy seeded Replica'],
    ['no role any more', seeded('healthy', 'Primary'), seeded('healthy'), 'healthy seeded'],
    [
      'a role that a verdict reported: stays',
      of('healthy', 'Primary'),
      seeded('healthy', 'Replica'),
      'healthy Primary',
    ],
  ])('%s', (_, known, seed, expected) => {
    const { state, seeded: is, replication } = reseeded(known, seed);
    expect([state, is && 'seeded', replication?.role].filter((word) => word !== undefined).join(' ')).toBe(
      expected,
    );
  });
});

describe('the host of an alias', () => {
  const backend = aBackend({ mode: 'ExternalName', targets: [{ host: 'a.example.com' }] });
  const [target] = backend.spec.targets;
  const addresses: readonly BackendAddress[] =
    target === undefined
      ? []
      : [{ ip: '10.0.0.1', family: 'IPv4', port: 0, host: 'a.example.com', target, kept: false }];
  const said = (health: string, current?: true) => ({
    targets: [
      {
        host: 'a.example.com',
        ...(current && { current }),
        addresses: [{ ip: '10.0.0.1', ready: true, health, reason: 'Connected' }],
      },
    ],
  });

  it.each([
    ['the Service points to it, healthy', 'a.example.com', said('healthy', true), ['healthy']],
    ['the Service points to it, and the status is older', 'a.example.com', said('healthy'), ['healthy']],
    ['the Service points to it, unhealthy', 'a.example.com', said('unhealthy', true), ['unhealthy']],
    ['the Service points to it, unhealthy before it did so', 'a.example.com', said('unhealthy'), ['unknown']],
    ['the Service points to it, nothing said', 'a.example.com', undefined, []],
    ['the Service points elsewhere, healthy', 'b.example.com', said('healthy', true), ['unknown']],
    ['the Service points elsewhere, unhealthy', 'b.example.com', said('unhealthy'), ['unknown']],
    ['there is no Service, healthy', undefined, said('healthy'), ['unknown']],
  ])('%s', (_, alias, status, states) => {
    const input = {
      groups: portGroups(backend.spec),
      addresses,
      published: { alias },
      at: { now: 0, wall: now },
    };
    const found = restoreHealth({ ...input, backend: { ...backend, status: status as Backend['status'] } });
    expect([...found.values()].map(({ state }) => state)).toEqual(states);
  });
});
