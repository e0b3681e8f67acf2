import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maxEndpoints } from '../../../src/api/limits.ts';
import { addressLimit, maxAddresses } from '../../../src/core/resolution/addresses.ts';

const limit = (mode: 'Endpoints' | 'ExternalName', services: number, portGroups: number): number =>
  addressLimit({ mode, services: Array.from({ length: services }) }, portGroups);

describe('the number of addresses that are published', () => {
  it.each([
    ['one Service and one port group', 'Endpoints', 1, 1, maxAddresses],
    ['16 Services', 'Endpoints', 16, 1, 500],
    ['16 Services and 32 port groups', 'Endpoints', 16, 32, 15],
    ['an alias, whose Services have no endpoints', 'ExternalName', 16, 1, maxAddresses],
    ['an alias with 32 port groups, which are probed', 'ExternalName', 16, 32, 250],
    ['an alias without ports', 'ExternalName', 1, 0, maxAddresses],
  ] as const)('with %s', (_, mode, services, portGroups, expected) => {
    expect(limit(mode, services, portGroups)).toBe(expected);
  });

  it('is at least one address, and never exceeds the endpoint limit over all Services', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 64 }),
        (services, portGroups) => {
          const most = limit('Endpoints', services, portGroups);
          expect(most).toBeGreaterThanOrEqual(1);
          expect(most * services * portGroups).toBeLessThanOrEqual(
            Math.max(maxEndpoints, services * portGroups),
          );
        },
      ),
    );
  });
});
