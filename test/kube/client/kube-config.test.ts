import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadKubeConfig } from '../../../src/kube/client/kube-config.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Writes a kubeconfig with one context, and returns its path. */
function file(name: string): string {
  const path = join(folder, name);
  const config = {
    clusters: [{ name, cluster: { server: `https://${name}.example.com` } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const serverOf = (path: string, context?: string): string | undefined =>
  loadKubeConfig(path, context).getCurrentCluster()?.server;

describe('loadKubeConfig', () => {
  it('uses the current context of a kubeconfig', () => {
    expect(serverOf(file('a'))).toBe('https://a.example.com');
  });

  it('merges several kubeconfigs, as kubectl does with KUBECONFIG, and uses the context of the first', () => {
    const both = [file('a'), file('b')].join(delimiter);
    expect(serverOf(both)).toBe('https://a.example.com');
    expect(serverOf(both, 'b')).toBe('https://b.example.com');
  });

  it('throws with the name of a context that does not exist', () => {
    expect(() => serverOf(file('a'), 'c')).toThrow('the kubeconfig has no context "c"');
  });

  it('throws if a kubeconfig does not exist', () => {
    expect(() => serverOf(join(folder, 'none'))).toThrow('ENOENT');
  });
});
