import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { guards } from './guards.ts';

const run = promisify(execFile);
const program = new URL('main.ts', import.meta.url).pathname;
const timeoutMs = 120_000;

/** Most histories from the seed of the table on. Mostly the first one finds it. */
const histories = 1_000;

/** Runs histories with a guard switched off, in a process of its own, until one finds it. Returns what it prints. */
async function without(guard: string, seed: number): Promise<string> {
  const env = { ...process.env, GUARD: guard, SEED: String(seed), HISTORIES: String(histories) };
  const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    env,
  }).catch((error: unknown) => error as { readonly stdout: string });
  return stdout;
}

describe('with a guard of the engine switched off', () => {
  it.each(Object.entries(guards))(
    'the simulation finds that it is missing: %s',
    async (name, { seed, breaks }) => {
      expect(await without(name, seed)).toContain(`breaks "${breaks}"`);
    },
    timeoutMs,
  );
});
