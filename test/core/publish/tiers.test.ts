import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BackendAddress } from '../../../src/core/resolution/addresses.ts';
import {
  chooseTier,
  compareTiers,
  tiersOf,
  tierTimes,
  type Tier,
  type TierMember,
} from '../../../src/core/publish/tiers.ts';
import { aTarget } from '../../support/builders/builders.ts';
import { service } from '../../support/builders/lookups.ts';

const tier = (priority: number, srvRank = 0): Tier => ({ priority, srvRank });
const member = (priority: number, ready: boolean, isPublished: boolean): TierMember => ({
  tier: tier(priority),
  ready,
  isPublished,
});

const inUse = (priority: number) => member(priority, true, true);
const ready = (priority: number) => member(priority, true, false);
const failed = (priority: number) => member(priority, false, true);
const down = (priority: number) => member(priority, false, false);

describe('the tier that a Service uses', () => {
  it.each([
    ['nothing is ready', [failed(0), down(1)], 0, { tier: undefined }],
    ['nothing is published yet', [ready(2), ready(1), down(0)], 0, { tier: tier(1) }],
    ['all of the best tier are ready', [inUse(0), ready(1)], 0, { tier: tier(0) }],
    ['the last address of the best tier failed', [failed(0), ready(1), ready(2)], 0, { tier: tier(1) }],
    ['two addresses of one tier are ready', [inUse(0), ready(0), ready(1)], 0, { tier: tier(0) }],
    ['a better tier has just become ready', [ready(0), inUse(1)], 0, { tier: tier(1), afterMs: 30_000 }],
    [
      'a better tier has been ready for a while',
      [ready(0), inUse(1)],
      10_000,
      { tier: tier(1), afterMs: 20_000 },
    ],
    ['a better tier has been ready for long enough', [ready(0), inUse(1)], 30_000, { tier: tier(0) }],
    ['both are published, since their priorities were changed', [inUse(0), inUse(1)], 0, { tier: tier(0) }],
    ['the tier in use failed while a better one recovers', [ready(0), failed(1)], 1, { tier: tier(0) }],
  ])('follows the table if %s', (_, members, readyForMs, choice) => {
    expect(chooseTier(members, 30_000, () => readyForMs)).toEqual(choice);
  });

  it('is the first better one that has been ready for long enough, and another one later', () => {
    const members = [ready(0), ready(1), inUse(2)];
    const readyForMs = ({ priority }: Tier): number => (priority === 0 ? 5_000 : 31_000);
    expect(chooseTier(members, 30_000, readyForMs)).toEqual({ tier: tier(1) });
  });

  const members = fc.array(
    fc.record({
      tier: fc.record({ priority: fc.nat(3), srvRank: fc.nat(2) }),
      ready: fc.boolean(),
      isPublished: fc.boolean(),
    }),
    { maxLength: 8 },
  );

  it('has a ready address exactly if any tier has one', () => {
    fc.assert(
      fc.property(members, fc.nat(60_000), (all, ms) => {
        const { tier: chosen } = chooseTier(all, 30_000, () => ms);
        const usable = all.filter((each) => each.ready);
        expect(chosen === undefined).toBe(usable.length === 0);
        if (chosen !== undefined)
          expect(usable.some((each) => compareTiers(each.tier, chosen) === 0)).toBe(true);
      }),
    );
  });

  it('never becomes worse while the one in use has a ready address, and never better before the time is over', () => {
    fc.assert(
      fc.property(members, fc.nat(60_000), (all, ms) => {
        const used = all
          .filter((each) => each.ready && each.isPublished)
          .map((each) => each.tier)
          .toSorted(compareTiers)[0];
        const { tier: chosen, afterMs } = chooseTier(all, 30_000, () => ms);
        if (used === undefined || chosen === undefined) return;
        expect(compareTiers(chosen, used)).toBeLessThanOrEqual(0);
        if (ms < 30_000) expect(chosen).toEqual(used);
        if (afterMs !== undefined) expect(afterMs).toBe(30_000 - ms);
      }),
    );
  });

  it('is the same if the choice is made again with what it publishes', () => {
    fc.assert(
      fc.property(members, fc.nat(60_000), (all, ms) => {
        const first = chooseTier(all, 30_000, () => ms);
        const written = all.map((each) => ({
          ...each,
          isPublished: each.ready && first.tier !== undefined && compareTiers(each.tier, first.tier) === 0,
        }));
        expect(chooseTier(written, 30_000, () => ms).tier).toEqual(first.tier);
      }),
    );
  });
});

describe('the time for which tiers have been ready', () => {
  it('begins when a tier becomes ready, and ends when it is not', () => {
    const first = tierTimes(new Map(), ['a'], 1_000);
    const second = tierTimes(first, ['a', 'b'], 2_000);
    expect([...second]).toEqual([
      ['a', 1_000],
      ['b', 2_000],
    ]);
    const third = tierTimes(tierTimes(second, ['b'], 3_000), ['a', 'b'], 4_000);
    expect([...third]).toEqual([
      ['a', 4_000],
      ['b', 2_000],
    ]);
  });
});

describe('the tier of an address', () => {
  const address = (over: Partial<BackendAddress>): BackendAddress => ({
    ip: '10.0.0.1',
    family: 'IPv4',
    port: 0,
    kept: false,
    host: 'db',
    target: aTarget(),
    ...over,
  });

  it('ranks the priorities of SRV records within their target', () => {
    const [one, two] = [aTarget({ host: '_a._tcp.x' }), aTarget({ host: '_b._tcp.x', priority: 1 })];
    const addresses = [
      address({ target: one, record: service('a', { priority: 20 }) }),
      address({ target: one, record: service('b', { priority: 10 }) }),
      address({ target: one, record: service('c', { priority: 20 }) }),
      address({ target: two, record: service('d', { priority: 5 }) }),
    ];
    const tierOf = tiersOf(addresses);
    expect(addresses.map((each) => tierOf(each, 'Any', false))).toEqual([
      tier(0, 1),
      tier(0, 0),
      tier(0, 1),
      tier(1, 0),
    ]);
  });

  it('is the best one of its targets that do not drain it', () => {
    const others = [
      { host: 'db', target: aTarget({ priority: 1 }) },
      { host: 'db', target: aTarget({ priority: 0, drain: true }) },
    ];
    const shared = address({ target: aTarget({ priority: 2 }), others });
    expect(tiersOf([shared])(shared, 'Any', false)).toEqual(tier(1));
  });

  it('is that of the target whose role puts the address into the Service', () => {
    const others = [{ host: 'db', target: aTarget({ priority: 0, role: 'Replica' }) }];
    const shared = address({ target: aTarget({ priority: 2, role: 'Primary' }), others });
    const tierOf = tiersOf([shared]);
    expect(tierOf(shared, 'Primary', true)).toEqual(tier(2));
    expect(tierOf(shared, 'Replica', true)).toEqual(tier(0));
    expect(tierOf(shared, 'Any', true)).toEqual(tier(0));
  });
});
