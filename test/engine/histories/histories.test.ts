import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { History } from './history.ts';
import { history } from './scenarios.ts';
import { always, cutsOf, shortest } from './single-cuts.ts';
import { run } from './world.ts';

/** HISTORIES=10000: at least this number; the default takes about 20 s. */
const wanted = Number(process.env['HISTORIES'] ?? 0);
const seed = Number(process.env['HISTORIES_SEED'] ?? 1);
const timeoutMs = 3_600_000;

const still = { seed: 1, writeMs: 5, maxEndpointsPerSlice: 100, arrives: false };

/** Returns the faults of a history. One of them is an end state that differs from that without its cuts. */
async function faultsOf(history: History, undisturbed: object): Promise<readonly string[]> {
  const { faults, end } = await run(history);
  const [is, should] = [end, undisturbed].map((state) => JSON.stringify(state));
  return is === should ? faults : [...faults, `ends as ${is}, without the cut as ${should}`];
}

let enumerated = 0;

describe('a history cut at one write', () => {
  it.each(shortest.slice(0, wanted > 0 ? undefined : always))(
    'passes through no wrong state where $title',
    async (scenario) => {
      const { writes, end, faults } = await run({ ...still, scenario, cuts: [] });
      expect(faults).toEqual([]);
      const wrong: object[] = [];
      for (const cut of cutsOf(writes)) {
        enumerated += 1;
        const found = await faultsOf({ ...still, scenario, cuts: [cut] }, end);
        if (found.length > 0) wrong.push({ cut, found });
      }
      expect(wrong).toEqual([]);
    },
    timeoutMs,
  );
});

describe('any history', () => {
  it(
    'passes through no wrong state, and ends as it would without its cuts',
    async () => {
      const numRuns = Math.max(wanted - enumerated, 150);
      await fc.assert(
        fc.asyncProperty(history, async (given) => {
          const undisturbed = await run({ ...given, cuts: [] });
          expect(undisturbed.faults).toEqual([]);
          expect(await faultsOf(given, undisturbed.end)).toEqual([]);
        }),
        { numRuns, seed },
      );
      console.info(`${enumerated} histories with one cut, ${numRuns} drawn ones (HISTORIES_SEED=${seed})`);
    },
    timeoutMs,
  );
});
