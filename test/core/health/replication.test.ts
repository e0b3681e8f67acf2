import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applyVerdict } from '../../../src/core/health/thresholds.ts';
import { unknownHealth, type Health } from '../../../src/core/health/state.ts';
import {
  restoreReplication,
  applyReplicationVerdict,
  type ReplicationState,
} from '../../../src/core/health/replication.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { responded, timedOut } from '../../support/builders/verdicts.ts';

const primary = (over: Partial<Verdict> = {}): Verdict => ({ ...responded, role: 'Primary', ...over });
const replica = (lagSeconds?: number): Verdict => ({
  ...responded,
  role: 'Replica',
  ...(lagSeconds !== undefined && { lagSeconds }),
});

const limits = [10, 60];
const options = { unhealthy: false, failureThreshold: 3, lagLimits: limits, now: 1_000_000 };

/** Returns the replication state after these verdicts, a second apart. */
const after = (verdicts: readonly Verdict[], before?: ReplicationState): ReplicationState | undefined =>
  verdicts.reduce<ReplicationState | undefined>(
    (telling, verdict, i) =>
      applyReplicationVerdict(telling, verdict, { ...options, now: options.now + i * 1_000 }).replication,
    before,
  );

const seeded = (over: Partial<Parameters<typeof restoreReplication>[0]> = {}) =>
  restoreReplication({
    role: 'Replica',
    within: limits,
    exceededLimits: [],
    isPresumed: false,
    isBoth: false,
    failureThreshold: 3,
    now: 0,
    ...over,
  });

describe('a role', () => {
  const none = undefined;
  it.each([
    ['is what the first verdict says', none, primary(), false, 'Primary', true],
    ['is that of a later verdict, at once', after([primary()]), replica(), false, 'Replica', true],
    [
      'is that of a verdict of an unhealthy server too',
      after([primary()]),
      { ...replica(), kind: 'down' },
      true,
      'Replica',
      true,
    ],
    ['stays when a verdict reports none', after([primary()]), responded, false, 'Primary', false],
    [
      'is forgotten where the server has none',
      after([primary()]),
      { ...responded, isRoleless: true },
      false,
      none,
      true,
    ],
    ['stays when a first failure reports none', after([primary()]), timedOut, false, 'Primary', false],
    ['is forgotten with the health', after([primary()]), timedOut, true, none, true],
    ['is no change when it is reported again', after([primary()]), primary(), false, 'Primary', false],
    ['is not known when no verdict reports it', none, responded, false, none, false],
  ] as const)('%s', (_, before, verdict, unhealthy, role, changed) => {
    const told = applyReplicationVerdict(before, verdict, { ...options, unhealthy });
    expect(told.replication?.role).toBe(role);
    expect(told.changed).toBe(changed);
  });

  it('keeps the time at which it was first reported', () => {
    expect(after([primary(), primary()])?.roleSince).toBe(1_000_000);
    expect(after([primary(), replica(), primary()])?.roleSince).toBe(1_002_000);
  });

  it.each([
    ['a later epoch is a change', primary({ epoch: 1 }), primary({ epoch: 2 }), 2, true],
    ['the same epoch is none', primary({ epoch: 1 }), primary({ epoch: 1 }), 1, false],
    ['a verdict without a role leaves the epoch', primary({ epoch: 1 }), responded, 1, false],
    ['a role without an epoch has none', primary({ epoch: 1 }), replica(), undefined, true],
  ])('%s', (_, first, second, epoch, changed) => {
    const told = applyReplicationVerdict(after([first]), second, options);
    expect(told.replication?.epoch).toBe(epoch);
    expect(told.changed).toBe(changed);
  });

  it('ends the publication as both roles, also if the role is the same', () => {
    const both = seeded({ role: 'Primary', isBoth: true });
    const first = applyReplicationVerdict(both, primary(), options);
    expect([first.changed, first.replication?.isBoth]).toEqual([true, undefined]);
    expect(applyReplicationVerdict(both, responded, options).replication?.isBoth).toBe(true);
  });
});

describe('a lag', () => {
  it.each([
    ['the first one over a limit excludes at once', [replica(11)], [10]],
    ['over both limits it is out of both', [replica(61)], [10, 60]],
    ['just at a limit is within it', [replica(10)], []],
    ['one over, after one within, is not out yet', [replica(1), replica(11)], []],
    ['two over are not', [replica(1), replica(11), replica(11)], []],
    ['three over are', [replica(1), replica(11), replica(11), replica(11)], [10]],
    ['one within begins the count anew', [replica(1), replica(11), replica(11), replica(1), replica(11)], []],
    ['one within brings it back at once', [replica(11), replica(10)], []],
    ['within the greater limit alone it is out of the other', [replica(61), replica(60)], [10]],
    ['a verdict without a lag changes nothing', [replica(11), replica(), responded], [10]],
    ['a primary is behind nobody', [replica(100), primary()], []],
    ['who follows again is counted anew', [replica(1), primary(), replica(11)], [10]],
  ] as const)('%s', (_, verdicts, lagging) => expect(after(verdicts)?.exceededLimits).toEqual(lagging));

  it('never counts for more than the time since the lag was last 0', () => {
    const idle = Array.from({ length: 4 }, () => replica(3_600));
    expect(after([replica(0), ...idle])?.exceededLimits).toEqual([]);
    const long = Array.from({ length: 14 }, () => replica(3_600));
    expect(after([replica(0), ...long])?.exceededLimits).toEqual([10]);
  });

  it('still excludes the address when the threshold is raised', () => {
    const out = after([replica(11)]);
    const told = applyReplicationVerdict(out, replica(11), { ...options, failureThreshold: 5 });
    expect(told.replication?.exceededLimits).toEqual([10]);
  });

  it('is no change while it stays within the same limits', () => {
    const told = after([replica(11)]);
    expect(applyReplicationVerdict(told, replica(12.5), options).changed).toBe(false);
    expect(applyReplicationVerdict(told, replica(59), options).changed).toBe(false);
    expect(applyReplicationVerdict(told, replica(3), options).changed).toBe(true);
  });

  it('is cleared when the address becomes unhealthy, and that is a change', () => {
    const told = applyReplicationVerdict(after([{ ...responded, lagSeconds: 11 }]), timedOut, {
      ...options,
      unhealthy: true,
    });
    expect(told).toEqual({ replication: undefined, changed: true });
  });
});

describe('after a start', () => {
  it.each([
    ['one over a limit does not exclude what was within', seeded(), [replica(11)], []],
    ['the threshold of them does', seeded(), [replica(11), replica(11), replica(11)], [10]],
    ['what was over a limit still is', seeded({ within: [60], exceededLimits: [10] }), [], [10]],
    [
      'without slices and status is decided by the first verdict',
      seeded({ within: [] }),
      [replica(11)],
      [10],
    ],
    [
      'what was presumed of the slices is decided by a lag over it',
      seeded({ within: [], exceededLimits: [10], isPresumed: true }),
      [replica(11)],
      [10],
    ],
    [
      'what was presumed of the slices ends with a verdict without lag',
      seeded({ within: [], exceededLimits: [10], isPresumed: true }),
      [responded],
      [],
    ],
    [
      'in the status stays with a verdict without lag',
      seeded({ within: [60], exceededLimits: [10] }),
      [responded],
      [10],
    ],
    [
      'and comes back with the first within',
      seeded({ within: [], exceededLimits: limits }),
      [replica(9)],
      [],
    ],
    ['a primary is behind nobody', seeded({ role: 'Primary', within: [], exceededLimits: limits }), [], []],
  ] as const)('%s', (_, before, verdicts, lagging) =>
    expect(after(verdicts, before)?.exceededLimits).toEqual(lagging),
  );
});

describe('any sequence of verdicts', () => {
  const verdict = fc.record({
    kind: fc.constantFrom('up' as const, 'down' as const, 'inconclusive' as const),
    reason: fc.constant('Responded' as const),
    message: fc.constant(''),
    role: fc.option(fc.constantFrom('Primary' as const, 'Replica' as const), { nil: undefined }),
    lagSeconds: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
    epoch: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  }) as fc.Arbitrary<Verdict>;
  const thresholds = { successThreshold: 1, failureThreshold: 3 };

  /** Returns the health after each of them, and the result of the step. */
  const walk = (verdicts: readonly Verdict[]) => {
    let health: Health = unknownHealth(0);
    return verdicts.map((said, i) => {
      const before = health;
      const result = applyVerdict(health, said, thresholds, { now: i * 1_000, wall: 0 }, limits);
      health = result.health;
      return { said, before, ...result };
    });
  };

  it('sets the role with the first conclusive verdict', () => {
    fc.assert(
      fc.property(fc.array(verdict), (verdicts) => {
        for (const { said, health } of walk(verdicts))
          if (said.kind !== 'inconclusive' && said.role !== undefined)
            expect(health.replication?.role).toBe(said.role);
      }),
    );
  });

  it('never invents a role, and is not changed by an inconclusive verdict', () => {
    fc.assert(
      fc.property(fc.array(verdict), (verdicts) => {
        for (const { said, before, health } of walk(verdicts)) {
          if (said.kind === 'inconclusive') expect(health).toBe(before);
          else if (said.role === undefined && health.replication?.role !== undefined)
            expect(health.replication.role).toBe(before.replication?.role);
        }
      }),
    );
  });

  it('never excludes an address whose lag is within the limit, nor a primary', () => {
    fc.assert(
      fc.property(fc.array(verdict), (verdicts) => {
        for (const { said, health } of walk(verdicts)) {
          if (said.kind === 'inconclusive') continue;
          const { exceededLimits = [] } = health.replication ?? {};
          if (said.role === 'Primary') expect(exceededLimits).toEqual([]);
          for (const limit of exceededLimits)
            if (said.lagSeconds !== undefined) expect(said.lagSeconds).toBeGreaterThan(limit);
        }
      }),
    );
  });

  it('reports a change exactly when state, role, epoch, isNew or exceeded limits changed', () => {
    const told = ({ state, replication }: Health) =>
      JSON.stringify([
        state,
        replication?.role,
        replication?.epoch,
        replication?.justPromoted,
        replication?.exceededLimits ?? [],
      ]);
    fc.assert(
      fc.property(fc.array(verdict), (verdicts) => {
        for (const { before, health, transition } of walk(verdicts))
          expect(transition === 'changed').toBe(told(before) !== told(health));
      }),
    );
  });
});
