import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { generate, generatedFiles } from '../src/generate.ts';

const root = join(import.meta.dirname, '..');

const run = (folder: string, check: boolean): { readonly code: number; readonly said: readonly string[] } => {
  const said: string[] = [];
  return { code: generate(folder, check, (line) => said.push(line)), said };
};

describe('generate', () => {
  it('reports a stale file and the command that writes it, and writes it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'generate-'));
    try {
      for (const sources of ['charts', 'config'])
        cpSync(join(root, sources), join(folder, sources), { recursive: true });
      for (const { path } of generatedFiles(root)) cpSync(join(root, path), join(folder, path));
      writeFileSync(join(folder, 'docs/api.md'), 'old');
      expect(run(folder, true)).toEqual({ code: 1, said: ['stale: docs/api.md', 'run: make generate'] });
      expect(run(folder, false)).toEqual({ code: 0, said: ['wrote: docs/api.md'] });
      expect(run(folder, true).code).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
