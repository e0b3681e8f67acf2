import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer, Names } from '../support/servers/name-servers.ts';
import { named, sliceEvents, standBy, toldOf } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let server: NameServer;
let targets: readonly Target[];
const hosts = ['a.outside.test', 'b.outside.test', 'c.outside.test'];
const ips = ['10.20.52.1', '10.20.52.2', '10.20.52.3'];
const names: Names = {
  'a.outside.test': ['A 10.20.52.1'],
  'b.outside.test': ['A 10.20.52.2'],
  'c.outside.test': ['A 10.20.52.3'],
};
const awayMs = 30_000;
const { 'b.outside.test': _, ...withoutB } = names;

beforeAll(async () => {
  server = await startCoreDns({ address: '10.20.52.53', port: 53, names });
  targets = await Promise.all([...ips, '10.20.52.4'].map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(controlPlane(), { prefix: 'gone', args: [`--dns-servers=${server.endpoint}`] });
  await world.publish('db', named(hosts));
});

afterAll(async () => {
  await world.close();
  await server.remove();
  await Promise.all(targets.map((target) => target.close()));
});

beforeEach(async () => {
  await world.serves('db', ips, 15_000);
  await standBy(world, 'db', hosts, 'Answered');
});

/** So many probe periods, which are seconds. */
async function periods(count: number): Promise<void> {
  const from = targets[0]?.accepted() ?? 0;
  await eventually(
    () => targets[0]?.accepted() ?? 0,
    (now) => now >= from + count,
    { deadlineMs: 15_000 },
  );
}

it('A name that does not exist any more loses its address after three answers, and no other name does', async () => {
  const from = world.slices.history.length;
  const startedMs = performance.now();
  await server.set(withoutB);
  await world.serves('db', ['10.20.52.1', '10.20.52.3']);
  // Two refreshes, each a second but for its jitter, are between three answers.
  expect(performance.now() - startedMs).toBeGreaterThan(1_500);
  await standBy(world, 'db', ['b.outside.test'], 'NoSuchName');
  const { resolution } = await toldOf(world, 'db', 'a.outside.test', () => true);
  expect(resolution?.state).toBe('Answered');
  await server.set(names);
  await world.serves('db', ips);
  expect(everMissing(world.slices.history.slice(from), 'db', ['10.20.52.1', '10.20.52.3'])).toEqual([]);
});

it('A name server that denies every name is not believed', async () => {
  const from = world.slices.history.length;
  await server.set({});
  await standBy(world, 'db', hosts, 'Unconfirmed');
  await periods(5);
  expect(sliceEvents(world, 'db', from)).toEqual([]);
  const { resolution } = await toldOf(world, 'db', 'a.outside.test', () => true);
  expect(resolution).toMatchObject({ state: 'Unconfirmed', error: expect.stringContaining('NXDOMAIN') });
  await server.set(names);
  await standBy(world, 'db', hosts, 'Answered');
  expect(sliceEvents(world, 'db', from)).toEqual([]);
});

it('Nothing published changes and probes continue while the name server is away; then its new answer is used', async () => {
  const from = world.slices.history.length;
  const killedMs = performance.now();
  await server.kill();
  await standBy(world, 'db', hosts, 'Stale');
  await eventually(
    () => performance.now() - killedMs,
    (ms) => ms >= awayMs,
    { deadlineMs: awayMs },
  );
  expect(sliceEvents(world, 'db', from)).toEqual([]);
  const { resolution } = await toldOf(world, 'db', 'a.outside.test', () => true);
  expect(resolution?.error).toContain('10.20.52.53');
  await targets[2]?.refuse();
  await world.serves('db', ['10.20.52.1', '10.20.52.2']);
  await targets[2]?.listen();
  await world.serves('db', ips);

  await server.set({ ...names, 'a.outside.test': ['A 10.20.52.4'] });
  await server.start();
  await world.serves('db', ['10.20.52.2', '10.20.52.3', '10.20.52.4'], 15_000);
  await standBy(world, 'db', hosts, 'Answered');
  expect(everMissing(world.slices.history.slice(from), 'db', ['10.20.52.2'])).toEqual([]);
  await server.set(names);
}, 90_000);

it('A name server that does not respond removes no address', async () => {
  const from = world.slices.history.length;
  server.freeze();
  await standBy(world, 'db', hosts, 'Stale');
  server.thaw();
  await standBy(world, 'db', hosts, 'Answered');
  expect(sliceEvents(world, 'db', from)).toEqual([]);
}, 60_000);
