import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { api } from '../controlplane/api.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { record } from '../controlplane/recorder.ts';
import { plain } from '../support/builders/backends.ts';
import { chart, helmOf } from '../support/cluster/helm.ts';

// A release for some namespaces, installed by a user who has no rights outside of them.

const operator = 'external-backend-operator';
const namespaces = [operator, 'shop'];
let plane: Plane;
let running: RunningOperator | undefined;

beforeAll(async () => {
  plane = await startPlane({ address: '10.99.5.8', audit: false });
  for (const name of namespaces) {
    await api(plane.details).create({ kind: 'Namespace', metadata: { name } });
    const binding = [
      'create',
      'rolebinding',
      'alice',
      '--clusterrole=cluster-admin',
      '--user=alice',
      '-n',
      name,
    ];
    await kubectl(plane.details, binding);
  }
}, 60_000);

afterAll(async () => {
  await running?.kill();
  await plane.stop();
});

it('a user without rights in the cluster installs a release for namespaces, that of the operator included', async () => {
  const helm = await helmOf(4, plane.details.kubeconfigs.alice);
  const values = [`namespaces={${namespaces.join(',')}}`, 'crds.enabled=false', 'authorRights.enabled=false'];
  await helm.run([
    'install',
    operator,
    chart,
    '--namespace',
    operator,
    ...values.flatMap((each) => ['--set', each]),
  ]);
  expect(
    await kubectl(plane.details, ['get', 'clusterroles,clusterrolebindings', '-o', 'name']),
  ).not.toContain(operator);

  // The leader election needs the Lease, and the Role for it is in a namespace that is served.
  const args = ['--leader-elect=true', `--namespaces=${namespaces.join(',')}`, '--deny-cluster-networks=off'];
  running = await startOperator(plane.details, { args: [...args, `--lease-namespace=${operator}`] });
  for (const namespace of namespaces) {
    const backends = await record(plane.details, 'ExternalBackend', { namespace });
    const metadata = { name: 'db', namespace };
    await api(plane.details).apply({ kind: 'ExternalBackend', metadata, spec: plain(['10.20.76.2']) });
    await backends.until(
      (now) =>
        now.get('db')?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      20_000,
      `db is published in ${namespace}`,
    );
    backends.stop();
  }
}, 1_200_000);
