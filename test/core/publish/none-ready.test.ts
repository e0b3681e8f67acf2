import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { healthStates } from '../../../src/api/external-backend.ts';
import { fallbackOf, type FallbackCandidate } from '../../../src/core/publish/none-ready.ts';

const candidate = fc.record({
  ready: fc.boolean(),
  health: fc.constantFrom(...healthStates),
  isPublished: fc.boolean(),
});
const candidates = fc.array(candidate, { maxLength: 6 });

const a: FallbackCandidate = { ready: false, health: 'unhealthy', isPublished: true };
const fresh: FallbackCandidate = { ready: false, health: 'unknown', isPublished: false };
const failed: FallbackCandidate = { ...fresh, health: 'unhealthy' };
const ready: FallbackCandidate = { ready: true, health: 'healthy', isPublished: true };

describe('the addresses that a Service publishes although they are not ready', () => {
  it.each([
    ['Empty', 'that was published', [a], []],
    ['KeepLast', 'that is published, while another one is ready', [a, ready], []],
    ['All', 'that is published, while another one is ready', [a, ready], []],
    ['KeepLast', 'that is published', [a, failed, fresh], [a]],
    ['KeepLast', 'that was never published', [failed, fresh], []],
    ['All', 'that failed, and those that are not probed yet', [failed, fresh], [failed, fresh]],
    [
      'All',
      'that was published before a restart, and is not probed yet',
      [{ ...fresh, isPublished: true }],
      [{ ...fresh, isPublished: true }],
    ],
    ['All', 'about which nothing is known yet', [fresh, fresh], []],
    ['All', 'of a Service without addresses', [], []],
  ] as const)('with %s and an address %s follow the table', (policy, _, given, published) => {
    expect(fallbackOf(policy, given)).toEqual(published);
  });

  it('are none with Empty, and while one address is ready', () => {
    fc.assert(
      fc.property(fc.constantFrom('Empty', 'KeepLast', 'All'), candidates, (policy, given) => {
        if (policy === 'Empty' || given.some((each) => each.ready))
          expect(fallbackOf(policy, given)).toEqual([]);
      }),
    );
  });

  it('are only published ones with KeepLast, and all of these with All', () => {
    fc.assert(
      fc.property(candidates, (given) => {
        const [kept, all] = [fallbackOf('KeepLast', given), fallbackOf('All', given)];
        expect(kept.every(({ isPublished }) => isPublished)).toBe(true);
        expect(kept.every((each) => all.includes(each))).toBe(true);
      }),
    );
  });
});
