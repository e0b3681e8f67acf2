import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { logServerVersion, testedReleases, versionWarning } from '../../../src/kube/client/server-version.ts';

const tested = ['1.33.13', '1.36.3', '1.37.2'];

describe('the version of the API server', () => {
  it.each([
    ['v1.32.9', 'older than Kubernetes 1.33'],
    ['v1.9.0', 'older than Kubernetes 1.33'],
    ['v0.99.0', 'older than Kubernetes 1.33'],
    ['v1.33.0', undefined],
    ['v1.33.4-gke.1134000', undefined],
    ['v1.34.2-eks-1a2b3c4', undefined],
    ['v1.36.1+k3s1', undefined],
    ['1.37.99', undefined],
    ['v1.38.0-alpha.1', 'newer than Kubernetes 1.37'],
    ['v2.0.0', 'newer than Kubernetes 1.37'],
    ['v1.100.0', 'newer than Kubernetes 1.37'],
  ])('%s: %s', (version, words) => {
    const warning = versionWarning(version, tested);
    if (words === undefined) expect(warning).toBeUndefined();
    else expect(warning).toContain(words);
  });

  it.each([[undefined], [null], [''], ['v1'], ['main'], [7], [{}], ['v1.33333'], [['v1.2']]])(
    'is not judged where it cannot be read: %j',
    (version) => {
      expect(versionWarning(version, tested)).toBeUndefined();
    },
  );
});

async function logged(request: () => Promise<unknown>): Promise<readonly (readonly [string, string])[]> {
  const lines: (readonly [string, string])[] = [];
  const at = (level: string) => (message: string) => void lines.push([level, message]);
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  await logServerVersion({ client: { request }, logger });
  return lines;
}

describe('the log at a start', () => {
  it('has one warning if the server is older than the supported versions', async () => {
    const lines = await logged(() => Promise.resolve({ gitVersion: 'v1.20.1' }));
    expect(lines).toEqual([['warn', expect.stringContaining('older than Kubernetes')]]);
  });

  it('has the version of a tested server, without a warning', async () => {
    const lines = await logged(() => Promise.resolve({ gitVersion: `v${testedReleases[0]}` }));
    expect(lines).toEqual([['info', 'connected to the API server']]);
  });

  it.each<readonly [string, () => Promise<unknown>]>([
    ['refuses', () => Promise.reject(new Error('forbidden'))],
    ['answers null', () => Promise.resolve(null)],
    ['answers a list', () => Promise.resolve([])],
  ])('has no warning if the server %s', async (_, request) => {
    expect((await logged(request)).map(([level]) => level)).toEqual(['info']);
  });
});

it('the README has a row for each release that was tested, and the oldest minor version among what it needs', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| (1\.\d+\.\d+) \|/gm)].map(([, release]) => release);
  expect(rows).toEqual(testedReleases);
  expect(readme).toContain(`Kubernetes ${testedReleases[0].replace(/\.\d+$/, '')} or newer`);
});
