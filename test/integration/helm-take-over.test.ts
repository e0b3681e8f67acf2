import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { api } from '../controlplane/api.ts';
import { everMissing, readyAddresses } from '../controlplane/endpoints.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import type { Kinds } from '../controlplane/kinds.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { record } from '../controlplane/recorder.ts';
import type { Recorder } from '../controlplane/recorder.ts';
import { plain } from '../support/builders/backends.ts';
import { chart, helmOf } from '../support/cluster/helm.ts';
import type { Helm } from '../support/cluster/helm.ts';

// What was installed by other means becomes a release, and what a release kept becomes one of another.

const operator = 'external-backend-operator';
const inNamespace = ['--namespace', operator];
const own = [operator, chart, ...inNamespace];
const crd = 'crd/externalbackends.externalbackend.io';
const config = join(import.meta.dirname, '../../config');
const addresses = ['10.20.76.1'];

let plane: Plane;
let helm3: Helm;
let helm4: Helm;
let running: RunningOperator;
let slices: Recorder<Kinds['EndpointSlice']>;

beforeEach(async () => {
  plane = await startPlane({ address: '10.99.5.9', crds: false, audit: false });
  helm3 = await helmOf(3, plane.details.kubeconfigs.admin);
  helm4 = await helmOf(4, plane.details.kubeconfigs.admin);
  await kubectl(plane.details, ['apply', '--server-side', '-k', `${config}/default`]);
  await kubectl(plane.details, ['wait', '--for=condition=Established', crd]);
  running = await startOperator(plane.details, { namespace: 'default' });
  slices = await record(plane.details, 'EndpointSlice', { namespace: 'default' });
  const metadata = { name: 'db', namespace: 'default' };
  await api(plane.details).apply({ kind: 'ExternalBackend', metadata, spec: plain(addresses) });
  await slices.until((now) => readyAddresses(now.values(), 'db').join() === addresses.join());
}, 1_200_000);

afterEach(async () => {
  slices.stop();
  await running.kill();
  await plane.stop();
});

const get = (object: string, path: string) =>
  kubectl(plane.details, ['get', object, ...inNamespace, '-o', `jsonpath={${path}}`]);
const uids = async () => [
  await get(`deployment/${operator}`, '.metadata.uid'),
  await get(crd, '.metadata.uid'),
];
const refusal = async (helm: Helm, ...args: readonly string[]) =>
  (await helm.try(['install', ...args])).stderr;

const foreign = 'invalid ownership metadata';
const replicas = () => get(`deployment/${operator}`, '.spec.replicas');

describe('config/default', () => {
  it('is taken over by Helm 3, then by Helm 4, without deleting an object of it, and no Service is emptied', async () => {
    const before = await uids();
    expect(await refusal(helm3, ...own)).toContain(foreign);
    await helm3.run(['install', ...own, '--take-ownership']);
    await helm3.run(['upgrade', ...own, '--set', 'replicaCount=3']);
    expect([await uids(), await replicas()]).toEqual([before, '3']);

    await helm4.run(['upgrade', ...own, '--set', 'replicaCount=1']);
    expect(await replicas()).toBe('1');
    await helm4.run(['rollback', operator, '1', ...inNamespace]);
    expect([await uids(), await replicas()]).toEqual([before, '2']);

    // Helm 3 keeps the CRD, and a release of Helm 4 with the same name takes it.
    await helm3.run(['uninstall', operator, ...inNamespace]);
    await helm4.run(['install', ...own]);
    expect(await get(crd, '.metadata.uid')).toBe(before[1]);
    expect(everMissing(slices.history, 'db', addresses)).toEqual([]);
  }, 180_000);

  it('is taken over by Helm 4, then by a release of another name, and no Service is emptied', async () => {
    const before = await uids();
    expect(await refusal(helm4, ...own)).toContain(foreign);
    // Helm 4 applies on the server, where kubectl owns the fields.
    await helm4.run(['install', ...own, '--take-ownership', '--force-conflicts']);
    await helm4.run(['upgrade', ...own, '--force-conflicts', '--set', 'replicaCount=3']);
    expect([await uids(), await replicas()]).toEqual([before, '3']);

    await helm4.run(['uninstall', operator, ...inNamespace]);
    const other = ['other', chart, '--namespace', 'other', '--create-namespace'];
    expect(await refusal(helm4, ...other)).toContain(foreign);
    await helm4.run(['install', ...other, '--take-ownership']);
    expect(await get(crd, '.metadata.uid')).toBe(before[1]);
    expect(await kubectl(plane.details, ['get', 'deployments', '-n', 'other', '-o', 'name'])).toBe(
      'deployment.apps/other-external-backend-operator\n',
    );
    expect(everMissing(slices.history, 'db', addresses)).toEqual([]);
  }, 180_000);
});
