import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { kubectl } from '../controlplane/kubectl.ts';
import { addAddress } from '../controlplane/network.ts';
import { applyRbac, startOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { mustRun, run } from '../controlplane/run.ts';
import type { RunResult } from '../controlplane/run.ts';
import { shellEnvironment } from '../controlplane/shell.ts';
import { startTarget } from '../controlplane/targets.ts';
import { hosts, quick } from '../support/builders/backends.ts';
import { doStep } from '../support/text/page-run.ts';
import { stepsOf } from '../support/text/transcripts.ts';

const root = join(import.meta.dirname, '../..');
const steps = stepsOf(readFileSync(join(root, 'docs/cli.md'), 'utf8'));
const [A, B] = ['10.20.171.11', '10.20.171.12'] as const;

let plane: Plane;
let env: Readonly<Record<string, string>>;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  plane = await startPlane({ address: '10.99.2.3' });
  ends.push(() => plane.stop());
  await mustRun(['npm', '--prefix', root, 'run', '--silent', 'build:plugin']);
  env = { ...shellEnvironment(plane.details), LANG: 'C.UTF-8', NO_COLOR: '' };
  symlinkSync(
    join(root, 'dist/kubectl-external_backend'),
    join(plane.details.dir, 'bin/kubectl-external_backend'),
  );
  await applyRbac(plane.details);
  await addAddress(A, B);
  const [first, second] = await Promise.all([A, B].map((address) => startTarget({ address, port: 5432 })));
  ends.unshift(
    async () => first?.close(),
    async () => second?.close(),
  );
  await kubectl(plane.details, ['create', 'namespace', 'shop']);
  const spec = { targets: hosts(A, B), ports: [{ port: 5432 }], probe: { tcpSocket: {}, ...quick } };
  const backend = { apiVersion: 'externalbackend.io/v1alpha1', kind: 'ExternalBackend', spec };
  const metadata = { name: 'orders-db', namespace: 'shop', labels: { team: 'shop' } };
  await kubectl(plane.details, ['apply', '-f', '-'], { stdin: JSON.stringify({ ...backend, metadata }) });
  const operator = await startOperator(plane.details, { args: ['--leader-elect=true'] });
  ends.unshift(() => operator.kill());
  actions = {
    stop: async () => {
      await second?.close();
    },
    'stop-operator': () => operator.stop(),
  };
}, 90_000);

let actions: Readonly<Record<string, () => Promise<void>>> = {};

afterAll(async () => {
  for (const end of ends) await end();
});

const bash = (command: string, more: Readonly<Record<string, string>> = {}): Promise<RunResult> =>
  run(['bash', '-c', command], { env: { ...env, ...more } });

describe('docs/cli.md', () => {
  it.each(steps.flatMap((step) => (step.kind === 'file' ? [] : [step])))(
    'shows what the plugin prints: $kind at line $line',
    (step) => doStep(step, { cwd: plane.details.dir, env, actions }),
    60_000,
  );
});

describe('kubectl external-backend', () => {
  it('prints a versioned document with the stored status', async () => {
    const { stdout } = await bash('kubectl external-backend status orders-db -n shop -o json');
    expect(JSON.parse(stdout)).toMatchObject({
      apiVersion: 'cli.externalbackend.io/v1alpha1',
      kind: 'ExternalBackendReport',
      items: [{ name: 'orders-db', current: true, status: { summary: '1/2' } }],
    });
    const yaml = await bash('kubectl external-backend status -A -l team=shop -o yaml');
    expect(yaml.stdout).toContain('kind: ExternalBackendReport');
  });

  it('lists nothing for labels that no backend has, and ends well', async () => {
    const { code, stdout, stderr } = await bash('kubectl external-backend status -A -l team=other');
    expect([code, stdout, stderr]).toEqual([0, '', 'No ExternalBackends in any namespace\n']);
  });

  it('reports to a user without rights which role is missing, and ends with 1', async () => {
    const { code, stdout, stderr } = await bash('kubectl external-backend status -n shop', {
      KUBECONFIG: plane.details.kubeconfigs.bob,
    });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('User "bob" cannot list resource "externalbackends"');
    expect(stderr).toContain('--clusterrole=external-backend-viewer');
  });

  it('impersonates a user and groups', async () => {
    const { code, stderr } = await bash(
      'kubectl external-backend status -A --as=carol --as-group=one --as-group=two',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('User "carol" cannot list');
    expect(
      (await bash('kubectl external-backend status -A --as=carol --as-group=one --as-group=system:masters'))
        .code,
    ).not.toBe(1);
  });

  it('reports a backend that is not there, and an API server that does not answer', async () => {
    const missing = await bash('kubectl external-backend status other -n shop');
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('status -A')]);
    const silent = await bash('kubectl external-backend status --server=https://10.99.2.3:1');
    expect([silent.code, silent.stderr]).toEqual([1, expect.stringContaining('does not answer')]);
  });

  it('fits a narrow terminal, with colours, and has none without a terminal', async () => {
    const command = 'stty cols 40; TERM=xterm kubectl external-backend status -n shop -o wide';
    const { stdout } = await bash(`script -qec '${command}' /dev/null`);
    const plainText = stdout.replace(/\u001b\[\d+m/g, '').split(/\r?\n/);
    expect(stdout).toContain('\u001b[');
    expect(plainText.slice(0, 2).filter((line) => line.length > 40)).toEqual([]);
    expect((await bash('kubectl external-backend status -n shop')).stdout).not.toContain('\u001b[');
  });

  it('completes commands, flags and names of backends', async () => {
    const words = async (line: string) => (await bash(`kubectl-external_backend __complete ${line}`)).stdout;
    expect(await words('sta')).toMatch(/^status\t.*\n:4\n$/);
    expect(await words("status -n shop ''")).toBe('orders-db\n:4\n');
    expect(await words('status --as-')).toMatch(/^--as-group\t/);
    expect(await words("status -o ''")).toBe('table\nwide\njson\nyaml\n:4\n');
  });
});
