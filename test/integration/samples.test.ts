import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

const folder = join(import.meta.dirname, '../../config/samples');
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
interface Sample {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly mode?: string; readonly targets: readonly { readonly host: string }[] };
}

const backendsIn = (file: string): readonly Sample[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8'))
    .map((document) => document.toJS() as Sample)
    .filter(({ kind }) => kind === 'ExternalBackend');
const all = files.flatMap(backendsIn);

let world: World;

beforeAll(async () => {
  // No server listens there, so each address becomes unhealthy.
  await addAddress(
    ...all.flatMap(({ spec }) => spec.targets.map(({ host }) => host).filter((host) => isIP(host) > 0)),
  );
  world = await openWorld(controlPlane(), { prefix: 'samples' });
});

afterAll(() => world.close());

it.each(files)('%s becomes Ready', async (file) => {
  await kubectl(world.plane, ['apply', '-n', world.ns, '-f', join(folder, file)]);
  expect(backendsIn(file)).not.toEqual([]);
  for (const { metadata } of backendsIn(file)) await world.ready(metadata.name);
});

it('with all of them there nothing is written while nothing changes', async () => {
  const seconds = { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 };
  const probe = { ...seconds, periodMilliseconds: null, timeoutMilliseconds: null };
  for (const { metadata, spec } of all)
    if (spec.mode !== 'ExternalName')
      await world.admin.patch('ExternalBackend', metadata.name, world.ns, { spec: { probe } });
  const target = await startTarget({ address: '10.20.37.1', port: 5432 });
  await world.publish('clock', probed(['10.20.37.1']));
  await world.serves('clock', ['10.20.37.1']);
  await world.backends.until(
    (now) =>
      all.every(
        ({ metadata }) =>
          !JSON.stringify(now.get(metadata.name)?.status?.targets ?? 'NotProbedYet').includes('NotProbedYet'),
      ),
    25_000,
    'every address of the samples was probed',
  );
  const before = (await world.writes()).length;
  const probes = target.accepted();
  await eventually(target.accepted, (now) => now >= probes + 4);
  expect((await world.writes(before)).map(brief)).toEqual([]);
  await target.close();
}, 40_000);
