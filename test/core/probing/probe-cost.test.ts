import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { costFactor, probeCost, usualCpuMs, withRun } from '../../../src/core/probing/probe-cost.ts';

describe('The CPU time of a usual run', () => {
  it.each<[recent: number[], usual: number | undefined]>([
    [[], undefined],
    [[90, 90], undefined],
    [[90, 90, 90], 90],
    [[0, 300, 0], 0],
    [[0, 0, 300, 0, 0], 0],
    [[0, 100, 0, 100, 0], 25],
    [[100, 100, 100, 0, 0], 50],
  ])('of %j is the mean without the longest one: %s', (recent, usual) => {
    expect(usualCpuMs(recent)).toBe(usual);
  });

  it('is that of the last five runs', () => {
    const runs = [500, 500, 500, 1, 2, 3, 4, 5];
    expect(runs.reduce<readonly number[]>(withRun, [])).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('The cost of a check', () => {
  it.each([
    [0, 0, 0],
    [1.4, 0, 0],
    [1.9, 0, 2],
    [4.9, 0, 5],
    [63, 0, 80],
    [81, 80, 100],
    [79, 80, 80],
    [55, 80, 80],
    [45, 80, 60],
    [4.5, 6, 6],
    [4, 6, 5],
    [1.6, 2, 2],
    [1.2, 2, 0],
  ])('is, with a usual run of %d ms and a cost of %d ms before, %d ms', (usual, before, cost) => {
    expect(probeCost(usual, before)).toBe(cost);
  });
});

describe('The factor by which a period is stretched', () => {
  it.each([
    { cost: 0, periodS: 10, factor: 1 },
    { cost: 20, periodS: 10, factor: 1 },
    { cost: 25, periodS: 10, factor: 1.25 },
    { cost: 80, periodS: 10, factor: 4 },
    { cost: 1_000, periodS: 1, factor: 10 },
    { cost: 1_000, periodS: 300, factor: 2 },
    { cost: 1_000, periodS: 3_600, factor: 1 },
  ])('is $factor where the cost is $cost ms and the period $periodS s', ({ cost, periodS, factor }) => {
    expect(costFactor(cost, periodS * 1_000)).toBe(factor);
  });

  it('leaves a check 20 ms of CPU in each period of its spec, unless that needs more than ten times or ten minutes', () => {
    const anyMs = fc.double({ min: 0, max: 5_000, noNaN: true });
    fc.assert(
      fc.property(anyMs, anyMs, fc.integer({ min: 1, max: 3_600 }), (usualMs, earlierMs, periodS) => {
        const periodMs = periodS * 1_000;
        const factor = costFactor(probeCost(usualMs, probeCost(earlierMs, 0)), periodMs);
        expect(factor).toBeGreaterThanOrEqual(1);
        expect(factor).toBeLessThanOrEqual(10);
        if (factor > 1) expect(periodMs * factor).toBeLessThanOrEqual(600_001);
        const isMost = factor === 10 || periodMs * factor > 599_999;
        if (!isMost) expect(usualMs / factor).toBeLessThanOrEqual(20.001);
      }),
    );
  });
});
