import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import type { Kinds } from '../controlplane/kinds.ts';
import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { plain } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
const ips = ['10.20.37.1', '10.20.37.2'];

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'contested' });
});

afterAll(() => world.close());

it('Repairs of a Service that another client keeps writing slow down, the client is named, and endpoints and foreign labels remain', async () => {
  const manifest = {
    kind: 'Service' as const,
    metadata: { name: 'db', namespace: world.ns, labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
    spec: { ports: [{ name: 'old', port: 5432, targetPort: 7000 }] },
  };
  await world.admin.apply(manifest, 'argocd');
  await world.publish('db', plain(ips, { services: [{ name: 'db', adopt: true }] }));
  await world.serves('db', ips);
  const before = (await world.writes()).length;
  let rounds = 0;
  const isTold = () => conditionOf(world.backends.objects.get('db'), 'Ready')?.reason === 'Contested';
  for (; rounds < 40 && !isTold(); rounds += 1) {
    await world.admin.apply(manifest, 'argocd');
    await sleep(500);
  }
  expect(conditionOf(world.backends.objects.get('db'), 'Ready')?.message).toContain('argocd');
  const atFirst = (await world.writes(before)).filter(({ resource }) => resource === 'services').length;
  for (let i = 0; i < 20; i += 1) {
    await world.admin.apply(manifest, 'argocd');
    await sleep(500);
  }
  const all = (await world.writes(before)).filter(({ resource }) => resource === 'services').length;
  // 10 s further: repairs after 1, 2 and 4 s, of two writes each at most.
  expect(all - atFirst).toBeLessThanOrEqual(10);
  expect(everMissing(world.slices.history, 'db', ips)).toEqual([]);
  const { metadata } = await world.admin.get('Service', 'db', world.ns);
  expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'Helm' });
  await world.events.until((now) =>
    [...now.values()].some(({ reason, note }) => reason === 'Contested' && note?.includes('argocd') === true),
  );
});

const sliceOf = (service: string): Kinds['EndpointSlice'] => {
  const slice = [...world.slices.objects.values()].find(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service,
  );
  if (slice === undefined) throw new Error(`no slice of ${service}`);
  return slice;
};
const readyOf = (backend: string) => conditionOf(world.backends.objects.get(backend), 'Ready');

it('Another client that keeps writing the endpoints of a slice is named, and each write is repaired', async () => {
  await world.publish('slices', plain(ips));
  await world.serves('slices', ips);
  const { addressType, metadata, ports } = sliceOf('slices');
  const { name, namespace } = metadata;
  const endpoints = [{ addresses: ['10.20.37.9'], conditions: { ready: true } }];
  const theirs = {
    kind: 'EndpointSlice' as const,
    metadata: { name, namespace },
    addressType,
    endpoints,
    ports,
  };
  for (let round = 0; round < 8; round += 1) {
    await world.admin.apply(theirs, 'meddler');
    await world.slices.until(() => sliceOf('slices').endpoints?.[0]?.addresses[0] === '10.20.37.9');
    await world.serves('slices', ips);
  }
  const told = await world.ready('slices', 'False', 'Contested');
  expect(conditionOf(told, 'Ready')?.message).toContain(
    `EndpointSlice ${name}: meddler repeatedly changes its content`,
  );
});

it('A client that annotates a slice between changes of the operator causes no contest', async () => {
  const spec = (drained: boolean) =>
    plain(ips, { targets: [{ host: ips[0] }, { host: ips[1], ...(drained && { drain: true }) }] });
  await world.publish('noted', spec(false));
  await world.serves('noted', ips);
  for (let round = 0; round < 10; round += 1) {
    const { name, namespace } = sliceOf('noted').metadata;
    const metadata = { name, namespace, annotations: { 'example.com/round': `${round}` } };
    await world.admin.apply({ kind: 'EndpointSlice', metadata } as never, 'annotator');
    await world.slices.until(
      () => sliceOf('noted').metadata.annotations?.['example.com/round'] === `${round}`,
    );
    await world.publish('noted', spec(round % 2 === 0));
    await world.serves('noted', round % 2 === 0 ? ips.slice(0, 1) : ips);
  }
  expect(readyOf('noted')).toMatchObject({ status: 'True', reason: 'Published' });
  const contested = world.backends.history.filter(
    ({ object }) => object.metadata.name === 'noted' && conditionOf(object, 'Ready')?.reason === 'Contested',
  );
  expect(contested).toEqual([]);
});
