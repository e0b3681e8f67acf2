import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Backend } from '../../../src/api/external-backend.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { desiredServices, type DesiredService } from '../../../src/core/publish/desired.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import { createSlice } from '../../../src/core/publish/slice-bodies.ts';
import { markedIn } from '../../../src/core/publish/slice-readiness.ts';
import { electPrimary } from '../../../src/core/roles/primary-election.ts';
import { restoreHealth } from '../../../src/core/restore/restore-health.ts';
import { aBackend, addressesIn, healthy, unhealthy } from '../../support/builders/builders.ts';

interface Step {
  /** Health of each address; undefined: unknown. */
  readonly health: readonly (boolean | undefined)[];
  readonly drained: readonly boolean[];
}

const ips = ['10.20.0.11', '10.20.0.12', '10.20.0.13'];
const state = fc.constantFrom(true, false, undefined);
const step = fc.record({
  health: fc.tuple(state, state, state),
  drained: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
});

const backendOf = (whenNoneReady: string, drained: readonly boolean[]): Backend =>
  aBackend({
    targets: ips.map((host, i) => ({ host, drain: drained[i] === true })),
    services: [{ name: 'db', whenNoneReady }],
  });

const healthOf =
  ({ health }: Step): HealthOf =>
  (id) => {
    const is = health[ips.findIndex((ip) => id.startsWith(`${ip}|`))];
    return is === undefined ? undefined : is ? healthy : unhealthy;
  };

function desired(backend: Backend, health: HealthOf, slices: readonly EndpointSlice[]): DesiredService {
  const [groups, addresses] = [portGroups(backend.spec), addressesIn(backend.spec)];
  const [service] = desiredServices({
    ...{ backend, addresses, groups, healthOf: health },
    legacyEndpoints: true,
    roles: electPrimary({ groups, addresses, healthOf: health, isPublishedPrimary: () => false }),
    alias: undefined,
    observedService: () => undefined,
    observedSlices: () => slices,
  });
  if (service === undefined) throw new Error('one Service is desired');
  return service;
}

/** Returns the slices that are written. */
const slicesOf = (backend: Backend, { groups }: DesiredService): readonly EndpointSlice[] =>
  groups.map((group) => {
    const owner = { backend, service: 'db', headless: false };
    const action = createSlice(group.endpoints, group, owner, new Set());
    if (action.op !== 'create') throw new Error('a slice is created');
    return action.object as EndpointSlice;
  });

const publishedIn = (slices: readonly EndpointSlice[]): readonly string[] =>
  slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).flatMap(({ addresses, conditions }) => (conditions?.ready === true ? addresses : [])),
  );

/** Returns for each step what is published, and what may be: ready, and left out by nobody. */
function history(policy: string, steps: readonly Step[]) {
  let slices: readonly EndpointSlice[] = [];
  return steps.map((each) => {
    const before = publishedIn(slices);
    const backend = backendOf(policy, each.drained);
    const service = desired(backend, healthOf(each), slices);
    slices = slicesOf(backend, service);
    const eligible = ips.filter((_, i) => each.drained[i] !== true);
    const ready = eligible.filter((ip) => each.health[ips.indexOf(ip)] === true);
    return { backend, service, slices, before, now: publishedIn(slices), eligible, ready };
  });
}

const steps = fc.array(step, { minLength: 1, maxLength: 8 });

describe('a Service whose addresses fail', () => {
  it('publishes exactly the ready addresses while there is one, with every policy', () => {
    fc.assert(
      fc.property(fc.constantFrom('Empty', 'KeepLast', 'All'), steps, (policy, all) => {
        for (const { now, ready } of history(policy, all)) if (ready.length > 0) expect(now).toEqual(ready);
      }),
    );
  });

  it('never publishes a drained address', () => {
    fc.assert(
      fc.property(fc.constantFrom('KeepLast', 'All'), steps, (policy, all) => {
        for (const { now, eligible } of history(policy, all))
          expect(now.every((ip) => eligible.includes(ip))).toBe(true);
      }),
    );
  });

  it('keeps with KeepLast the addresses that it published, except those that leave for another reason', () => {
    fc.assert(
      fc.property(steps, (all) => {
        for (const { now, before, eligible, ready } of history('KeepLast', all))
          if (ready.length === 0) expect(now).toEqual(before.filter((ip) => eligible.includes(ip)));
      }),
    );
  });

  it('publishes with All every address once one has failed, except those that leave for another reason', () => {
    fc.assert(
      fc.property(steps, (all) => {
        for (const { now, before, eligible, ready, service } of history('All', all)) {
          if (ready.length > 0) continue;
          const hadSome = before.some((ip) => eligible.includes(ip));
          expect([[], eligible]).toContainEqual(now);
          if (hadSome) expect(now).toEqual(eligible);
          expect(service.fallback).toBe(now.length > 0 ? 'All' : undefined);
        }
      }),
    );
  });

  it('is not available, and reports its policy, while it publishes addresses that are not ready', () => {
    fc.assert(
      fc.property(fc.constantFrom('Empty', 'KeepLast', 'All'), steps, (policy, all) => {
        for (const { service, ready, now } of history(policy, all)) {
          expect(service.available).toBe(ready.length > 0);
          expect(service.fallback).toBe(ready.length === 0 && now.length > 0 ? policy : undefined);
        }
      }),
    );
  });

  it('marks in the slice every address that it publishes and that is not ready, and begins it as not healthy after a start', () => {
    fc.assert(
      fc.property(fc.constantFrom('KeepLast', 'All'), steps, (policy, all) => {
        for (const { backend, slices, now, ready } of history(policy, all)) {
          const marked = slices.flatMap((slice) => [...markedIn(slice)]);
          expect(marked).toEqual(now.filter((ip) => !ready.includes(ip)));
          const seeds = restoreHealth({
            backend,
            groups: portGroups(backend.spec),
            addresses: addressesIn(backend.spec),
            published: { slices, endpoints: [] },
            at: { now: 0, wall: 0 },
          });
          for (const [id, seed] of seeds) {
            const ip = ips.find((each) => id.startsWith(`${each}|`)) ?? '';
            expect(seed.state === 'healthy').toBe(ready.includes(ip));
          }
        }
      }),
    );
  });

  it('publishes the same addresses again when it starts from its slices and nothing was probed since', () => {
    fc.assert(
      fc.property(fc.constantFrom('KeepLast', 'All'), steps, (policy, all) => {
        const last = history(policy, all).at(-1);
        if (last === undefined || last.ready.length > 0) return;
        const again = desired(last.backend, () => undefined, last.slices);
        expect(publishedIn(slicesOf(last.backend, again))).toEqual(last.now);
      }),
    );
  });

  it('gives each endpoint ready and serving, or neither', () => {
    fc.assert(
      fc.property(fc.constantFrom('Empty', 'KeepLast', 'All'), steps, (policy, all) => {
        for (const { service } of history(policy, all))
          for (const { conditions } of service.groups.flatMap(({ endpoints }) => endpoints))
            expect([
              { ready: true, serving: true, terminating: false },
              { ready: false, serving: false, terminating: false },
            ]).toContainEqual(conditions);
      }),
    );
  });
});

describe('a Service with a role whose server fails', () => {
  const withRole = (role: 'Primary' | 'Replica', whenNoneReady: string): Backend =>
    aBackend({ probe: { redis: {} }, services: [{ name: 'db', role, whenNoneReady }] });
  const replication = (role: 'Primary' | 'Replica') => ({
    ...{ role, roleSince: 0, epoch: undefined },
    ...{ runsOverLimit: new Map(), exceededLimits: [], caughtUpAt: undefined },
  });
  const bothUp = (id: string) => ({
    ...healthy,
    replication: replication(id.startsWith('10.20.0.11|') ? 'Primary' : 'Replica'),
  });
  const before = (backend: Backend) => slicesOf(backend, desired(backend, bothUp, []));

  it.each([
    ['Primary', 'KeepLast', ['10.20.0.11']],
    ['Primary', 'All', ['10.20.0.11']],
    ['Primary', 'Empty', []],
    ['Replica', 'KeepLast', ['10.20.0.12']],
    ['Replica', 'All', ['10.20.0.12']],
    ['Replica', 'Empty', []],
  ] as const)('of role %s keeps with %s: %j', (role, policy, kept) => {
    const backend = withRole(role, policy);
    const now = desired(backend, () => unhealthy, before(backend));
    expect(publishedIn(slicesOf(backend, now))).toEqual(kept);
  });

  it('of role Primary never makes a replica a primary, whatever the policy', () => {
    const backend = withRole('Primary', 'All');
    const replicaUp: HealthOf = (id) =>
      id.startsWith('10.20.0.12|') ? { ...healthy, replication: replication('Replica') } : unhealthy;
    expect(publishedIn(slicesOf(backend, desired(backend, replicaUp, before(backend))))).toEqual([
      '10.20.0.11',
    ]);
    expect(publishedIn(slicesOf(backend, desired(backend, replicaUp, [])))).toEqual([]);
  });

  it('of role Primary gives up the failed primary when another server is promoted', () => {
    const backend = withRole('Primary', 'KeepLast');
    const promoted: HealthOf = (id) =>
      id.startsWith('10.20.0.12|') ? { ...healthy, replication: replication('Primary') } : unhealthy;
    expect(publishedIn(slicesOf(backend, desired(backend, promoted, before(backend))))).toEqual([
      '10.20.0.12',
    ]);
  });

  it('of role Primary loses a primary that comes back as a replica', () => {
    const backend = withRole('Primary', 'KeepLast');
    const demoted: HealthOf = () => ({ ...healthy, replication: replication('Replica') });
    expect(publishedIn(slicesOf(backend, desired(backend, demoted, before(backend))))).toEqual([]);
  });
});
