import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import process from 'node:process';

import { controlPlane } from '../controlplane/details.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { liveEdits } from '../support/drawn/live.ts';
import { editedLive } from '../support/cluster/edited-live.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

// The unit test `as-made-afresh` draws more of the same against a fake API server. EDITS=200 SEED=2: so many of others.
const edits = Number(process.env['EDITS'] ?? 28);
const seed = Number(process.env['SEED'] ?? 1);
/** Edits of one time: more of them only wait for each other. */
const together = 14;

let dual: Plane;

beforeAll(async () => {
  const range = '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108';
  dual = await startPlane({ address: '10.99.1.3', flags: [range] });
}, 120_000);

afterAll(() => dual.stop());

async function wrongAfter(world: World, isDual: boolean, count: number): Promise<readonly unknown[]> {
  const drawn = liveEdits(count, seed, isDual);
  const wrong: unknown[] = [];
  for (let from = 0; from < drawn.length; from += together) {
    const some = drawn.slice(from, from + together);
    wrong.push(...(await Promise.all(some.map((edit, i) => editedLive(world, edit, (from + i) % 70)))));
  }
  return wrong.filter((each) => each !== undefined);
}

describe('an edited backend ends like a new one with the last spec', () => {
  it.each([
    ['in a cluster with two IP families', true, edits],
    ['in a cluster with one', false, Math.ceil(edits / 2)],
  ])(
    '%s',
    async (_, isDual, count) => {
      const world = await openWorld(isDual ? dual.details : controlPlane(), { prefix: 'edits' });
      const wrong = await wrongAfter(world, isDual, count);
      await world.close();
      expect(wrong).toEqual([]);
    },
    60_000 * Math.max(4, edits),
  );
});
