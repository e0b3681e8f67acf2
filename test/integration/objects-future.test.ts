import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { servesBackends } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { hosts, plain, probed } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

const plane = controlPlane();
const crd = 'externalbackends.externalbackend.io';
const ips = ['10.20.43.1'];
let world: World;
let target: Target;

beforeAll(async () => {
  world = await openWorld(plane, { prefix: 'future' });
  target = await startTarget({ address: '10.20.43.1', port: 5432 });
  await world.publish('known', probed(ips));
  await world.serves('known', ips);
});

afterAll(async () => {
  await restoreCrd();
  await world.close();
  await target.close();
});

interface Schema {
  enum?: string[];
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  properties: Record<string, Schema>;
  'x-kubernetes-validations'?: unknown;
}

/** The CRD of a later release: another mode, and fields that this release does not know. */
async function installLaterCrd(): Promise<void> {
  const { metadata, spec } = await world.admin.get('CustomResourceDefinition', crd);
  const versions = structuredClone(spec?.['versions']) as { schema: { openAPIV3Schema: Schema } }[];
  const root = versions[0]?.schema.openAPIV3Schema;
  const later = root?.properties['spec'];
  if (later === undefined) throw new Error('the CRD has no spec');
  later.properties['mode']?.enum?.push('Future');
  later['x-kubernetes-preserve-unknown-fields'] = true;
  delete later['x-kubernetes-validations'];
  const { name, resourceVersion } = metadata;
  await world.admin.replace({
    kind: 'CustomResourceDefinition',
    metadata: { name, resourceVersion },
    spec: { ...spec, versions },
  });
}

async function restoreCrd(): Promise<void> {
  await kubectl(plane, ['replace', '-f', `${import.meta.dirname}/../../crds/${crd}.yaml`]);
  await servesBackends(plane);
}

/** Stored once the API server has taken up the later CRD. */
const storeFuture = (name: string, spec: object) =>
  eventually(
    () => world.apply(name, { ...plain(ips), ...spec }).catch(() => undefined),
    (stored) => stored !== undefined,
  );

it('A mode of a later release is Invalid and writes nothing, and other backends are still served', async () => {
  await installLaterCrd();
  await storeFuture('future', { mode: 'Future' });
  const { status } = await world.ready('future', 'False', 'Invalid');
  expect(status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('mode');
  expect(await world.published('future')).toEqual({ service: undefined, slices: [], endpoints: undefined });
  await target.refuse();
  await world.serves('known', []);
  await target.listen();
  await world.serves('known', ips);
});

it('A published backend that gets such a value keeps what is published', async () => {
  await world.publish('was', probed(ips));
  await world.serves('was', ips);
  const before = await world.published('was');
  await storeFuture('was', { mode: 'Future' });
  await world.ready('was', 'False', 'Invalid');
  expect(await world.published('was')).toEqual(before);
  await world.publish('was', probed(ips));
});

it('With the CRD of this release again, the stored value stops nothing, and ends when it is corrected', async () => {
  await restoreCrd();
  expect((await world.admin.get('ExternalBackend', 'future', world.ns)).spec['mode']).toBe('Future');
  await world.operator().stop();
  await world.start();
  await world.publish('after', plain(ips));
  await world.ready('future', 'False', 'Invalid');
  await world.publish('future', { mode: 'ExternalName', targets: hosts('db.example.com') });
  expect(world.operator().running()).toBe(true);
});
