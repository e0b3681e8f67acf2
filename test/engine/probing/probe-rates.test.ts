import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { factorFor } from '../../../src/core/probing/period-factor.ts';
import { ProbeRates } from '../../../src/engine/probing/probe-rates.ts';
import { parseStatus } from '../../../src/api/parse.ts';
import { namespace } from '../../support/builders/builders.ts';
import { EngineWorld } from '../../support/fakes/engine-world.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import type { Check } from '../../../src/core/probing/check.ts';

const hosts = (count: number, net: number, periodMs = 1_000): Check[] =>
  Array.from({ length: count }, (_, i) =>
    aCheck({ ip: `10.${net}.${i >> 8}.${i & 255}`, timing: { periodMs } }),
  );

function aLimit(maxPerSecond: number) {
  const changed: string[] = [];
  const rates = new ProbeRates({ maxPerSecond, onChanged: (namespace) => void changed.push(namespace) });
  const periods = (owner: string, namespace: string, checks: readonly Check[]) => [
    ...new Set(rates.set(owner, namespace, checks).map(({ timing }) => timing.periodMs)),
  ];
  return { rates, changed, periods };
}

describe('ProbeRates', () => {
  it('does not change a namespace that requests no more probes than it may have', () => {
    const { rates, periods } = aLimit(100);
    expect(periods('one', 'modest', hosts(100, 1))).toEqual([1_000]);
    expect(rates.slowed().size).toBe(0);
  });

  it('stretches all periods of a namespace that requests more, and none of another one', async () => {
    const { rates, changed, periods } = aLimit(100);
    expect(periods('one', 'greedy', hosts(90, 1))).toEqual([1_000]);
    expect(periods('two', 'greedy', hosts(90, 2, 10_000))).toEqual([10_000]);
    expect(periods('three', 'greedy', hosts(120, 3))).toEqual([2_500]);
    expect(periods('four', 'modest', hosts(100, 4))).toEqual([1_000]);
    await Promise.resolve();
    expect(changed).toEqual(['greedy']);
    expect(periods('two', 'greedy', hosts(90, 2, 10_000))).toEqual([25_000]);
    expect([...rates.slowed()]).toEqual([['greedy', 2.5]]);
  });

  it('counts a check with its period for retries, and stretches both periods', () => {
    const { rates } = aLimit(100);
    const timing = { periodMs: 10_000, retryMs: 1_000 };
    const checks = hosts(200, 1).map((check) => ({ ...check, timing: { ...check.timing, ...timing } }));
    const [first] = rates.set('one', 'team', checks);
    expect(first?.timing).toMatchObject({ periodMs: 20_000, retryMs: 2_000 });
  });

  it('counts equal checks of several backends once', () => {
    const { periods } = aLimit(100);
    expect(periods('one', 'team', hosts(100, 1))).toEqual([1_000]);
    expect(periods('two', 'team', hosts(100, 1))).toEqual([1_000]);
    expect(periods('three', 'team', hosts(101, 1))).toEqual([1_250]);
  });

  it('shortens the periods again when checks are removed, except when they are few', () => {
    const { rates, periods } = aLimit(100);
    expect(periods('one', 'team', hosts(210, 1))).toEqual([2_500]);
    expect(periods('one', 'team', hosts(190, 1))).toEqual([2_500]);
    expect(periods('one', 'team', hosts(100, 1))).toEqual([1_250]);
    rates.forget('one');
    expect([rates.factorOf('team'), rates.slowed().size]).toEqual([1, 0]);
  });

  it('never gives a namespace more than it may have, and changes the factor seldom, however it grows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 30 }), async (counts) => {
        const { rates, changed } = aLimit(50);
        const sets = new Map<string, readonly Check[]>();
        for (const [i, count] of counts.entries()) {
          sets.set(`${i % 5}`, hosts(count, i % 5));
          rates.set(`${i % 5}`, 'team', sets.get(`${i % 5}`) ?? []);
          const asked = [...sets].flatMap(([owner, checks]) => rates.set(owner, 'team', checks));
          const perSecond = asked.reduce((sum, { timing }) => sum + 1_000 / timing.periodMs, 0);
          expect(perSecond).toBeLessThanOrEqual(50.5);
        }
        await Promise.resolve();
        expect(changed.length).toBeLessThanOrEqual(counts.length);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [0.5, 1],
    [1, 1],
    [1.01, 1.25],
    [2.5, 2.5],
    [9, 10],
    [33, 40],
  ])('takes the lowest step that is enough: %d -> %d', (needed, factor) => {
    expect(factorFor(needed)).toBe(factor);
  });
});

describe('a namespace that requests more probes than it may have', () => {
  it('is probed evenly less often, the status reports it, and it is probed as before when it requests less', async () => {
    const world = new EngineWorld({ maxProbeRatePerNamespace: 2 });
    const targets = (net: number) => [1, 2, 3, 4].map((i) => ({ host: `10.${net}.0.${i}` }));
    const probe = { periodSeconds: 1 };
    world.store({ targets: targets(20), probe }, { name: 'one', uid: 'one' });
    world.store({ targets: targets(21), probe }, { name: 'two', uid: 'two' });
    world.engine.onStartedLeading();
    const inTwoMinutes = async (): Promise<number> => {
      await world.clock.advance(10_000);
      world.probed.length = 0;
      await world.clock.advance(120_000);
      return world.probed.length;
    };
    const slow = await inTwoMinutes();
    expect(slow).toBeLessThanOrEqual(248);
    expect(slow).toBeGreaterThanOrEqual(220);
    for (const name of ['one', 'two']) expect(degradedOf(world, name)).toContain('4 times less often');
    world.cluster.remove('ExternalBackend', namespace, 'two');
    world.hear('two');
    world.store({ targets: targets(20).slice(0, 1), probe }, { name: 'one', uid: 'one', generation: 2 });
    const usual = await inTwoMinutes();
    expect(usual).toBeGreaterThanOrEqual(110);
    expect(degradedOf(world, 'one')).toContain('no address is known to be unhealthy');
    expect(world.engine.slowedNamespaces().size).toBe(0);
  });
});

function degradedOf({ cluster }: EngineWorld, name: string): string {
  const status = parseStatus(cluster.backend(namespace, name));
  return status?.conditions?.find(({ type }) => type === 'Degraded')?.message ?? '';
}
