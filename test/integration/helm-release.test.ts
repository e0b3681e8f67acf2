import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { helmMajors, helmOf } from '../support/cluster/helm.ts';
import type { Helm } from '../support/cluster/helm.ts';
import { applicationChart } from '../support/cluster/helm-charts.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

// Releases of applications, which contain an ExternalBackend. Helm 4 waits for it by kstatus. Helm 3 waits for no custom
// resource, so a release of it succeeds in each of these states.

const plane = controlPlane();
const app = applicationChart();
let world: World;
let target: Target;

const up = '10.20.75.1';
const refused = '10.20.75.9';

beforeAll(async () => {
  world = await openWorld(plane, { prefix: 'helm' });
  target = await startTarget({ address: up, port: 5432 });
  // A second address that refuses.
  await (await startTarget({ address: refused, port: 5432 })).close();
}, 60_000);

afterAll(async () => {
  await target.close();
  await world.close();
});

const valuesOf = (spec: Spec): readonly string[] => {
  const file = join(mkdtempSync(join(tmpdir(), 'values-')), 'values.json');
  writeFileSync(file, JSON.stringify({ spec }));
  return ['-f', file];
};

describe.each(helmMajors)('a release by Helm %i', (major) => {
  let helm: Helm;

  beforeAll(async () => {
    helm = await helmOf(major, plane.kubeconfigs.admin);
  }, 1_200_000);

  const rollback = major === 3 ? '--atomic' : '--rollback-on-failure';
  const release = (command: 'install' | 'upgrade', name: string, spec: Spec, ...more: readonly string[]) =>
    helm.try([
      ...[command, name, app, '--namespace', world.ns, '--wait', '--timeout', '60s'],
      ...[...valuesOf(spec), ...more],
    ]);
  const remove = (name: string) => helm.run(['uninstall', name, '--namespace', world.ns, '--wait']);
  const revisions = async (name: string) =>
    (
      JSON.parse(await helm.run(['history', name, '--namespace', world.ns, '-o', 'json'])) as {
        status: string;
      }[]
    ).map(({ status }) => status);

  it('succeeds when the backend is published', async () => {
    const name = `good-${major}`;
    expect(await release('install', name, probed([up]), rollback)).toMatchObject({ code: 0 });
    await world.ready(name);
    await remove(name);
  });

  it('succeeds when the database is down, because that is no fault of the release', async () => {
    const name = `down-${major}`;
    expect(await release('install', name, probed([refused]), rollback)).toMatchObject({ code: 0 });
    const { status } = await world.ready(name);
    expect(status?.conditions?.find(({ type }) => type === 'Stalled')).toBeUndefined();
    await remove(name);
  });

  it('ends at once with our message when the Service belongs to another owner, and is undone on request', async () => {
    const name = `conflict-${major}`;
    const taken = `taken-${major}`;
    await world.admin.create({
      kind: 'Service',
      metadata: { name: taken, namespace: world.ns },
      spec: { ports: [{ port: 5432 }] },
    });
    const spec = probed([up], { services: [{ name: taken }] });
    const { code, stderr } = await release('install', name, spec, rollback);
    if (major === 3) {
      expect(code).toBe(0);
      await world.ready(name, 'False', 'Conflict');
      await remove(name);
      return;
    }
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`Service ${taken}`) });
    expect((await helm.try(['status', name, '--namespace', world.ns])).stderr).toContain('not found');
  }, 60_000);

  it('that is upgraded to a conflict keeps the addresses of the revision before, and returns to it', async () => {
    const name = `upgrade-${major}`;
    const taken = `owned-${major}`;
    await world.admin.create({
      kind: 'Service',
      metadata: { name: taken, namespace: world.ns },
      spec: { ports: [{ port: 5432 }] },
    });
    await release('install', name, probed([up]));
    await world.serves(name, [up]);
    const services = [{ name }, { name: taken }];
    const { code } = await release('upgrade', name, probed([up], { services }), rollback);
    if (major === 4) {
      expect(code).toBe(1);
      expect(await revisions(name)).toEqual(['superseded', 'failed', 'deployed']);
      await world.ready(name);
    }
    expect(everMissing(world.slices.history, name, [up])).toEqual([]);
    await remove(name);
  }, 60_000);
});
