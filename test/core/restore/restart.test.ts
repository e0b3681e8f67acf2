import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { unknownHealth } from '../../../src/core/health/state.ts';
import { checkId, portGroups } from '../../../src/core/probing/port-groups.ts';
import { planService } from '../../../src/core/publish/plan.ts';
import { sameStatus } from '../../../src/core/status/status.ts';
import {
  aBackend,
  addressesIn,
  checkIds,
  desiredOf,
  namespace,
  nothingKnown,
} from '../../support/builders/builders.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import { now, seedsOf, statusAt } from '../support/seeds.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

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
