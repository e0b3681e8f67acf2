import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing, readyAddresses, readyHistory } from '../controlplane/endpoints.ts';
import type { Manifest } from '../controlplane/kinds.ts';
import { hosts, plain, probed, quick } from '../support/builders/backends.ts';
import { startTarget } from '../controlplane/targets.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'adopt' });
});

afterAll(() => world.close());

const port = { port: 5432, protocol: 'TCP' };
const at = (name: string, more: object = {}) => ({ name, namespace: world.ns, ...more });
const manager = 'endpointslice.kubernetes.io/managed-by';
const mirrored = 'endpointslicemirroring-controller.k8s.io';
const adopting = (name: string, spec: Spec): Spec => ({ ...spec, services: [{ name, adopt: true }] });

const service = (name: string, spec: object = {}): Manifest => ({
  kind: 'Service',
  metadata: at(name, { labels: { theirs: 'label' }, annotations: { theirs: 'annotation' } }),
  spec: { ports: [port], ...spec },
});

const slicesOf = (name: string) =>
  [...world.slices.objects.values()].filter(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name,
  );
const managersOf = (name: string) =>
  [...new Set(slicesOf(name).map(({ metadata }) => metadata.labels?.[manager]))].toSorted();

/** A Service and Endpoints as people write them, and the slice that Kubernetes mirrors from them. */
async function writeByHand(name: string, addresses: readonly string[], spec: object = {}): Promise<void> {
  await world.admin.create(service(name, spec));
  const subsets = [{ addresses: addresses.map((ip) => ({ ip })), ports: [port] }];
  await world.admin.create({ kind: 'Endpoints', metadata: at(name), subsets });
  await world.slices.until(() => readyAddresses(slicesOf(name), name).length === addresses.length);
}

/** A Service with a selector, and pods that run: Kubernetes' controllers publish them. */
async function withPods(name: string, addresses: readonly string[]): Promise<void> {
  await world.admin.create(service(name, { selector: { app: name } }));
  for (const [i, podIP] of addresses.entries()) {
    const pod = `${name}-${i}`;
    const containers = [{ name: 'db', image: 'postgres' }];
    await world.admin.create({
      kind: 'Pod',
      metadata: at(pod, { labels: { app: name } }),
      spec: { nodeName: 'n1', containers },
    });
    const conditions = [{ type: 'Ready', status: 'True' }];
    await world.admin.patchStatus('Pod', pod, world.ns, {
      status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions },
    });
  }
  await world.slices.until(() => readyAddresses(slicesOf(name), name).length === addresses.length);
}

/** Nothing is left but what we write, and it stays so. */
async function isOursAlone(name: string): Promise<void> {
  await world.slices.until(
    () => managersOf(name).join() === 'external-backend-operator',
    15_000,
    `${name}: only slices of ours`,
  );
  const { spec, metadata } = await world.admin.get('Service', name, world.ns);
  expect(spec.selector).toBeUndefined();
  expect(metadata.labels).toMatchObject({ theirs: 'label' });
  expect(metadata.annotations).toMatchObject({ theirs: 'annotation' });
  expect(metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['ExternalBackend']);
  const endpoints = await world.admin.get('Endpoints', name, world.ns);
  expect(endpoints.metadata.labels?.['endpointslice.kubernetes.io/skip-mirror']).toBe('true');
  expect(endpoints.metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['ExternalBackend']);
}

const neverEmpty = (name: string, from: number) =>
  readyHistory(world.slices.history, name)
    .slice(from)
    .filter(({ ready }) => ready.length === 0);

describe('a hand-written Service with Endpoints is taken over', () => {
  it('keeps its cluster IP, and none of its addresses is missing at any moment', async () => {
    const ips = ['10.20.33.1', '10.20.33.2'];
    await writeByHand('same', ips);
    const { spec } = await world.admin.get('Service', 'same', world.ns);
    await world.publish('same', adopting('same', plain(ips)));
    await isOursAlone('same');
    expect(everMissing(world.slices.history, 'same', ips)).toEqual([]);
    expect((await world.admin.get('Service', 'same', world.ns)).spec.clusterIP).toBe(spec.clusterIP);
  });

  it('is taken over at probed addresses only after their first verdicts', async () => {
    const target = await startTarget({ address: '10.20.33.11', port: 5432 });
    await writeByHand('asked', ['10.20.33.11']);
    await world.publish('asked', adopting('asked', probed(['10.20.33.11'])));
    await isOursAlone('asked');
    expect(everMissing(world.slices.history, 'asked', ['10.20.33.11'])).toEqual([]);
    await target.close();
  });

  it('is taken over at other addresses, without a moment of empty endpoints', async () => {
    await writeByHand('other', ['10.20.33.21']);
    const from = world.slices.history.length;
    await world.publish('other', adopting('other', plain(['10.20.33.22'])));
    await isOursAlone('other');
    await world.serves('other', ['10.20.33.22']);
    expect(neverEmpty('other', from)).toEqual([]);
  });

  it('is taken over only when an address of ours is ready, and keeps its own until then', async () => {
    const ip = '10.20.33.31';
    await writeByHand('waits', ['10.20.33.32']);
    const from = world.slices.history.length;
    await world.apply('waits', adopting('waits', probed([ip], { probe: quick })));
    await world.ready('waits', 'True', 'Adopting');
    expect(managersOf('waits')).toContain(mirrored);
    const target = await startTarget({ address: ip, port: 5432 });
    await world.ready('waits');
    await isOursAlone('waits');
    expect(neverEmpty('waits', from)).toEqual([]);
    await target.close();
  });

  it('is taken over with a hand-written EndpointSlice in place of Endpoints', async () => {
    await world.admin.create(service('sliced'));
    await world.admin.create({
      kind: 'EndpointSlice',
      metadata: at('sliced-theirs', { labels: { 'kubernetes.io/service-name': 'sliced' } }),
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.20.33.41'] }],
      ports: [{ name: '', ...port }],
    });
    await world.publish('sliced', adopting('sliced', plain(['10.20.33.41'])));
    await isOursAlone('sliced');
    expect(everMissing(world.slices.history, 'sliced', ['10.20.33.41'])).toEqual([]);
  });

  it('is taken over when it is headless, and stays headless', async () => {
    await writeByHand('bare', ['10.20.33.51'], { clusterIP: 'None' });
    const { metadata } = await world.admin.get('Service', 'bare', world.ns);
    await world.publish('bare', {
      ...plain(['10.20.33.51']),
      services: [{ name: 'bare', adopt: true, headless: true }],
    });
    await isOursAlone('bare');
    expect((await world.admin.get('Service', 'bare', world.ns)).metadata.uid).toBe(metadata.uid);
    expect(everMissing(world.slices.history, 'bare', ['10.20.33.51'])).toEqual([]);
  });

  it('is taken over as an alias', async () => {
    await writeByHand('aliased', ['10.20.33.61']);
    await world.publish('aliased', {
      mode: 'ExternalName',
      targets: hosts('db.example.com'),
      services: [{ name: 'aliased', adopt: true }],
    });
    expect((await world.admin.get('Service', 'aliased', world.ns)).spec.externalName).toBe('db.example.com');
    await world.slices.until(() => slicesOf('aliased').length === 0, 15_000, 'no slices behind an alias');
  });
});

describe('a Service with a selector is taken over', () => {
  it("is taken over without its selector, and none of its pods' addresses is missing at any moment", async () => {
    const ips = ['10.20.33.71', '10.20.33.72'];
    await withPods('pods', ips);
    await world.publish('pods', adopting('pods', plain(ips)));
    await isOursAlone('pods');
    expect(everMissing(world.slices.history, 'pods', ips)).toEqual([]);
  });

  it('is taken over when its pods are older than the operator', async () => {
    await withPods('old', ['10.20.33.75']);
    await world.operator().kill();
    await world.start();
    await world.publish('old', adopting('old', plain(['10.20.33.75'])));
    await isOursAlone('old');
    expect(everMissing(world.slices.history, 'old', ['10.20.33.75'])).toEqual([]);
  });

  it('is taken over at other addresses, without a moment of empty endpoints, and its pods are removed', async () => {
    await withPods('moved', ['10.20.33.81']);
    const from = world.slices.history.length;
    await world.publish('moved', adopting('moved', plain(['10.20.33.82'])));
    await isOursAlone('moved');
    await world.serves('moved', ['10.20.33.82']);
    expect(neverEmpty('moved', from)).toEqual([]);
  });

  it('keeps its pods in addition to our addresses when the spec has the selector', async () => {
    await withPods('kept', ['10.20.33.91']);
    await world.publish('kept', {
      ...plain(['10.20.33.92']),
      services: [{ name: 'kept', adopt: true, selector: { app: 'kept' } }],
    });
    await world.serves('kept', ['10.20.33.91', '10.20.33.92']);
    expect(everMissing(world.slices.history, 'kept', ['10.20.33.91'])).toEqual([]);
  });

  it('does not publish pods that are created later', async () => {
    const admin = world.admin;
    const containers = [{ name: 'db', image: 'postgres' }];
    await admin.create({
      kind: 'Pod',
      metadata: at('late', { labels: { app: 'pods' } }),
      spec: { nodeName: 'n1', containers },
    });
    await admin.patchStatus('Pod', 'late', world.ns, {
      status: {
        phase: 'Running',
        podIP: '10.20.33.73',
        podIPs: [{ ip: '10.20.33.73' }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
    await withPods('witness', ['10.20.33.99']);
    expect(readyAddresses(slicesOf('pods'), 'pods')).toEqual(['10.20.33.71', '10.20.33.72']);
  });
});

it('Endpoints of ours are never mirrored', async () => {
  await world.publish('ours', plain(['10.20.33.101']));
  // The mirroring controller, which takes Services in turn, has been at ours when it has done this one.
  await writeByHand('mirrored', ['10.20.33.102']);
  expect(managersOf('mirrored')).toEqual([mirrored]);
  expect(
    world.slices.history.filter(
      ({ object }) =>
        object.metadata.labels?.['kubernetes.io/service-name'] === 'ours' &&
        object.metadata.labels[manager] !== 'external-backend-operator',
    ),
  ).toEqual([]);
});
