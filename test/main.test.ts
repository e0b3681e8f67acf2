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

import { httpApi } from './kube/support/http-api.ts';
import { until } from './support/eventually.ts';

const main = join(import.meta.dirname, '../src/main.ts');
const anyPorts = ['--health-address=127.0.0.1:0', '--metrics-address=127.0.0.1:0'];
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

/** A kubeconfig; by default of an API server that nobody runs. */
function kubeconfig(server = 'https://127.0.0.1:9'): string {
  const file = join(dir, `kubeconfig-${server.replace(/\W/g, '')}`);
  const named = { name: 'nobody', cluster: { server, 'insecure-skip-tls-verify': true } };
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
      () => ['--max-concurrent-reconciles=0'],
      2,
      '--max-concurrent-reconciles must be a whole number',
    ],
    [
      'ends with 2 and names both flags when a namespace to serve is excluded',
      () => ['--namespaces=shop,kube-system'],
      2,
      '--namespaces has kube-system, which --exclude-namespaces contains too',
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
        '--metrics-address=127.0.0.1:0',
        `--health-address=127.0.0.1:${(taken.address() as AddressInfo).port}`,
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
      const { child, outcome } = start('--kubeconfig', kubeconfig(), ...anyPorts);
      await once(child.stdout, 'data');
      child.kill(signal);
      expect((await outcome()).code).toBe(0);
    },
  );
});

/** An API server that has nothing, and keeps the holders of the Leases of the election that are created. */
async function emptyApi() {
  const holders: string[] = [];
  const server = await httpApi((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api');
    if (request.method === 'POST')
      void text(request).then((body) => {
        const { metadata, spec } = JSON.parse(body) as {
          metadata?: { name?: string };
          spec?: { holderIdentity?: string };
        };
        const isElection = metadata?.name === 'external-backend-operator';
        if (isElection && spec?.holderIdentity !== undefined) holders.push(spec.holderIdentity);
        answer(201, JSON.parse(body) as object);
      });
    // It offers no watch of all; a watch of changes has none.
    else if (searchParams.has('sendInitialEvents')) answer(422, { kind: 'Status', reason: 'Invalid' });
    else if (searchParams.has('watch'))
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    else if (pathname.includes('/leases/')) answer(404, { kind: 'Status', reason: 'NotFound' });
    else answer(200, { kind: 'List', metadata: { resourceVersion: '1' }, items: [] });
  });
  return { ...server, holders };
}

it('two processes with one --identity hold the Lease under names that differ', async () => {
  const api = await emptyApi();
  const flags = ['--kubeconfig', kubeconfig(api.url), ...anyPorts, '--identity=db-operator'];
  const both = [start(...flags), start(...flags)];
  try {
    await until('both have written a Lease', () => new Set(api.holders).size > 1, 20_000);
    for (const holder of api.holders) expect(holder).toMatch(/^db-operator_[0-9a-f-]{36}$/);
  } finally {
    for (const { child } of both) child.kill('SIGKILL');
    await Promise.all(both.map(({ outcome }) => outcome()));
    await api.close();
  }
});
