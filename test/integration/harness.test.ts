import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { api } from '../controlplane/api.ts';
import { namespace, outsideNames } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { everMissing, readyAddresses } from '../controlplane/endpoints.ts';
import { kubernetesVersion } from '../controlplane/kubernetes-version.ts';
import { kubectl, tryKubectl } from '../controlplane/kubectl.ts';
import { addAddress, dropPackets } from '../controlplane/network.ts';
import { startPlane } from '../controlplane/plane.ts';
import { record } from '../controlplane/recorder.ts';
import { countOf, requestCounts, writes } from '../controlplane/requests.ts';
import { run } from '../controlplane/run.ts';
import { eventually } from '../support/eventually.ts';
import { startTarget } from '../controlplane/targets.ts';
import { connectTo } from '../support/cluster/connect.ts';

const plane = controlPlane();
const admin = api(plane);
let ns: string;

beforeAll(async () => {
  ns = await namespace(plane, 'harness');
});

afterAll(() => admin.delete('Namespace', ns));

const slice = (name: string, addresses: readonly string[], ready = true) =>
  ({
    kind: 'EndpointSlice',
    metadata: { name, namespace: ns, labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready } })),
    ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }],
  }) as const;

describe('the API server', () => {
  it('is the Kubernetes that was asked for, and kubectl is of the same version', async () => {
    const version = kubernetesVersion();
    const { stdout, stderr } = await tryKubectl(plane, ['version']);
    expect(stdout).toContain(`Server Version: v${version}\n`);
    expect(stdout).toContain(`Client Version: v${version}\n`);
    expect(stderr).toBe('');
  });

  it('knows its users, and refuses those without rights', async () => {
    expect(await kubectl(plane, ['auth', 'whoami'], { user: 'operator' })).toContain(
      'system:serviceaccount:external-backend-operator:external-backend-operator',
    );
    const { code, stderr } = await tryKubectl(plane, ['get', 'nodes'], { user: 'bob' });
    expect(code).toBe(1);
    expect(stderr).toContain('Forbidden');
  });

  it('says why it refuses an object', async () => {
    const refused = admin.create({ kind: 'Service', metadata: { name: 'No', namespace: ns }, spec: {} });
    await expect(refused).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
  });

  it('takes the address of a target as an endpoint', async () => {
    await kubectl(plane, ['apply', '-f', '-'], {
      stdin: JSON.stringify({ apiVersion: 'discovery.k8s.io/v1', ...slice('typed', ['10.20.9.9']) }),
    });
    expect((await admin.get('EndpointSlice', 'typed', ns)).endpoints?.[0]?.addresses).toEqual(['10.20.9.9']);
    await admin.delete('EndpointSlice', 'typed', ns);
    expect(await admin.find('EndpointSlice', 'typed', ns)).toBeUndefined();
  });
});

describe('the recorder', () => {
  it('keeps what happened to each object, in order', async () => {
    const recorder = await record(plane, 'ConfigMap', { namespace: ns, fieldSelector: 'metadata.name=kept' });
    await admin.create({ kind: 'ConfigMap', metadata: { name: 'kept', namespace: ns }, data: { a: '1' } });
    await admin.patch('ConfigMap', 'kept', ns, { data: { a: '2' } });
    await admin.delete('ConfigMap', 'kept', ns);
    await recorder.until((objects, history) => history.length > 0 && objects.size === 0);
    expect(recorder.of('kept').map(({ type, object }) => [type, object.data?.['a']])).toEqual([
      ['ADDED', '1'],
      ['MODIFIED', '2'],
      ['DELETED', '2'],
    ]);
    recorder.stop();
  });

  it('says when a ready address was missing', async () => {
    const slices = await record(plane, 'EndpointSlice', { namespace: ns });
    await admin.apply(slice('db-1', ['10.20.1.1', '10.20.1.2']));
    await admin.apply(slice('db-1', ['10.20.1.1']));
    await admin.apply(slice('db-2', ['10.20.1.2']));
    await slices.until(
      (objects) => readyAddresses(objects.values(), 'db').length === 2 && objects.size === 2,
    );
    expect(everMissing(slices.history, 'db', ['10.20.1.1'])).toEqual([]);
    expect(everMissing(slices.history, 'db', ['10.20.1.2'])).toMatchObject([{ ready: ['10.20.1.1'] }]);
    slices.stop();
  });

  it('names what it waited for in vain', async () => {
    const recorder = await record(plane, 'Secret', { namespace: ns });
    await expect(recorder.until((objects) => objects.size > 0, 50, 'a Secret')).rejects.toThrow(
      'not within 50 ms: a Secret',
    );
    recorder.stop();
  });
});

describe('the controller manager', () => {
  it('removes what belonged to an object that is gone', async () => {
    const maps = await record(plane, 'ConfigMap', { namespace: ns });
    const { metadata } = await admin.create({
      kind: 'ConfigMap',
      metadata: { name: 'owner', namespace: ns },
    });
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid }];
    await admin.create({
      kind: 'ConfigMap',
      metadata: { name: 'dependent', namespace: ns, ownerReferences },
    });
    await admin.delete('ConfigMap', 'owner', ns);
    await maps.until(
      (objects, history) =>
        history.some(({ object }) => object.metadata.name === 'dependent') && !objects.has('dependent'),
    );
    maps.stop();
  });
});

describe('the record of requests', () => {
  it('holds who wrote what', async () => {
    await kubectl(plane, ['create', 'configmap', 'refused', '-n', ns], { user: 'alice' }).catch(
      () => undefined,
    );
    await admin.create({ kind: 'ConfigMap', metadata: { name: 'written', namespace: ns } });
    expect(await writes(plane, { user: 'alice', namespace: ns })).toMatchObject([
      { verb: 'create', resource: 'configmaps', code: 403 },
    ]);
    const ofAdmin = await writes(plane, { user: 'admin', namespace: ns, resource: 'configmaps' });
    expect(ofAdmin.at(-1)).toMatchObject({ verb: 'create', name: 'written', code: 201 });
    expect(await writes(plane, { namespace: ns })).toEqual([]);
  });

  it('counts reads too', async () => {
    const before = countOf(await requestCounts(plane), 'podtemplates', ['LIST']);
    await kubectl(plane, ['get', 'podtemplates', '-n', ns]);
    expect(countOf(await requestCounts(plane), 'podtemplates', ['LIST'])).toBe(before + 1);
  });
});

describe('targets', () => {
  it('accept, refuse and come back', async () => {
    const target = await startTarget({ address: '10.20.200.1' });
    expect(await connectTo(target)).toBe('10.20.200.1');
    expect(target.accepted()).toBe(1);
    await target.refuse();
    await expect(connectTo(target)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await target.listen();
    expect(await connectTo(target)).toBe('10.20.200.1');
    await target.close();
  });

  it('reset whoever connects', async () => {
    const target = await startTarget({ address: '10.20.200.2', behaviour: 'reset' });
    await expect(connectTo(target)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await target.close();
  });

  it('fall silent when their packets are dropped, and answer again afterwards', async () => {
    const target = await startTarget({ address: '10.20.200.3' });
    const undo = await dropPackets(target.address);
    await expect(connectTo(target, 200)).rejects.toThrow('silence');
    await undo();
    expect(await connectTo(target)).toBe('10.20.200.3');
    await target.close();
  });
});

describe('the data path', () => {
  it('leads from a name through a Service address to a target', async () => {
    const target = await startTarget({ address: '10.20.200.4', port: 6432 });
    await admin.apply({
      kind: 'Service',
      metadata: { name: 'named', namespace: ns },
      spec: { ports: [{ name: 'pg', port: 5432 }] },
    });
    await admin.apply({
      ...slice('named-1', [target.address]),
      metadata: { name: 'named-1', namespace: ns, labels: { 'kubernetes.io/service-name': 'named' } },
      ports: [{ name: 'pg', port: 6432, protocol: 'TCP' }],
    });
    const { spec } = await admin.get('Service', 'named', ns);
    const seen = await run(['getent', 'ahostsv4', `named.${ns}.svc`]);
    expect(seen.stdout.split(/\s+/)[0]).toBe(spec.clusterIP);
    // Until kube-proxy has heard of it there is silence.
    const connect = () => connectTo({ address: spec.clusterIP ?? '', port: 5432 }, 1000).catch(String);
    await eventually(connect, (who) => who === '10.20.200.4', {
      fact: 'the target answers',
      deadlineMs: 20_000,
    });
    await target.close();
  });

  it('knows names outside the cluster', async () => {
    await addAddress('10.20.200.5');
    await outsideNames(plane, { 'db.example.com': ['10.20.200.5'] });
    expect((await run(['getent', 'ahostsv4', 'db.example.com'])).stdout).toContain('10.20.200.5');
  });
});

describe('a control plane of one test', () => {
  it('stops and starts again on the same data, and the recorder goes on', async () => {
    const own = await startPlane({ address: '10.99.1.1', crds: false });
    try {
      const maps = await record(own.details, 'ConfigMap', { namespace: 'default' });
      await api(own.details).create({
        kind: 'ConfigMap',
        metadata: { name: 'before', namespace: 'default' },
      });
      await own.stopApiServer();
      await expect(api(own.details).get('ConfigMap', 'before', 'default')).rejects.toThrow();
      await own.startApiServer();
      await api(own.details).create({ kind: 'ConfigMap', metadata: { name: 'after', namespace: 'default' } });
      await maps.until((objects) => objects.has('after'));
      expect(maps.of('before')).toMatchObject([{ type: 'ADDED' }]);
      maps.stop();
    } finally {
      await own.stop();
    }
  }, 60_000);

  it('freezes: calls are accepted and not answered until it thaws', async () => {
    const own = await startPlane({ address: '10.99.1.2', crds: false });
    try {
      own.freezeApiServer();
      await expect(api(own.details, 'admin', 500).get('Namespace', 'default')).rejects.toThrow();
      own.thawApiServer();
      expect((await api(own.details).get('Namespace', 'default')).metadata.name).toBe('default');
    } finally {
      await own.stop();
    }
  }, 60_000);
});
