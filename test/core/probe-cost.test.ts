import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { costFactor, usualCpuMs, withRun } from '../../src/core/probe-cost.ts';

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

describe('The factor by which a period is stretched', () => {
  it.each([
    { cpuMs: 0, periodS: 10, before: 1, factor: 1 },
    { cpuMs: 20, periodS: 10, before: 1, factor: 1 },
    { cpuMs: 21, periodS: 10, before: 1, factor: 1.25 },
    { cpuMs: 63, periodS: 10, before: 1, factor: 4 },
    { cpuMs: 140, periodS: 1, before: 1, factor: 8 },
    { cpuMs: 1_000, periodS: 1, before: 1, factor: 10 },
    { cpuMs: 1_000, periodS: 300, before: 1, factor: 2 },
    { cpuMs: 1_000, periodS: 3_600, before: 1, factor: 1 },
    { cpuMs: 55, periodS: 10, before: 4, factor: 4 },
    { cpuMs: 40, periodS: 10, before: 4, factor: 2.5 },
    { cpuMs: 17, periodS: 10, before: 4, factor: 1.25 },
    { cpuMs: 16, periodS: 10, before: 1.25, factor: 1 },
  ])('is $factor where a run takes $cpuMs ms, the period is $periodS s, and it was $before', (row) => {
    expect(costFactor(row.cpuMs, row.periodS * 1_000, row.before)).toBe(row.factor);
  });

  it('leaves a check 20 ms of CPU in each period of its spec, unless that needs more than ten times or ten minutes', () => {
    const anyCost = fc.double({ min: 0, max: 5_000, noNaN: true });
    fc.assert(
      fc.property(anyCost, anyCost, fc.integer({ min: 1, max: 3_600 }), (cpuMs, earlierMs, periodS) => {
        const periodMs = periodS * 1_000;
        const factor = costFactor(cpuMs, periodMs, costFactor(earlierMs, periodMs, 1));
        expect(factor).toBeGreaterThanOrEqual(1);
        expect(factor).toBeLessThanOrEqual(10);
        if (factor > 1) expect(periodMs * factor).toBeLessThanOrEqual(600_000);
        const isMost = factor === 10 || periodMs * factor > 599_999;
        if (!isMost) expect(cpuMs / factor).toBeLessThanOrEqual(20.001);
      }),
    );
  });
});
