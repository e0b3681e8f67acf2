import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { addAddress, dropPackets } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed, quick } from '../support/builders/backends.ts';
import { brief, conditionOf, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let targets: readonly Target[];
const ips = ['10.20.36.1', '10.20.36.2', '10.20.36.3'];
/** Not the first failure: three in a row. */
const patient = { periodSeconds: 1, failureThreshold: 3 };

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'restart' });
  await addAddress(...ips);
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  await world.publish('db', probed(ips));
  await world.publish('patient', probed(ips, { probe: patient }));
  await world.publish(
    'sure',
    probed(['10.20.36.1', '10.20.36.4'], { probe: { ...quick, successThreshold: 3 } }),
  );
  await world.serves('db', ips);
  await world.serves('patient', ips);
  await world.serves('sure', ['10.20.36.1']);
  await world.backends.until((now) => conditionOf(now.get('sure'), 'Degraded')?.status === 'True');
});

afterAll(async () => {
  await world.close();
  await Promise.all(targets.map((target) => target.close()));
});

async function probes(count: number): Promise<void> {
  const [first] = targets;
  const from = first?.accepted() ?? 0;
  await eventually(
    () => first?.accepted() ?? 0,
    (now) => now >= from + count,
  );
}

const end = {
  SIGTERM: () => world.operator().stop(),
  SIGKILL: () => world.operator().kill(),
};

describe('an operator that is ended and started again', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s writes nothing and takes no address away',
    async (signal) => {
      const before = (await world.writes()).length;
      await end[signal]();
      await world.start();
      await probes(4);
      expect((await world.writes(before)).map(brief)).toEqual([]);
      expect(everMissing(world.slices.history, 'db', ips)).toEqual([]);
      expect(everMissing(world.slices.history, 'patient', ips)).toEqual([]);
    },
  );

  it('takes away what died meanwhile, and leaves the others', async () => {
    await world.operator().kill();
    await targets[1]?.refuse();
    await world.start();
    await world.serves('db', ['10.20.36.1', '10.20.36.3']);
    expect(everMissing(world.slices.history, 'db', ['10.20.36.1', '10.20.36.3'])).toEqual([]);
    await targets[1]?.listen();
    await world.serves('db', ips);
    await world.serves('patient', ips);
  });

  it('and is cut off from its targets needs failureThreshold fresh verdicts to take them away, with --isolation-share=0', async () => {
    await world.operator().kill();
    const restore = await dropPackets(ips);
    const startedMs = performance.now();
    const from = world.slices.history.length;
    await world.start(['--isolation-share=0']);
    await world.serves('db', []);
    const patientYet = () =>
      world.slices.history
        .slice(from)
        .some(({ object }) => object.metadata.labels?.['kubernetes.io/service-name'] === 'patient');
    expect(patientYet()).toBe(false);
    await world.serves('patient', []);
    // Three timeouts of a second, each begun a period after the one before.
    const first = world.slices.history
      .slice(from)
      .find(({ object }) => object.metadata.labels?.['kubernetes.io/service-name'] === 'patient');
    expect((first?.atMs ?? 0) - startedMs).toBeGreaterThan(3_000);
    await restore();
    await world.serves('db', ips);
    await world.serves('patient', ips);
  });

  it('does not publish an address that was unhealthy before', async () => {
    await world.serves('sure', ['10.20.36.1']);
    const from = world.slices.history.length;
    await world.operator().kill();
    await world.start();
    await probes(3);
    expect(world.slices.history.slice(from)).toEqual([]);
    await world.serves('sure', ['10.20.36.1']);
  });
});
