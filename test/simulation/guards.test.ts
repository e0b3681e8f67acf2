import { describe, expect, it } from '@jest/globals';
import { guardSeeds } from './guard-seeds.ts';
import { guards, type GuardName } from './guards.ts';
import { runMain } from './run-main.ts';

/** Most histories from the seed of the table on. Mostly the first one finds it. */
const histories = '1000';
const timeoutMs = 120_000;

describe('with a guard of the engine switched off', () => {
  it.each(Object.entries(guards))(
    'the simulation finds that it is missing: %s',
    async (name, { breaks }) => {
      const seed = guardSeeds[name as GuardName];
      const printed = await runMain({ GUARD: name, SEED: String(seed), HISTORIES: histories });
      expect(printed).toContain(`breaks "${breaks}"`);
    },
    timeoutMs,
  );
});
