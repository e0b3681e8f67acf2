import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { applyRbac, startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { writes } from '../controlplane/requests.ts';
import { plain } from '../support/builders/backends.ts';
import { conditionOf } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { Spec, StoredBackend } from '../support/cluster/world.ts';

let own: Plane;
let admin: Api;
let operator: RunningOperator;
let ns: string;

const start = async (...args: readonly string[]) => {
  operator = await startOperator(own.details, { args });
};

beforeAll(async () => {
  own = await startPlane({ address: '10.99.61.1' });
  admin = api(own.details);
  await applyRbac(own.details);
  ns = await namespace(own.details, 'features');
  await start();
}, 60_000);

afterAll(async () => {
  await operator.kill();
  await own.stop();
});

const put = (name: string, spec: Spec, namespaceName = ns) =>
  admin.apply({ kind: 'ExternalBackend', metadata: { name, namespace: namespaceName }, spec });

/** Waits for a reason of Ready, and returns its message. */
async function says(name: string, reason: string, namespaceName = ns): Promise<string> {
  const ready = (backend: StoredBackend) => conditionOf(backend, 'Ready');
  const backend = await eventually(
    () => admin.get('ExternalBackend', name, namespaceName),
    (each) => ready(each)?.reason === reason && ready(each)?.observedGeneration === each.metadata.generation,
  );
  return ready(backend)?.message ?? '';
}

/** Everything that is written under a name, without what the API server counts. */
const stored = async (name: string, namespaceName: string) => {
  const { spec, metadata } = await admin.get('Service', name, namespaceName);
  const slices = await admin.list('EndpointSlice', namespaceName, {
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  return {
    spec,
    owners: metadata.ownerReferences,
    endpoints: slices.map(({ endpoints }) => endpoints),
    legacy: (await admin.find('Endpoints', name, namespaceName))?.subsets,
  };
};

it('a restart without a feature leaves what has it, takes addresses out of it, and gives it to nobody else', async () => {
  const services = [{ name: 'open', externalIPs: ['198.51.100.7'] }];
  await put('open', plain(['10.20.62.1', '10.20.62.2'], { services }));
  await says('open', 'Published');
  const before = await stored('open', ns);
  await operator.stop();
  await start('--service-features=NodePort,LoadBalancer');

  expect(await says('open', 'FeatureDisabled')).toBe(
    'spec.services[0].externalIPs is disabled by the administrator (--service-features does not include ExternalIPs): Service open is not changed until this field is removed',
  );
  await put('open', plain(['10.20.62.1'], { services }));
  await eventually(
    async () => (await stored('open', ns)).endpoints.flat().flatMap((each) => each?.addresses ?? []),
    (addresses) => addresses.join() === '10.20.62.1',
  );
  expect((await stored('open', ns)).spec).toEqual(before.spec);

  await put('new', plain(['10.20.62.1'], { services: [{ name: 'new', selector: { app: 'db' } }] }));
  expect(await says('new', 'FeatureDisabled')).toContain('Service new is not created');
  expect(await admin.find('Service', 'new', ns)).toBeUndefined();
  await put('port', plain(['10.20.62.1'], { services: [{ name: 'port', type: 'NodePort' }] }));
  await says('port', 'Published');

  await put('open', plain(['10.20.62.1'], { services: [{ name: 'open' }] }));
  await says('open', 'Published');
  expect((await admin.get('Service', 'open', ns)).spec).not.toHaveProperty('externalIPs');
  await operator.stop();
  await start();
}, 60_000);

describe('Services of the cluster itself', () => {
  it('the Service of the API server is never taken over', async () => {
    const before = await stored('kubernetes', 'default');
    await put('taker', plain(['10.20.62.1'], { services: [{ name: 'kubernetes', adopt: true }] }), 'default');
    expect(await says('taker', 'Conflict', 'default')).toContain(
      'belongs to the Kubernetes API server and is never changed',
    );
    expect(await stored('kubernetes', 'default')).toEqual(before);
    await admin.delete('ExternalBackend', 'taker', 'default');
  });

  it('in an excluded namespace nothing is written but the status, which reports it', async () => {
    await admin.create({
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: { ports: [{ port: 53, protocol: 'UDP' }], selector: { 'k8s-app': 'kube-dns' } },
    });
    const before = await stored('kube-dns', 'kube-system');
    await put(
      'taker',
      plain(['10.20.62.1'], { services: [{ name: 'kube-dns', adopt: true }] }),
      'kube-system',
    );
    await put('plain', plain(['10.20.62.1']), 'kube-system');
    const message = await says('taker', 'NamespaceExcluded', 'kube-system');
    expect(message).toContain('--exclude-namespaces');
    await says('plain', 'NamespaceExcluded', 'kube-system');
    expect((await admin.get('ExternalBackend', 'plain', 'kube-system')).status?.conditions).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'Stalled', status: 'True' })]),
    );
    expect(await stored('kube-dns', 'kube-system')).toEqual(before);
    expect(await admin.find('Service', 'plain', 'kube-system')).toBeUndefined();
    const written = await writes(own.details, { namespace: 'kube-system' });
    expect([...new Set(written.map(({ resource }) => resource))].toSorted()).toEqual([
      'events',
      'externalbackends',
    ]);
  });
});
