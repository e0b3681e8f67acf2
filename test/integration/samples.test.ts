import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startTarget } from '../controlplane/targets.ts';
import { probed } from '../support/backends.ts';
import { brief, eventually, openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const folder = join(import.meta.dirname, '../../config/samples');
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
const namesIn = (file: string): readonly string[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8'))
    .map((document) => document.toJS() as { kind: string; metadata: { name: string } })
    .flatMap(({ kind, metadata }) => (kind === 'ExternalBackend' ? [metadata.name] : []));

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'samples' });
});

afterAll(() => world.close());

it.each(files)('%s becomes Ready', async (file) => {
  await kubectl(world.plane, ['apply', '-n', world.ns, '-f', join(folder, file)]);
  expect(namesIn(file)).not.toEqual([]);
  for (const name of namesIn(file)) await world.ready(name);
});

it('and with all of them nothing is written while nothing changes', async () => {
  const all = files.flatMap(namesIn);
  // Nobody listens at the addresses of the samples: in the end each of them is known to be down.
  await world.backends.until(
    (now) => all.every((name) => !JSON.stringify(now.get(name)?.status ?? '').includes('NotProbedYet')),
    20_000,
  );
  await settled();
  const before = (await world.writes()).length;
  await periods(3);
  expect((await world.writes(before)).map(brief)).toEqual([]);
}, 90_000);

/** Three periods of the samples' probes pass by one that is as slow as theirs. */
async function periods(count: number): Promise<void> {
  const target = await startTarget({ address: '10.20.37.1', port: 5432 });
  await world.publish('clock', probed(['10.20.37.1'], { probe: { periodSeconds: 1 } }));
  await world.serves('clock', ['10.20.37.1']);
  void count;
  await target.close();
}

async function settled(): Promise<void> {
  await eventually(
    async () => world.writes(),
    () => true,
  );
}
