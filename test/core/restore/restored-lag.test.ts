import { describe, expect, it } from '@jest/globals';
import { aBackend, aSlice, unhealthy } from '../../support/builders/builders.ts';
import { seedsOf } from '../support/seeds.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { Published } from '../../../src/core/restore/published-readiness.ts';

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
