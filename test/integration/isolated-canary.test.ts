import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyAddresses } from '../controlplane/endpoints.ts';
import { openNetwork } from '../controlplane/own-network.ts';
import type { OwnNetwork } from '../controlplane/own-network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { degradedOf, isIsolated, namesOfEvents } from '../support/cluster/host-grid.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

const names = ['db-0', 'db-1', 'db-2', 'db-3'];
const [A, B, canary] = ['10.26.0.1', '10.26.0.2', '10.26.9.9'] as const;

let network: OwnNetwork;
let servers: readonly Target[];
/** Without a canary, and with one. */
let worlds: Readonly<Record<'bare' | 'guarded', World>>;
let undo: (() => Promise<void>) | undefined;

/** Waits until all four backends of a world have these ready addresses. */
async function serve(world: World, addresses: readonly string[]): Promise<void> {
  for (const name of names) await world.serves(name, addresses, 20_000);
}

beforeAll(async () => {
  network = await openNetwork(2);
  const [of, guard] = await Promise.all([
    Promise.all([A, B].map((address) => startTarget({ address, port: 5432 }))),
    startTarget({ address: canary, port: 53 }),
  ]);
  servers = [...of, guard];
  const open = (prefix: string, args: readonly string[]) =>
    openWorld(controlPlane(), { prefix, network, args });
  worlds = {
    bare: await open('two-hosts', []),
    guarded: await open('canary', [`--canary=${canary}:53`]),
  };
  for (const world of Object.values(worlds))
    for (const name of names) await world.apply(name, probed([A, B]));
  for (const world of Object.values(worlds)) await serve(world, [A, B]);
}, 90_000);

afterEach(async () => {
  await undo?.();
  undo = undefined;
  for (const world of Object.values(worlds)) await serve(world, [A, B]);
}, 60_000);

afterAll(async () => {
  for (const world of Object.values(worlds)) await world.close();
  await network.close();
  await Promise.all(servers.map((server) => server.close()));
});

describe('an install of four backends on two hosts, with one replica,', () => {
  it('removes the one host that becomes silent, with a canary and without', async () => {
    undo = await network.cut([A]);
    await serve(worlds.bare, [B]);
    await serve(worlds.guarded, [B]);
  }, 60_000);

  it('removes both hosts that become silent while the canary answers', async () => {
    undo = await network.cut([A, B]);
    await serve(worlds.bare, []);
    await serve(worlds.guarded, []);
  }, 60_000);

  it('that is cut off from its hosts and its canary removes none and reports it, and without a canary removes both', async () => {
    const { bare, guarded } = worlds;
    const from = guarded.slices.history.length;
    undo = await network.cut([A, B, canary]);
    await serve(bare, []);
    await guarded.backends.until(
      () => names.every((name) => degradedOf(guarded, name)?.reason === 'OperatorIsolated'),
      20_000,
      'all backends report the isolation',
    );
    expect(await isIsolated(guarded.operator())).toBe(true);
    await guarded.events.until(() => namesOfEvents(guarded, 'OperatorIsolated').length === names.length);
    await undo();
    undo = undefined;
    await guarded.backends.until(
      () => names.every((name) => degradedOf(guarded, name)?.reason === 'AllHealthy'),
      20_000,
      'all backends report the end',
    );
    expect(guarded.slices.history.slice(from)).toEqual([]);
    const ready = names.map((name) => readyAddresses(guarded.slices.objects.values(), name));
    expect(ready).toEqual(names.map(() => [A, B]));
  }, 60_000);
});
