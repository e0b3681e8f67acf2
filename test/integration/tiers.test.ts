import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

const [main, spare, far] = ['10.20.68.1', '10.20.68.2', '10.20.68.3'] as const;
const all = [main, spare, far];
const tiered = [{ host: main }, { host: spare, priority: 1 }, { host: far, priority: 9 }];

let world: World;
let targets: readonly Target[];

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'tiers' });
  await addAddress(...all);
  targets = await Promise.all(all.map((address) => startTarget({ address, port: 5432 })));
  await world.publish('db', probed([], { targets: tiered, failbackSeconds: 3 }));
  await world.serves('db', [main]);
});

afterAll(async () => {
  await world.close();
  await Promise.all(targets.map((target) => target.close()));
});

const tierOf = async () => {
  const { status } = await world.admin.get('ExternalBackend', 'db', world.ns);
  return (status?.services as { tier?: number }[] | undefined)?.[0]?.tier;
};

/** Returns the sets of ready addresses since an event, without repetitions. */
const historyFrom = (from: number): readonly string[] => [
  ...new Set(
    readyHistory(world.slices.history, 'db')
      .slice(from)
      .map(({ ready }) => ready.join()),
  ),
];

describe('a Service with three tiers', () => {
  it('goes to the next tier without a moment without servers, and back after failbackSeconds', async () => {
    const from = world.slices.history.length;
    await targets[0]?.refuse();
    await world.serves('db', [spare]);
    await eventually(tierOf, (tier) => tier === 1);
    await targets[1]?.refuse();
    await world.serves('db', [far]);
    await eventually(tierOf, (tier) => tier === 9);
    await targets[1]?.listen();
    const listening = performance.now();
    await world.serves('db', [spare]);
    expect(performance.now() - listening).toBeGreaterThan(3_000);
    expect(historyFrom(from)).not.toContain('');
  });

  it('keeps its tier over SIGKILL, and returns failbackSeconds after the new start', async () => {
    const from = world.slices.history.length;
    await targets[0]?.listen();
    const probes = targets[0]?.accepted() ?? 0;
    await eventually(
      () => targets[0]?.accepted() ?? 0,
      (now) => now > probes,
    );
    await world.operator().kill();
    await world.start();
    const started = performance.now();
    await world.serves('db', [main], 20_000);
    expect(performance.now() - started).toBeGreaterThan(2_500);
    expect(historyFrom(from)).toEqual([spare, main].filter((ip) => historyFrom(from).includes(ip)));
    await eventually(tierOf, (tier) => tier === 0);
  });

  it('changes no tier and writes no slice in a restart while nothing changes', async () => {
    const from = world.slices.history.length;
    await world.operator().kill();
    await world.start();
    const probes = targets[1]?.accepted() ?? 0;
    await eventually(
      () => targets[1]?.accepted() ?? 0,
      (now) => now >= probes + 4,
    );
    expect(world.slices.history.slice(from)).toEqual([]);
  });

  it('reports each switch as an Event', async () => {
    const switches = () =>
      [...world.events.objects.values()]
        .filter(({ reason }) => reason === 'TierSwitched')
        .map(({ type }) => type);
    await eventually(switches, (types) => types.includes('Warning') && types.includes('Normal'));
  });

  it('is published as it was when the priorities are removed', async () => {
    await world.publish('db', probed(all));
    await world.serves('db', all);
    expect(await tierOf()).toBeUndefined();
  });
});
