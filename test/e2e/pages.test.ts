import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { applyRbac, startOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import type { PlaneDetails } from '../controlplane/details.ts';
import { mustRun } from '../controlplane/run.ts';
import { shellEnvironment } from '../controlplane/shell.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import { doStep } from '../support/text/page-run.ts';
import type { PageOptions } from '../support/text/page-run.ts';
import { createPostgresCluster } from '../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../support/servers/postgres-cluster.ts';
import { program, startPostgres } from '../support/servers/postgres.ts';
import { stepsOf } from '../support/text/transcripts.ts';
import type { PageStep } from '../support/text/transcripts.ts';

const root = join(import.meta.dirname, '../..');
const stepsIn = (page: string): readonly PageStep[] => stepsOf(readFileSync(join(root, page), 'utf8'));

/** Titles of the steps, for the test that does them. */
const rows = (page: string) =>
  stepsIn(page)
    .filter(({ kind }) => kind !== 'file')
    .map((step) => ({
      title:
        step.kind === 'command' ? `$ ${step.command}` : step.kind === 'action' ? step.words.join(' ') : '',
      step,
    }));

/** Does the steps of a page. After one that fails the others fail at once, because they build on it. */
function inOrder(options: () => PageOptions): (row: ReturnType<typeof rows>[number]) => Promise<void> {
  let failed: string | undefined;
  return async ({ title, step }) => {
    if (failed !== undefined) throw new Error(`not done, because this step failed: ${failed}`);
    failed = title;
    await doStep(step, options());
    failed = undefined;
  };
}

/** A checkout and a shell as a reader has them, with `install.yaml` of the release. */
async function reader(plane: PlaneDetails, actions: PageOptions['actions']): Promise<PageOptions> {
  const cwd = mkdtempSync(join(plane.dir, 'reader-'));
  for (const entry of ['.ci', 'Makefile', 'config', 'docs', 'test'])
    symlinkSync(join(root, entry), join(cwd, entry));
  const env = { KUBECTL: `${plane.binary} kubectl` };
  const manifests = await mustRun(
    [join(root, '.ci/release-manifests.sh'), 'registry.example.com/operator:1.0.0'],
    {
      env,
    },
  );
  writeFileSync(join(cwd, 'install.yaml'), manifests);
  const shell = shellEnvironment(plane);
  const PATH = `${shell['PATH'] ?? ''}:${dirname(program('psql'))}`;
  return { cwd, env: { ...shell, PATH, PGCONNECT_TIMEOUT: '3' }, actions };
}

describe('the quick start of README.md', () => {
  let options: PageOptions;
  const parts: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    const plane = await startPlane({ address: '10.99.2.1', crds: false });
    parts.unshift(() => plane.stop());
    const servers = await Promise.all(['10.20.0.11', '10.20.0.12'].map((ip) => startPostgres(ip, 6432)));
    parts.unshift(...servers.map((server) => () => server.remove()));
    options = await reader(plane.details, {
      // In a cluster the Deployment does so.
      'start-operator': async () => {
        const operator = await startOperator(plane.details, { args: ['--auto-select-handler=true'] });
        parts.unshift(() => operator.stop());
      },
      stop: async (ip) => servers.find(({ address }) => address === ip)?.kill(),
      start: async (ip) => servers.find(({ address }) => address === ip)?.start(),
    });
  }, 60_000);

  afterAll(async () => {
    for (const end of parts) await end();
  });

  it.each(rows('README.md'))(
    '$title',
    inOrder(() => options),
    60_000,
  );
});

describe('docs/tutorial.md', () => {
  const plane = controlPlane();
  const settings = { shared_buffers: '16MB', wal_retrieve_retry_interval: '200ms' };
  let options: PageOptions;
  const parts: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    const primary = await createPostgresCluster({ address: '10.20.60.11', port: 5432 });
    await primary.admit('host all app 0.0.0.0/0 trust', 'host all all 0.0.0.0/0 scram-sha-256');
    await primary.start(settings);
    await primary.query("create role prober login password 'example-password-change-me'");
    const replica = await primary.replica({ address: '10.20.60.12', port: 5432 });
    await replica.start(settings);
    const dns = await startCoreDns({
      address: '10.20.60.53',
      port: 53,
      names: { 'orders.db.example.com': ['5 A 10.20.60.11'] },
    });
    await applyRbac(plane);
    const operator = await startOperator(plane, {
      namespace: 'tutorial',
      args: ['--auto-select-handler=true', `--dns-servers=${dns.endpoint}`],
    });
    parts.push(() => operator.stop(), ...[primary, replica, dns].map((part) => () => part.remove()));
    const of = (ip = ''): PostgresCluster => (ip === primary.address ? primary : replica);
    options = await reader(plane, {
      stop: (ip) => of(ip).stop(),
      kill: (ip) => of(ip).kill(),
      start: (ip) => of(ip).start(settings),
      freeze: async (ip) => {
        of(ip).signal('SIGSTOP');
        return Promise.resolve();
      },
      thaw: async (ip) => {
        of(ip).signal('SIGCONT');
        return Promise.resolve();
      },
      promote: async (ip) => {
        await of(ip).query('select pg_promote()');
      },
      name: (name = '', ip = '') => dns.set({ [name]: [`5 A ${ip}`] }),
    });
  }, 60_000);

  afterAll(async () => {
    await kubectl(plane, ['delete', 'namespace', 'tutorial', '--ignore-not-found', '--wait=false']);
    for (const end of parts) await end();
  });

  it.each(rows('docs/tutorial.md'))(
    '$title',
    inOrder(() => options),
    60_000,
  );
});

describe('the commands of other pages', () => {
  const pages = ['docs/operations.md', 'docs/troubleshooting.md', 'docs/dns.md'];
  let options: PageOptions;
  let plane: Plane;

  beforeAll(async () => {
    plane = await startPlane({ address: '10.99.2.2' });
    options = await reader(plane.details, {});
    for (const name of ['shop', 'monitoring']) await kubectl(plane.details, ['create', 'namespace', name]);
    await kubectl(plane.details, [
      'apply',
      '-n',
      'shop',
      '-f',
      join(root, 'config/samples/postgres-two-hosts.yaml'),
    ]);
  }, 60_000);
  afterAll(() => plane.stop());

  it.each(pages.flatMap((page) => rows(page).map((row) => ({ ...row, page }))))('$page: $title', ({ step }) =>
    doStep(step, options),
  );

  it.each(pages)('of %s are there, so that the tests above tested something', (page) => {
    expect(rows(page)).not.toEqual([]);
  });
});

it('the pages have steps, so that the tests above tested something', () => {
  expect(rows('README.md').length + rows('docs/tutorial.md').length).toBeGreaterThan(20);
});
