import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import type { Manifest } from '../controlplane/kinds.ts';
import { hosts, plain } from '../support/builders/backends.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let owner: object;
let controller: object;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'conflict' });
  const { metadata } = await world.admin.create({
    kind: 'ConfigMap',
    metadata: { name: 'other', namespace: world.ns },
  });
  owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: metadata.uid };
  controller = { ...owner, controller: true };
});

afterAll(() => world.close());

const ips = ['10.20.32.1', '10.20.32.2'];
const theirs = ['10.20.32.99'];
const at = (name: string, more: object = {}) => ({ name, namespace: world.ns, ...more });
const port = { port: 5432, protocol: 'TCP' };

const service = (name: string, metadata: object = {}, spec: object = {}): Manifest => ({
  kind: 'Service',
  metadata: at(name, metadata),
  spec: { ports: [port], ...spec },
});
const endpoints = (name: string, metadata: object = {}): Manifest => ({
  kind: 'Endpoints',
  metadata: at(name, metadata),
  subsets: [{ addresses: theirs.map((ip) => ({ ip })), ports: [{ ...port, name: '' }] }],
});
const slice = (name: string, metadata: object = {}): Manifest => ({
  kind: 'EndpointSlice',
  metadata: at(`${name}-theirs`, { labels: { 'kubernetes.io/service-name': name }, ...metadata }),
  addressType: 'IPv4',
  endpoints: [{ addresses: theirs }],
  ports: [{ ...port, name: '' }],
});

type Foreign = (name: string) => readonly Manifest[];
const foreign: readonly (readonly [what: string, make: Foreign])[] = [
  ['a Service without a selector', (name) => [service(name)]],
  ['a Service with a selector', (name) => [service(name, {}, { selector: { app: 'theirs' } })]],
  ['a headless Service', (name) => [service(name, {}, { clusterIP: 'None' })]],
  [
    'an alias',
    (name) => [service(name, {}, { type: 'ExternalName', externalName: 'db.example.com', ports: undefined })],
  ],
  ['a Service with an owner', (name) => [service(name, { ownerReferences: [owner] })]],
  ['a Service with another controller', (name) => [service(name, { ownerReferences: [controller] })]],
  [
    'a Service that carries our labels and no owner, as a copy would',
    (name) => [service(name, { labels: { 'app.kubernetes.io/managed-by': 'external-backend-operator' } })],
  ],
  ['a Service with hand-written Endpoints', (name) => [service(name), endpoints(name)]],
  ['Endpoints alone', (name) => [endpoints(name)]],
  ['Endpoints with an owner', (name) => [endpoints(name, { ownerReferences: [owner] })]],
  ['Endpoints with another controller', (name) => [endpoints(name, { ownerReferences: [controller] })]],
  ['an EndpointSlice alone', (name) => [slice(name)]],
  ['an EndpointSlice with another controller', (name) => [slice(name, { ownerReferences: [controller] })]],
  [
    'an EndpointSlice of another manager',
    (name) => [
      slice(name, {
        labels: {
          'kubernetes.io/service-name': name,
          'endpointslice.kubernetes.io/managed-by': 'other.example.com',
        },
      }),
    ],
  ],
];

const nameOf = (what: string) => `c${foreign.findIndex(([text]) => text === what)}`;

describe('an object of another client is not changed, and is reported:', () => {
  it.each(foreign)('%s', async (what, make) => {
    const name = nameOf(what);
    const objects = await Promise.all(make(name).map((object) => world.admin.create(object)));
    await world.apply(name, plain(ips));
    const backend = await world.ready(name, 'False', 'Conflict');
    expect(backend.status?.conditions?.[0]?.message).toContain(name);

    await world.events.until((now) =>
      [...now.values()].some(
        ({ regarding, reason, type }) =>
          regarding?.name === name && reason === 'Conflict' && type === 'Warning',
      ),
    );
    const ours = (await world.writes()).filter((write) => write.name.startsWith(name));
    expect(ours.map(brief).filter((text) => text !== 'patch externalbackends/status')).toEqual([]);
    for (const object of objects)
      expect(
        (await world.admin.get(object.kind as 'Service', object.metadata.name, world.ns)).metadata.uid,
      ).toBe(object.metadata.uid);
  });

  it.each(foreign)('%s is deleted, and the backend recovers by itself', async (what, make) => {
    const name = nameOf(what);
    for (const { kind, metadata } of make(name).toReversed())
      await world.admin.delete(kind, metadata.name ?? '', world.ns).catch(() => undefined);
    await world.ready(name);
    await world.serves(name, ips);
    await world.events.until((now) =>
      [...now.values()].some(
        ({ regarding, reason, type }) =>
          regarding?.name === name && reason === 'Published' && type === 'Normal',
      ),
    );
  });
});

it('A foreign slice of a Service of ours is reported and not changed, and our slices are still written', async () => {
  await world.publish('beside', plain(ips));
  await world.admin.create(slice('beside'));
  await world.ready('beside', 'False', 'Conflict');
  await world.apply('beside', plain([...ips, '10.20.32.3']));
  await world.serves('beside', [...ips, '10.20.32.3', ...theirs]);
  await world.admin.delete('EndpointSlice', 'beside-theirs', world.ns);
  await world.ready('beside');
});

it('A Service in conflict does not affect other Services of the same backend', async () => {
  await world.admin.create(service('taken'));
  await world.apply('several', plain(ips, { services: [{ name: 'taken' }, { name: 'free' }] }));
  await world.ready('several', 'False', 'Conflict');
  await world.serves('free', ips);
});

it('adopt does not take over an object that another controller owns', async () => {
  await world.admin.create(service('held', { ownerReferences: [controller] }));
  await world.apply('held', plain(ips, { services: [{ name: 'held', adopt: true }] }));
  await world.ready('held', 'False', 'Conflict');
  expect(
    (await world.writes()).filter(
      ({ name, resource }) => name.startsWith('held') && resource !== 'externalbackends',
    ),
  ).toEqual([]);
});

it('A foreign object is not changed when a backend is deleted', async () => {
  await world.admin.create(service('bystander'));
  await world.apply('bystander', plain(ips));
  await world.ready('bystander', 'False', 'Conflict');
  await world.admin.delete('ExternalBackend', 'bystander', world.ns);
  await world.publish('witness', plain(ips));
  expect((await world.admin.get('Service', 'bystander', world.ns)).metadata.ownerReferences).toBeUndefined();
});

describe('two backends that claim one Service name', () => {
  const claim = (name: string, ...more: readonly string[]) =>
    plain([name === 'elder' ? '10.20.32.11' : '10.20.32.12'], {
      services: [{ name }, ...more.map((each) => ({ name: each }))],
    });
  const elder = { ...claim('elder'), services: [{ name: 'shared' }] };
  const younger = { ...claim('younger'), services: [{ name: 'shared' }] };
  const shared = () => world.admin.get('Service', 'shared', world.ns);

  it('The older backend gets the Service, and the other one reports NameClaimed', async () => {
    await world.publish('elder', elder);
    await world.apply('younger', younger);
    const { status } = await world.ready('younger', 'False', 'NameClaimed');
    expect(status?.conditions?.[0]?.message).toContain('elder');
    await world.serves('shared', ['10.20.32.11']);
  });

  it('The younger backend takes over when the older one renames its Service', async () => {
    await world.publish('elder', { ...elder, services: [{ name: 'own' }] });
    await world.ready('younger');
    await world.serves('shared', ['10.20.32.12']);
    await world.serves('own', ['10.20.32.11']);
    expect((await shared()).metadata.ownerReferences?.[0]?.name).toBe('younger');
  });

  it('The older backend does not take back what the other one published, except with adopt: true', async () => {
    await world.apply('elder', elder);
    const { status } = await world.ready('elder', 'False', 'NameClaimed');
    expect(status?.conditions?.[0]?.message).toContain('younger');
    await world.serves('shared', ['10.20.32.12']);
    await world.publish('elder', { ...elder, services: [{ name: 'shared', adopt: true }] });
    await world.ready('younger', 'False', 'NameClaimed');
    await world.serves('shared', ['10.20.32.11']);
  });

  it('The younger backend takes over when the older one is deleted', async () => {
    await world.admin.delete('ExternalBackend', 'elder', world.ns);
    await world.ready('younger');
    await world.serves('shared', ['10.20.32.12']);
    expect((await shared()).metadata.ownerReferences?.map(({ name }) => name)).toEqual(['younger']);
  });

  it('The same rules hold for an alias and Endpoints', async () => {
    await world.apply('z-alias', {
      mode: 'ExternalName',
      targets: hosts('db.example.com'),
      services: [{ name: 'shared' }],
    });
    await world.ready('z-alias', 'False', 'NameClaimed');
    await world.admin.delete('ExternalBackend', 'younger', world.ns);
    await world.ready('z-alias');
    expect((await shared()).spec.externalName).toBe('db.example.com');
    await world.serves('shared', []);
  });
});
