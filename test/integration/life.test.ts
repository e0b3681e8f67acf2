import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { plain, probed } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let target: Target;
const ips = ['10.20.35.1'];
const nothing = { service: undefined, slices: [], endpoints: undefined };
/** The garbage collector looks for new kinds every 30 s. */
const collected = 75_000;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'life' });
  target = await startTarget({ address: '10.20.35.1', port: 5432 });
});

afterAll(async () => {
  await world.close();
  await target.close();
});

const remove = async (name: string, propagationPolicy: 'Background' | 'Orphan' = 'Background') => {
  await world.admin.delete('ExternalBackend', name, world.ns, { propagationPolicy });
  // The garbage collector takes the owner references off first, and then lets it go.
  if (propagationPolicy === 'Orphan')
    await world.backends.until((now) => !now.has(name), collected, `${name} is gone`);
};
const ownersOf = async (name: string) =>
  [
    await world.admin.find('Service', name, world.ns),
    await world.admin.find('Endpoints', name, world.ns),
    ...[...world.slices.objects.values()].filter(
      ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name,
    ),
  ].flatMap(
    (object) =>
      object?.metadata.ownerReferences?.map(({ uid }) => uid) ?? [`an object of ${name} is missing`],
  );

/** All objects carry the owner of this life, and go on being there. */
async function ownedBy(name: string, uid: string): Promise<void> {
  await world.ready(name);
  await world.slices.until((now) =>
    [...now.values()].some(({ metadata }) => metadata.ownerReferences?.[0]?.uid === uid),
  );
  expect([...new Set(await ownersOf(name))]).toEqual([uid]);
}

describe('a backend that is deleted', () => {
  it(
    'takes its objects along',
    async () => {
      await world.publish('gone', plain(ips));
      await remove('gone');
      await world.slices.until(
        (now) => ![...now.keys()].some((name) => name.startsWith('gone-')),
        collected,
        'the slices of gone are gone',
      );
      await world.becomes('gone', nothing);
    },
    collected + 10_000,
  );

  it('and made again under the same name has them, with another owner, and no ready address is missing', async () => {
    const before = await world.publish('again', probed(ips));
    await world.serves('again', ips);
    await remove('again', 'Orphan');
    const { metadata } = await world.publish('again', probed(ips));
    expect(metadata.uid).not.toBe(before.metadata.uid);
    await ownedBy('again', metadata.uid);
    expect(everMissing(world.slices.history, 'again', ips)).toEqual([]);
  });

  it('and made again at once, while the garbage collector runs, ends with all of its objects', async () => {
    await world.publish('race', plain(ips));
    const wanted = await world.published('race');
    for (let i = 0; i < 3; i++) {
      await remove('race');
      await world.publish('race', plain(ips));
    }
    const { metadata } = await world.admin.get('ExternalBackend', 'race', world.ns);
    const uidOf = (text: string) => text.replace(/"uid":"[^"]*"/g, `"uid":"${metadata.uid}"`);
    await world.becomes('race', JSON.parse(uidOf(JSON.stringify(wanted))) as typeof wanted);
  });
});

describe('while the operator is down', () => {
  it('a backend made again under the same name finds its objects, and no ready address is missing', async () => {
    await world.publish('down', probed(ips));
    await world.serves('down', ips);
    await world.operator().kill();
    await remove('down', 'Orphan');
    const { metadata } = await world.apply('down', probed(ips));
    await world.start();
    await ownedBy('down', metadata.uid);
    expect(everMissing(world.slices.history, 'down', ips)).toEqual([]);
  });

  it(
    'a deleted backend takes its objects along',
    async () => {
      await world.publish('unseen', plain(ips));
      await world.operator().kill();
      await remove('unseen');
      await world.slices.until(
        (now) => ![...now.keys()].some((name) => name.startsWith('unseen-')),
        collected,
        'the slices of unseen are gone',
      );
      await world.becomes('unseen', nothing);
      await world.start();
    },
    collected + 10_000,
  );

  it('a Service that left the spec goes when the operator is back, and drift is repaired', async () => {
    await world.publish('edited', plain(ips, { services: [{ name: 'stays' }, { name: 'leaves' }] }));
    const wanted = await world.published('stays');
    await world.operator().kill();
    await world.apply('edited', plain(ips, { services: [{ name: 'stays' }] }));
    await world.admin.patch('Service', 'stays', world.ns, { spec: { selector: { app: 'stray' } } });
    await world.admin.delete('Endpoints', 'stays', world.ns);
    await world.start();
    await world.ready('edited');
    await world.becomes('leaves', nothing);
    await world.becomes('stays', wanted);
  });
});

it('objects of a backend deleted with orphans stay as they are, for they are nobody’s', async () => {
  await world.publish('orphan', plain(ips));
  await remove('orphan', 'Orphan');
  await world.publish('witness', plain(ips));
  await world.serves('orphan', ips);
  expect((await world.admin.get('Service', 'orphan', world.ns)).metadata.ownerReferences ?? []).toEqual([]);
});
