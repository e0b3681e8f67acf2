import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Backend } from '../../src/api/external-backend.ts';
import { checkId, portGroups } from '../../src/core/checks.ts';
import { initial, type Health } from '../../src/core/health.ts';
import { planService } from '../../src/core/plan.ts';
import type { HealthOf } from '../../src/core/readiness.ts';
import { seeds, type Published } from '../../src/core/seed.ts';
import { sameStatus, statusOf } from '../../src/core/status.ts';
import { FakeCluster } from '../support/fake-cluster.ts';
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
  type SpecInput,
} from '../support/builders.ts';

const none: Published = { slices: [], endpoints: [] };
const now = Date.UTC(2026, 0, 1);

const seedsOf = (backend: Backend, published: Published, status?: Backend['status']) =>
  seeds({
    backend: { ...backend, status },
    groups: portGroups(backend.spec),
    addresses: addressesIn(backend.spec),
    published,
    now,
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
  const slice = (ready: boolean, more: object = {}) => {
    const found = aSlice(['10.20.0.11'], 'external-backend-operator', more);
    return { ...found, endpoints: [{ addresses: ['10.20.0.11'], conditions: { ready, serving: ready } }] };
  };
  const said = (health: Health) => statusAt(one, () => health);

  it.each([
    ['published ready', { ...none, slices: [slice(true)] }, undefined, ['healthy']],
    ['published ready, said unhealthy', { ...none, slices: [slice(true)] }, said(unhealthy), ['healthy']],
    [
      'published not ready, said healthy (drained)',
      { ...none, slices: [slice(false)] },
      said(healthy),
      ['healthy'],
    ],
    [
      'published not ready, said unhealthy',
      { ...none, slices: [slice(false)] },
      said(unhealthy),
      ['unhealthy'],
    ],
    ['published not ready, said unknown', { ...none, slices: [slice(false)] }, said(initial(0)), []],
    ['published not ready, nothing said', { ...none, slices: [slice(false)] }, undefined, []],
    ['not published, said healthy', none, said(healthy), []],
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

  it('believes our slices before the Endpoints, which also say ready what is published not ready', () => {
    const published = { slices: [slice(false)], endpoints: [someEndpoints(['10.20.0.11'])] };
    expect(stateOf(one, published, said(unhealthy))).toEqual(['unhealthy']);
  });

  it('believes our slices before those of others', () => {
    const published = { ...none, slices: [slice(false), aSlice(['10.20.0.11'])] };
    expect(stateOf(one, published, said(unhealthy))).toEqual(['unhealthy']);
  });

  it('keeps since when, why and with which words', () => {
    const health: Health = {
      state: 'unhealthy',
      run: 0,
      since: now - 5_000,
      reason: 'Refused',
      message: 'nobody listens',
    };
    const found = seedsOf(one, { ...none, slices: [slice(false)] }, said(health));
    expect([...found.values()]).toEqual([health]);
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
  fc.constant(initial(now)),
  fc.record({
    state: fc.constantFrom('healthy' as const, 'unhealthy' as const),
    run: fc.constant(0),
    since: fc.integer({ min: 1, max: 1_000 }).map((seconds) => now - seconds * 1_000 - 7),
    reason: fc.constantFrom('Connected' as const, 'Refused' as const),
    message: fc.constantFrom('', 'some words', 'port a: words'),
  }),
);

describe('a restart', () => {
  it('writes nothing and says the same', async () => {
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
                  { backend, rival: undefined, maxEndpointsPerSlice: 100 },
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
          expect(statusAt(after, again, now + 60_000)).toEqual(after.status);
          expect(sameStatus(after.status, statusAt(after, again, now + 60_000))).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has the same ids as before', () => {
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
    { name: 'back', role: 'Replica', replicaFallback: true },
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
  /** What the status says of the roles; the first is the primary. */
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
    ['ready behind rw, nothing said: the primary', {}, inBoth, undefined, 'Primary', 'Replica'],
    [
      'ready behind rw, whatever was said before',
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
      'Replica',
      'Primary',
    ],
    ['several ready behind rw, nothing said: not known', {}, { rw: [A, B] }, undefined, undefined, undefined],
    ['behind a Service with fallback alone: not known', {}, { back: [A] }, undefined, undefined, undefined],
    [
      'said to be the primary, and behind no rw: stale',
      {},
      { ro: [B] },
      says({ [A]: 'Primary', [B]: 'Replica' }, A),
      undefined,
      'Replica',
    ],
    [
      'the second of two primaries',
      {},
      { rw: [A] },
      says({ [A]: 'Primary', [B]: 'Primary' }, A),
      'Primary',
      'Primary',
    ],
    [
      'a drained primary, which nobody is for the status',
      {},
      { rw: [] },
      says({ [A]: 'Primary', [B]: 'Replica' }),
      'Primary',
      'Replica',
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
      'what a probe said against the spec',
      { targets: [{ host: A, role: 'Replica' }, { host: B }] },
      inBoth,
      says({ [A]: 'Primary' }, A),
      'Primary',
      'Replica',
    ],
    [
      'what was said of another spec is not held against it',
      { targets: [{ host: A, role: 'Replica' }, { host: B }] },
      inBoth,
      says({ [A]: 'Primary' }, A, 0),
      undefined,
      'Replica',
    ],
    [
      'who cannot tell is not believed to have told',
      { probe: { tcpSocket: {} }, targets: [{ host: A, role: 'Replica' }, { host: B }] },
      inBoth,
      says({ [B]: 'Primary' }, B),
      undefined,
      undefined,
    ],
  ])('%s', (_, over, ready, status, first, second) => {
    const found = seedsOf(aBackend({ ...spec, ...over }), behind(ready), status as Backend['status']);
    const roles = new Map([...found].map(([id, { telling }]) => [id.split('|')[0], telling?.role]));
    expect([roles.get(A), roles.get(B)]).toEqual([first, second]);
  });

  it('is known of an address that no Service carries', () => {
    const status = says({ [A]: 'Primary', [B]: 'Primary' }, A) as Backend['status'];
    const found = seedsOf(aBackend(spec), behind({ rw: [A] }), status);
    expect([...found.values()].map(({ state }) => state)).toEqual(['healthy', 'healthy']);
  });
});
