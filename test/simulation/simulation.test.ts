import { describe, expect, it } from '@jest/globals';
import process from 'node:process';
import { judge } from './compare-afresh.ts';
import { historyOf } from './draw-history.ts';
import { found } from './found.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';
import { runHalves } from './run-main.ts';

/** Takes less than a minute of two cores. HISTORIES=10000: that number; SEED: of the first. */
const histories = Number(process.env['HISTORIES'] ?? 2_000);
const seed = Number(process.env['SEED'] ?? 1);
const timeoutMs = 3_600_000;

describe('the whole operator, simulated', () => {
  it(
    'keeps every rule at every instant of any history',
    async () => {
      for (const { printed, success } of await runHalves(seed, histories)) expect(printed).toContain(success);
    },
    timeoutMs,
  );

  it('runs a history the same way each time', async () => {
    for (const history of [historyOf(seed), historyOf(seed + 1)])
      expect(JSON.stringify(await simulate(history))).toBe(JSON.stringify(await simulate(history)));
  });

  for (const [what, history] of Object.entries(found))
    it(`keeps every rule where once ${what}`, async () => {
      expect((await judge(history)).violations).toEqual([]);
    });
});

describe('a history that breaks a rule', () => {
  it('is reported in its shortest form', async () => {
    const history = historyOf(seed);
    const withKill = { ...history, acts: history.acts.slice(0, 1) };
    const kept = await shrink(history, (other) =>
      Promise.resolve(withKill.acts.every((act) => other.acts.includes(act))),
    );
    expect(kept.acts).toEqual(withKill.acts);
  });
});
