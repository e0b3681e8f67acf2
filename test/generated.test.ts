import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { staleFiles } from '../src/generate.ts';
import { version } from '../src/version.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');

describe('the repository', () => {
  it('contains the generated files of the current sources (otherwise run: make generate)', () => {
    expect(staleFiles(root).map(({ path }) => path)).toEqual([]);
  });

  it('has one version in package.json, the program and the manifests', () => {
    const packaged = (JSON.parse(read('package.json')) as { version: string }).version;
    const deployed = /newTag: (\S+)/.exec(read('config/manager/kustomization.yaml'))?.[1];
    expect([version, deployed]).toEqual([packaged, packaged]);
  });
});
