import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { plain, probed } from '../support/builders/backends.ts';
import { startMutatingWebhook } from '../support/cluster/mutating-webhook.ts';
import type { PatchOperation, Reviewed } from '../support/cluster/mutating-webhook.ts';
import { brief, conditionOf, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let target: Target;
let end: () => Promise<void>;
const ip = '10.20.64.1';
const ips = [ip, '10.20.64.2'];

/** What is done to an object on its way in, by its name's prefix. */
const alterations: Readonly<Record<string, (object: Reviewed) => readonly PatchOperation[]>> = {
  seen: ({ metadata: { labels } }) => [
    { op: 'add', path: '/metadata/labels', value: { ...labels, seen: 'yes' } },
  ],
  drop: ({ spec }) =>
    Object.keys(spec as object).includes('trafficDistribution')
      ? [{ op: 'remove', path: '/spec/trafficDistribution' }]
      : [],
};

const patch = (object: Reviewed): readonly PatchOperation[] =>
  Object.entries(alterations).find(([prefix]) => object.metadata.name?.startsWith(prefix))?.[1](object) ?? [];

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'altered' });
  target = await startTarget({ address: '10.20.64.1', port: 5432 });
  end = await startMutatingWebhook(world.admin, { namespace: world.ns, resources: ['services'], patch });
  const make = (n: number) =>
    world.admin.create({
      kind: 'Service',
      metadata: { name: `seen-${n}`, namespace: world.ns },
      spec: { ports: [{ port: 1 }] },
    });
  let n = 0;
  await eventually(
    () => make((n += 1)),
    ({ metadata }) => metadata.labels?.['seen'] === 'yes',
  );
});

afterAll(async () => {
  await end();
  await world.close();
  await target.close();
});

const dropped = 'drop';
const services = (name: string) => ({ services: [{ name, trafficDistribution: 'PreferClose' }] });

/** Writes on Services, Endpoints and slices. */
const objectWrites = async () => (await world.writes()).map(brief).filter((each) => !each.includes('status'));

it('A field that the API server does not store is reported, and not written with each change of health', async () => {
  await world.apply(dropped, probed(ips, services(dropped)));
  const told = await world.ready(dropped, 'False', 'Altered');
  expect(conditionOf(told, 'Ready')?.message).toContain('Service drop: spec.trafficDistribution');
  await world.serves(dropped, [ip]);
  const before = await eventually(objectWrites, (writes) => writes.includes('create endpoints'));
  await target.refuse();
  await world.serves(dropped, []);
  await target.listen();
  await world.serves(dropped, [ip]);
  const flips = (writes: readonly string[]) => writes.filter((each) => each.startsWith('update')).length;
  await eventually(objectWrites, (writes) => flips(writes) === flips(before) + 4);
  expect((await objectWrites()).slice(before.length).filter((each) => each.includes('services'))).toEqual([]);
});

it('A label that an admission webhook adds is no problem', async () => {
  await world.publish('seen-db', plain([ip]));
  const { metadata } = await world.admin.get('Service', 'seen-db', world.ns);
  expect(metadata.labels).toMatchObject({ seen: 'yes' });
});
