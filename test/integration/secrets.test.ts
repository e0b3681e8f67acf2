import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { join } from 'node:path';

import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

const address = '10.20.62.1';
const role = join(import.meta.dirname, '../../config/rbac-namespaced/secrets');
const password = 'opensesame-17';
let world: World;
let target: Target;

beforeAll(async () => {
  target = await startTarget({ address, port: 5432 });
  world = await openWorld(controlPlane(), { prefix: 'secrets' });
  for (const name of ['first', 'second'])
    await world.admin.create({
      kind: 'Secret',
      metadata: { name, namespace: world.ns },
      stringData: { username: 'prober', password },
    });
});

afterAll(async () => {
  await world.close();
  await target.close();
});

const publish = async (name: string) => {
  await world.publish(name, probed([address], { credentials: { secretName: name } }));
  await world.ready(name);
};

const degraded = async (name: string) => {
  const { reason, message } =
    conditionOf(await world.admin.get('ExternalBackend', name, world.ns), 'Degraded') ?? {};
  return `${reason}: ${message}`;
};

it('says which permission is missing, and takes nothing out for it', async () => {
  await publish('first');
  await eventually(
    () => degraded('first'),
    (said) => said.includes('SecretsMissing'),
  );
  expect(await degraded('first')).toMatch(
    new RegExp(`Secret first: .*right to get Secrets in namespace ${world.ns}`),
  );
  await world.serves('first', [address]);
});

it('reads what it may read with the Role that is there for it, and tells nobody', async () => {
  await kubectl(world.plane, ['apply', '-n', world.ns, '-k', role]);
  await publish('second');
  await eventually(
    () => degraded('second'),
    (said) => said.startsWith('AllHealthy'),
  );
  const seen = [
    ...(await world.admin.list('ExternalBackend', world.ns)),
    ...(await world.admin.list('Event', world.ns)),
  ];
  expect(JSON.stringify(seen)).not.toContain(password);
});

it('takes up a permission and a Secret that come later', async () => {
  await publish('third');
  await eventually(
    () => degraded('third'),
    (said) => said === 'SecretsMissing: Secret third: it does not exist',
  );
  const stringData = { username: 'prober', password };
  await world.admin.create({ kind: 'Secret', metadata: { name: 'third', namespace: world.ns }, stringData });
  await Promise.all(
    ['first', 'third'].map((name) =>
      eventually(
        () => degraded(name),
        (said) => said.startsWith('AllHealthy'),
        { deadlineMs: 40_000 },
      ),
    ),
  );
}, 60_000);
