import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { api } from '../controlplane/api.ts';
import { servesBackends } from '../controlplane/cluster.ts';
import { everMissing, readyAddresses } from '../controlplane/endpoints.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { record } from '../controlplane/recorder.ts';
import type { Recorder } from '../controlplane/recorder.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import type { Kinds } from '../controlplane/kinds.ts';
import { probed } from '../support/builders/backends.ts';
import { chart, helmMajors, helmOf } from '../support/cluster/helm.ts';
import type { Helm } from '../support/cluster/helm.ts';
import { earlierChart } from '../support/cluster/helm-charts.ts';

// The life of a release. No kubelet runs here, so the operator is a process outside of the cluster, with the user and the
// rights that the release creates.

const operator = 'external-backend-operator';
const inNamespace = ['--namespace', operator];

describe.each(helmMajors)('a release of the chart by Helm %i', (major) => {
  const addresses = [1, 2].map((n) => `10.20.${70 + major}.${n}`);
  let plane: Plane;
  let helm: Helm;
  let targets: readonly Target[];
  let slices: Recorder<Kinds['EndpointSlice']>;
  let running: RunningOperator | undefined;

  beforeAll(async () => {
    plane = await startPlane({ address: `10.99.5.${major}`, crds: false, audit: false });
    helm = await helmOf(major, plane.details.kubeconfigs.admin);
    targets = await Promise.all(addresses.map((address) => startTarget({ address, port: 5432 })));
    slices = await record(plane.details, 'EndpointSlice', { namespace: 'default' });
  }, 1_200_000);

  afterAll(async () => {
    await running?.kill();
    slices.stop();
    await Promise.all(targets.map((target) => target.close()));
    await plane.stop();
  });

  const start = async () => {
    await servesBackends(plane.details);
    running = await startOperator(plane.details, { namespace: 'default' });
  };

  const ready = (missing: readonly string[] = []) =>
    slices.until(
      (now) =>
        readyAddresses(now.values(), 'db').join() ===
        addresses.filter((each) => !missing.includes(each)).join(),
      20_000,
      `ready: ${addresses.join()} except ${missing.join()}`,
    );

  /** A change of the world, which the operator publishes: it works with what the release has installed. */
  const follows = async () => {
    await targets[0]?.refuse();
    await ready([targets[0]?.address ?? '']);
    await targets[0]?.listen();
    await ready();
  };

  const crdHas = async (field: string) => {
    const crd = await kubectl(plane.details, [
      'get',
      'crd',
      'externalbackends.externalbackend.io',
      '-o',
      'json',
    ]);
    return crd.includes(`"${field}"`);
  };

  it('upgrades from the version before, rolls back, is uninstalled and installed again, and no Service is emptied', async () => {
    const admin = api(plane.details);
    await helm.run(['install', operator, earlierChart(), ...inNamespace, '--create-namespace']);
    await start();
    expect(await crdHas('maintenance')).toBe(false);
    await admin.apply({
      kind: 'ExternalBackend',
      metadata: { name: 'db', namespace: 'default' },
      spec: probed(addresses),
    });
    await ready();
    const uid = (await admin.get('ExternalBackend', 'db', 'default')).metadata.uid;

    await helm.run(['upgrade', operator, chart, ...inNamespace]);
    expect(await crdHas('maintenance')).toBe(true);
    await admin.patch('ExternalBackend', 'db', 'default', { metadata: { labels: { team: 'shop' } } });
    await helm.run(['rollback', operator, '1', ...inNamespace]);
    expect(await crdHas('maintenance')).toBe(false);
    await helm.run(['upgrade', operator, chart, ...inNamespace]);

    const uninstalled = await helm.run(['uninstall', operator, ...inNamespace]);
    await running?.stop();
    expect(uninstalled).toContain('[CustomResourceDefinition] externalbackends.externalbackend.io');
    expect((await admin.get('ExternalBackend', 'db', 'default')).metadata.uid).toBe(uid);
    expect(
      await kubectl(plane.details, ['get', 'clusterroles,deployments,roles', '-A', '-o', 'name']),
    ).not.toContain(operator);

    const notes = await helm.run(['install', operator, chart, ...inNamespace]);
    expect(notes).toContain(`kubectl rollout status deployment/${operator} -n ${operator}`);
    await start();
    expect(everMissing(slices.history, 'db', addresses)).toEqual([]);
    await follows();
  }, 180_000);
});
