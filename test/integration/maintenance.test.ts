import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing, readyAddresses } from '../controlplane/endpoints.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

const ips = ['10.20.151.1', '10.20.151.2'] as const;
const [A, B] = ips;

let world: World;
let targets: readonly Target[];

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'maintenance' });
  await addAddress(...ips);
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
});

afterAll(async () => {
  await world.close();
  await Promise.all(targets.map((target) => target.close()));
});

/** The operator is a process of its own with the clock of the machine. */
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

const maintenance = 'externalbackend.io/maintenance';

const annotate = (name: string, value: string | null) =>
  world.admin.patch('ExternalBackend', name, world.ns, {
    metadata: { annotations: { [maintenance]: value } },
  });

const activeIn = (name: string) => world.backends.until((now) => now.get(name)?.status?.maintenance?.active);

const idle = (name: string) =>
  world.backends.until((now) =>
    now.get(name)?.status?.maintenance === undefined ? now.get(name) : undefined,
  );

/** Waits until there are Events of these reasons about a backend. */
const recorded = (name: string, ...reasons: readonly string[]) =>
  world.events.until((now) => {
    const found = [...now.values()]
      .filter(({ regarding }) => regarding?.name === name)
      .map(({ reason }) => reason);
    return reasons.every((reason) => found.includes(reason));
  });

/** Distinct states of maintenance in the order in which the API server stored them. */
const statesOf = (name: string): readonly string[] =>
  world.backends.history
    .flatMap(({ object }) =>
      object.metadata.name === name ? [JSON.stringify(object.status?.maintenance ?? {})] : [],
    )
    .filter((state, i, all) => state !== all[i - 1]);

describe('a window with action Drain', () => {
  it('takes its target out when it begins, and gives it back when it ends', async () => {
    const window = { name: 'move', action: 'Drain', targets: [A], start: inSeconds(4), until: inSeconds(8) };
    await world.publish('drained', probed(ips, { maintenance: [{ ...window, durationSeconds: 3600 }] }));
    await world.serves('drained', ips);
    await world.serves('drained', [B]);
    await activeIn('drained');
    const wide = await kubectl(world.plane, ['get', 'xb', 'drained', '-n', world.ns, '-o', 'wide']);
    expect(wide.split('\n')[0]).toContain('MAINTENANCE');
    expect(wide.split('\n')[1]).toContain('Drain');
    await world.serves('drained', ips);
    await idle('drained');
    await recorded('drained', 'MaintenanceBegan', 'MaintenanceEnded');
    expect(everMissing(world.slices.history, 'drained', [B])).toEqual([]);
    const seen = statesOf('drained').map((text) => Object.keys(JSON.parse(text) as object).join());
    expect(seen).toEqual(['', 'next', 'active', '']);
  });

  it('goes on after the operator was killed in the middle', async () => {
    await world.publish('killed', probed(ips));
    await world.serves('killed', ips);
    await annotate('killed', `Drain ${A} until ${inSeconds(600)}`);
    await world.serves('killed', [B]);
    await activeIn('killed');
    await world.operator().kill();
    const before = world.slices.history.length;
    await world.start();
    await annotate('killed', `Drain ${A} until ${inSeconds(6)}`);
    await world.serves('killed', ips);
    await idle('killed');
    const ready = world.slices.history
      .slice(before)
      .flatMap(({ object }) => readyAddresses([object], 'killed').join());
    expect([...new Set(ready)]).toEqual([ips.join()]);
    expect(statesOf('killed').at(-1)).toBe('{}');
  });

  it('of all targets takes none out, and reports that', async () => {
    await world.publish('held', probed(ips));
    await world.serves('held', ips);
    await annotate('held', `Drain until ${inSeconds(600)}`);
    await world.backends.until((now) => now.get('held')?.status?.maintenance?.held);
    await recorded('held', 'MaintenanceHeld');
    expect(everMissing(world.slices.history, 'held', ips)).toEqual([]);
  });
});

describe('a Freeze by hand', () => {
  it('keeps a dead address until it ends, and the status tells the truth', async () => {
    await world.publish('frozen', probed(ips));
    await world.serves('frozen', ips);
    await annotate('frozen', `Freeze until ${inSeconds(600)}`);
    await activeIn('frozen');
    await targets[0]?.refuse();
    await world.backends.until(
      (now) => conditionOf(now.get('frozen'), 'Degraded')?.reason === 'AddressesUnhealthy',
    );
    expect(everMissing(world.slices.history, 'frozen', ips)).toEqual([]);
    await annotate('frozen', null);
    await world.serves('frozen', [B]);
    await targets[0]?.listen();
    await world.serves('frozen', ips);
  });
});

describe('maintenance that cannot be used', () => {
  const never = { name: 'wrong', durationSeconds: 60, action: 'Drain', targets: [A] };

  it.each([
    ['an unknown time zone', 'zone', { schedule: '* * * * *', timeZone: 'Mars/Olympus' }],
    ['30 February', 'february', { schedule: '0 0 30 2 *' }],
  ])('because of %s is reported, and has no effect', async (_, name, window) => {
    await world.publish(name, probed(ips, { maintenance: [{ ...never, ...window }] }));
    await world.backends.until(
      (now) => conditionOf(now.get(name), 'Degraded')?.reason === 'MaintenanceInvalid',
    );
    await world.serves(name, ips);
  });

  it('because of an annotation without an end is reported, and has no effect', async () => {
    await world.publish('endless', probed(ips));
    await world.serves('endless', ips);
    await annotate('endless', `Drain ${A}`);
    await world.backends.until(
      (now) => conditionOf(now.get('endless'), 'Degraded')?.reason === 'MaintenanceInvalid',
    );
    expect(everMissing(world.slices.history, 'endless', ips)).toEqual([]);
  });
});
