import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { plain } from '../support/builders/backends.ts';
import { openDriftClock, promisedMs } from '../support/cluster/drift.ts';
import type { DriftClock } from '../support/cluster/drift.ts';

let world: World;
let clock: DriftClock;

const spec = plain(['10.20.30.1', '10.20.30.2'], {
  ports: [{ name: 'pg', port: 5432, targetPort: 6432 }],
  services: [{ name: 'db', labels: { team: 'orders' } }],
});

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'drift' });
  clock = await openDriftClock(world);
  await world.publish('db', spec);
  await clock.remember('db');
});

afterAll(async () => {
  clock.stop();
  await world.close();
});

const sliceName = async () => {
  const [slice] = await world.admin.list('EndpointSlice', world.ns);
  return slice?.metadata.name ?? '';
};
const patchService = (patch: object) => world.admin.patch('Service', 'db', world.ns, patch);
const patchEndpoints = (patch: object) => world.admin.patch('Endpoints', 'db', world.ns, patch);
const patchSlice = async (patch: object) =>
  world.admin.patch('EndpointSlice', await sliceName(), world.ns, patch);

const edits: readonly (readonly [what: string, edit: () => Promise<unknown>])[] = [
  [
    'the ports of the Service are replaced',
    () => patchService({ spec: { ports: [{ name: 'x', port: 1 }] } }),
  ],
  [
    'a port is added to the Service by another manager',
    () =>
      world.admin.apply(
        {
          kind: 'Service',
          metadata: { name: 'db', namespace: world.ns },
          spec: { ports: [{ name: 'extra', port: 9999 }] },
        },
        'somebody',
      ),
  ],
  [
    'the target port of the Service is changed',
    () => patchService({ spec: { ports: [{ name: 'pg', port: 5432, targetPort: 1 }] } }),
  ],
  ['a selector is put on the Service', () => patchService({ spec: { selector: { app: 'stray' } } })],
  [
    'a label of ours is changed on the Service',
    () => patchService({ metadata: { labels: { team: 'thieves' } } }),
  ],
  ['a label of ours is taken from the Service', () => patchService({ metadata: { labels: { team: null } } })],
  [
    'the owner reference is taken from the Service',
    () => patchService({ metadata: { ownerReferences: null } }),
  ],
  ['the annotations are taken from the Service', () => patchService({ metadata: { annotations: null } })],
  ['the type of the Service is changed', () => patchService({ spec: { type: 'NodePort' } })],
  ['the Service is deleted', () => world.admin.delete('Service', 'db', world.ns)],
  ['the endpoints of the slice are emptied', () => patchSlice({ endpoints: [] })],
  [
    'an address is added to the slice',
    () => patchSlice({ endpoints: [{ addresses: ['10.20.30.66'], conditions: { ready: true } }] }),
  ],
  [
    'the ports of the slice are changed',
    () => patchSlice({ ports: [{ name: 'pg', port: 1, protocol: 'TCP' }] }),
  ],
  [
    'the Service name is taken from the slice',
    () => patchSlice({ metadata: { labels: { 'kubernetes.io/service-name': null } } }),
  ],
  [
    'the manager is taken from the slice',
    () => patchSlice({ metadata: { labels: { 'endpointslice.kubernetes.io/managed-by': null } } }),
  ],
  ['the owner reference is taken from the slice', () => patchSlice({ metadata: { ownerReferences: null } })],
  ['the slice is deleted', async () => world.admin.delete('EndpointSlice', await sliceName(), world.ns)],
  ['the Endpoints are emptied', () => patchEndpoints({ subsets: null })],
  [
    'an address is added to the Endpoints',
    () => patchEndpoints({ subsets: [{ addresses: [{ ip: '10.20.30.66' }], ports: [{ port: 5432 }] }] }),
  ],
  [
    'skip-mirror is taken from the Endpoints',
    () => patchEndpoints({ metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': null } } }),
  ],
  [
    'the owner reference is taken from the Endpoints',
    () => patchEndpoints({ metadata: { ownerReferences: null } }),
  ],
  ['the Endpoints are deleted', () => world.admin.delete('Endpoints', 'db', world.ns)],
  [
    'Service, slice and Endpoints are deleted',
    async () => {
      const slice = await sliceName();
      await world.admin.delete('Service', 'db', world.ns);
      await world.admin.delete('EndpointSlice', slice, world.ns);
      await world.admin.delete('Endpoints', 'db', world.ns).catch(() => undefined);
    },
  ],
];

describe('everything is repaired within one second when', () => {
  it.each(edits)('%s', async (_, edit) => {
    expect(await clock.repairMs('db', edit)).toBeLessThan(promisedMs);
  });
});

it('labels and annotations that others put on the objects stay', async () => {
  const theirs = { metadata: { labels: { 'example.com/l': 'x' }, annotations: { 'example.com/a': 'y' } } };
  const onEndpoints = { metadata: { ...theirs.metadata, labels: { 'example.com/e': 'x' } } };
  await patchService(theirs);
  await patchSlice(theirs);
  await patchEndpoints(onEndpoints);
  await world.publish('db', { ...spec, ports: [{ name: 'pg', port: 5432, targetPort: 6433 }] });
  await world.publish('db', spec);
  const now = await world.published('db');
  expect(now.service).toMatchObject(theirs.metadata);
  expect(now.endpoints).toMatchObject(onEndpoints.metadata);
  expect(now.slices).toHaveLength(1);
});

it('the repairs have come to an end: what others say on the objects is no reason to write', async () => {
  const before = (await world.writes()).length;
  await patchService({ metadata: { annotations: { 'example.com/tick': '1' } } });
  await patchEndpoints({ metadata: { annotations: { 'example.com/tick': '1' } } });
  await world.publish('later', plain(['10.20.30.3']));
  expect((await world.writes(before)).filter(({ name }) => !name.startsWith('later'))).toEqual([]);
});
