import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { stripVTControlCharacters } from 'node:util';

import { run } from '../controlplane/run.ts';
import { containsShown } from '../support/text/transcripts.ts';

const root = join(import.meta.dirname, '../..');

/** The end of the demo as CONTRIBUTING.md shows it. The number of the last step and all times are any. */
function shownEnd(): readonly string[] {
  const [, block = ''] =
    /^`make demo` checks each step, and ends with:\n\n((?: {4}.*\n|\n)+)/m.exec(
      readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'),
    ) ?? [];
  return block
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/^\d+\./, '….')
        .replace(/\d+(?:\.\d+)? s(?=\.?$)/, '… s'),
    )
    .filter((line) => line !== '' && line !== '…');
}

/** Titles of the steps in the sources of the demo. */
const steps = readdirSync(join(root, 'test/demo')).flatMap((name) =>
  [...readFileSync(join(root, 'test/demo', name), 'utf8').matchAll(/\.step\(\s*'([^']+)'/g)].map(
    ([, title = '']) => title,
  ),
);

describe('make demo', () => {
  it('succeeds, does every step, and ends as CONTRIBUTING.md shows', async () => {
    // In a network of its own, as for a reader.
    const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
    const demo = [join(root, 'test/controlplane/netns.sh'), ...node, join(root, 'test/demo/main.ts')];
    const { code, stdout } = await run(['env', '-C', root, '-u', 'CONTROLPLANE_NETWORK', ...demo], {
      env: { NODE_OPTIONS: '' },
      timeoutMs: 280_000,
    });
    const lines = stripVTControlCharacters(stdout)
      .split('\n')
      .map((line) => line.trim());
    expect(code === 0 ? '' : lines.slice(-40).join('\n')).toBe('');
    const done = lines.flatMap((line) => /^\d+\. (.+)$/.exec(line)?.[1] ?? []);
    expect(steps.length).toBeGreaterThan(8);
    expect(done.toSorted()).toEqual(steps.toSorted());
    expect(containsShown(shownEnd(), lines)).toBe(true);
  }, 300_000);
});
