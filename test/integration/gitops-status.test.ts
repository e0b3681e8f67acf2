import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { startTarget } from '../controlplane/targets.ts';
import { hosts, plain, probed } from '../support/builders/backends.ts';
import { kstatus } from '../support/cluster/gitops.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { Spec, StoredBackend, World } from '../support/cluster/world.ts';

// What Flux and Helm make of a backend (kstatus, the library itself): they wait for Current, and Failed ends that at once.

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'gitops-status' });
});

afterAll(() => world.close());

/** No verdict for minutes, if the server is mute. */
const unanswered = { httpGet: { path: '/' }, periodSeconds: 300, timeoutSeconds: 60 };

const ip = (n: number) => `10.20.67.${n}`;
const get = (name: string) => world.admin.get('ExternalBackend', name, world.ns);
const statusOf = async (name: string) => (await kstatus(await get(name))).status;
const foreignService = (name: string) =>
  world.admin.create({
    kind: 'Service',
    metadata: { name, namespace: world.ns },
    spec: { ports: [{ port: 5432 }] },
  });

/** Waits for the condition Stalled with this reason; undefined: until it is gone. */
const stalls = (name: string, reason: string | undefined): Promise<StoredBackend> =>
  world.backends.until(
    (now) => {
      const backend = now.get(name);
      if (conditionOf(backend, 'Ready')?.observedGeneration !== backend?.metadata.generation)
        return undefined;
      return conditionOf(backend, 'Stalled')?.reason === reason ? backend : undefined;
    },
    10_000,
    `${name}: Stalled ${reason ?? 'absent'}`,
  );

it('A backend or an edit that no operator has seen is in progress', async () => {
  const quiet = await openWorld(controlPlane(), { prefix: 'gitops-unseen', operator: false });
  const created = await quiet.apply('db', plain([ip(1)]));
  expect(created.status).toMatchObject({ observedGeneration: -1 });
  expect((await kstatus(created)).status).toBe('InProgress');
  await quiet.start();
  const seen = await quiet.ready('db');
  expect((await kstatus(seen)).status).toBe('Current');
  await quiet.operator().kill();
  expect((await kstatus(await quiet.apply('db', plain([ip(2)])))).status).toBe('InProgress');
  await quiet.close();
});

it('A published backend is current, also when addresses are down', async () => {
  const up = await startTarget({ address: ip(11), port: 5432 });
  await world.publish('db', probed([ip(11), ip(12)]));
  await world.serves('db', [ip(11)]);
  expect(await statusOf('db')).toBe('Current');
  await up.refuse();
  await world.serves('db', []);
  await world.backends.until((now) => conditionOf(now.get('db'), 'Available')?.status === 'False');
  expect(await statusOf('db')).toBe('Current');
  await up.close();
});

it('A suspended backend is current', async () => {
  await world.publish('suspended', plain([ip(21)], { suspend: true }));
  expect(await statusOf('suspended')).toBe('Current');
});

it('A backend whose Service another client owns is failed with the reason, and current after that is deleted', async () => {
  await foreignService('taken');
  await world.apply('taken', plain([ip(31)]));
  await stalls('taken', 'Conflict');
  const { status, message } = await kstatus(await get('taken'));
  expect([status, message]).toEqual([
    'Failed',
    expect.stringContaining('already exists and is not managed by this ExternalBackend'),
  ]);
  await world.admin.delete('Service', 'taken', world.ns);
  await world.ready('taken');
  await stalls('taken', undefined);
  expect(await statusOf('taken')).toBe('Current');
});

it('A backend whose Service name another backend has is failed', async () => {
  await world.publish('first', plain([ip(41)], { services: [{ name: 'shared' }] }));
  await world.apply('second', plain([ip(42)], { services: [{ name: 'shared' }] }));
  await stalls('second', 'NameClaimed');
  expect(await statusOf('second')).toBe('Failed');
  expect(await statusOf('first')).toBe('Current');
});

it('A backend that takes over a Service is in progress until the first verdict, and current while its database is down', async () => {
  await foreignService('adopted');
  const services = [{ name: 'adopted', adopt: true }];
  const mute = await startTarget({ address: ip(51), port: 5432, behaviour: 'mute' });
  await world.apply('adopted', probed([ip(51)], { services, probe: unanswered }));
  await world.admin.apply({
    kind: 'EndpointSlice',
    metadata: { name: 'adopted-1', namespace: world.ns, labels: { 'kubernetes.io/service-name': 'adopted' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [ip(52)] }],
    ports: [{ port: 5432 }],
  });
  await world.ready('adopted', 'True', 'Adopting');
  expect(await statusOf('adopted')).toBe('InProgress');
  await mute.close();
  await world.apply('adopted', probed([ip(51)], { services }));
  await world.backends.until((now) => conditionOf(now.get('adopted'), 'Available')?.status === 'False');
  await world.ready('adopted', 'True', 'Adopting');
  expect(await statusOf('adopted')).toBe('Current');
});

it('A backend is in progress until its first verdict', async () => {
  const mute = await startTarget({ address: ip(53), port: 5432, behaviour: 'mute' });
  await world.publish('waiting', probed([ip(53)], { probe: unanswered }));
  const { status, message } = await kstatus(await get('waiting'));
  expect([status, message]).toEqual([
    'InProgress',
    expect.stringContaining('not all addresses are probed yet'),
  ]);
  await mute.close();
});

it('A backend with an invalid spec is failed, until the spec is changed', async () => {
  // The rules of the API server take null for absent: they miss that this alias has no port to probe.
  const alias = { mode: 'ExternalName', targets: hosts('db.example.com') };
  await world.apply('odd', { ...alias, probe: null });
  await stalls('odd', 'Invalid');
  expect(await statusOf('odd')).toBe('Failed');
  await world.publish('odd', { ...alias, probe: { disabled: {} } });
  await stalls('odd', undefined);
  expect(await statusOf('odd')).toBe('Current');
});

it('A backend whose Service a quota refuses is failed with the message of the API server, and current when there is room', async () => {
  const hard = { services: '0' };
  await world.admin.create({
    kind: 'ResourceQuota',
    metadata: { name: 'none', namespace: world.ns },
    spec: { hard },
  });
  await world.admin.patchStatus('ResourceQuota', 'none', world.ns, {
    status: { hard, used: { services: '0' } },
  });
  const spec: Spec = plain([ip(61)]);
  await world.apply('refused', spec);
  await stalls('refused', 'Forbidden');
  const { status, message } = await kstatus(await get('refused'));
  expect([status, message]).toEqual(['Failed', expect.stringContaining('exceeded quota')]);
  await world.admin.delete('ResourceQuota', 'none', world.ns);
  await world.publish('refused', { ...spec, targets: hosts(ip(61), ip(62)) });
  await stalls('refused', undefined);
  expect(await statusOf('refused')).toBe('Current');
});

it('A backend that is being deleted is terminating', async () => {
  await world.publish('gone', plain([ip(71)]));
  await world.admin.patch('ExternalBackend', 'gone', world.ns, {
    metadata: { finalizers: ['example.com/hold'] },
  });
  await world.admin.delete('ExternalBackend', 'gone', world.ns);
  expect(await statusOf('gone')).toBe('Terminating');
  await world.admin.patch('ExternalBackend', 'gone', world.ns, { metadata: { finalizers: null } });
});
