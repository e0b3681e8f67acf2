import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { plain } from '../support/backends.ts';
import { conditionOf, openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

let world: World;
const ips = ['10.20.37.1', '10.20.37.2'];

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'contested' });
});

afterAll(() => world.close());

it('two clients that write the same Service: the operator backs off and names the other; endpoints and foreign labels stay', async () => {
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
