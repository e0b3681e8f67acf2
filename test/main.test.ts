import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const main = join(import.meta.dirname, '../src/main.ts');
let dir: string;
let taken: Server;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'main-'));
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
});

afterAll(() => {
  taken.close();
  rmSync(dir, { recursive: true });
});

/** A kubeconfig of an API server that nobody runs. */
function kubeconfig(): string {
  const file = join(dir, 'kubeconfig');
  const named = {
    name: 'nobody',
    cluster: { server: 'https://127.0.0.1:9', 'insecure-skip-tls-verify': true },
  };
  const context = { name: 'nobody', context: { cluster: 'nobody', user: 'nobody' } };
  const user = { name: 'nobody', user: { token: 'x' } };
  const parts = { clusters: [named], contexts: [context], users: [user], 'current-context': 'nobody' };
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...parts }));
  return file;
}

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const output = Promise.all([text(child.stdout), text(child.stderr)]).then(([out, err]) => out + err);
  return { child, outcome: async () => ({ code: await ended, output: await output }) };
}

describe('the process', () => {
  it.each<readonly [string, () => readonly string[], number, string]>([
    ['ends with 2 and names the flag it does not know', () => ['--nope'], 2, '--nope'],
    [
      'ends with 2 and says what a value must be',
      () => ['--workers=0'],
      2,
      '--workers must be a whole number',
    ],
    ['ends with 0 and its flags when asked for help', () => ['--help'], 0, '--leader-elect'],
    ['ends with 0 and its version when asked for that', () => ['--version'], 0, '0.1.0'],
    [
      'ends with 1 where the kubeconfig is missing',
      () => ['--kubeconfig', join(dir, 'none')],
      1,
      'no such file',
    ],
    [
      'ends with 1 where the context is missing',
      () => ['--kubeconfig', kubeconfig(), '--context', 'other'],
      1,
      'no context',
    ],
    [
      'ends with 1 where its address is taken',
      () => [
        '--kubeconfig',
        kubeconfig(),
        '--http-address',
        `127.0.0.1:${(taken.address() as AddressInfo).port}`,
      ],
      1,
      'EADDRINUSE',
    ],
  ])('%s', async (_, args, code, words) => {
    const outcome = await start(...args()).outcome();
    expect(outcome.output).toContain(words);
    expect(outcome.code).toBe(code);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with 0 on %s, also while no API server answers',
    async (signal) => {
      const { child, outcome } = start('--kubeconfig', kubeconfig(), '--http-address', '127.0.0.1:0');
      await once(child.stdout, 'data');
      child.kill(signal);
      expect((await outcome()).code).toBe(0);
    },
  );
});
