import type { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { describe, expect, it } from '@jest/globals';
import { aStoredBackend, namespace } from '../../support/builders/builders.ts';
import { A, B, C, primary, ready, replica, spec, stands } from '../support/roles-world.ts';
import { conflict } from '../../support/fakes/fake-cluster.ts';
import { down, responded } from '../../support/builders/verdicts.ts';

/** Runs a reconcile that writes the slices, and restarts before the status is written. */
async function restartedBeforeStatus(world: ReconcileWorld): Promise<ReconcileWorld> {
  const stored = world.cluster.backend(namespace, 'orders-db');
  await world.run();
  if (stored !== undefined) world.cluster.put(stored);
  const next = world.restarted();
  next.hear();
  await next.run();
  return next;
}

describe('a restart', () => {
  it('changes no Service of any address, whatever the roles and lags', async () => {
    const { world } = await stands();
    await world.clock.advance(3_600_000);
    for (let i = 0; i < 3; i++) world.say(replica(100), C);
    await world.run();
    const next = world.restarted();
    next.hear();
    expect(await next.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 100 }, writes: [] });
    next.say(replica(100), C);
    next.say(replica(100), B);
    next.say(primary(), A);
    // The time since which C, which is in neither Service, has been healthy.
    expect((await next.run()).writes).toEqual(['status']);
    expect((await next.run()).writes).toEqual([]);
  });

  it('keeps the primary in rw also when the status has no roles', async () => {
    const { world } = await stands();
    const { targets: _, primary: _p, ...rest } = world.status();
    world.cluster.put(aStoredBackend(spec, { status: rest }));
    const next = world.restarted();
    next.hear();
    await next.run();
    expect(ready(next, 'rw')).toEqual([A]);
    expect(ready(next, 'ro')).toEqual([B, C]);
  });

  it('between the slices and the status of a failover continues from the slices', async () => {
    const { world } = await stands();
    world.say(replica(), A);
    world.say(primary(), B);
    const next = await restartedBeforeStatus(world);
    expect(ready(next, 'rw')).toEqual([B]);
    expect(ready(next, 'ro')).toEqual([A, C]);
  });

  it('does not publish a former primary whose last report was Replica', async () => {
    const { world } = await stands();
    world.say(replica(), A);
    const next = await restartedBeforeStatus(world);
    expect(ready(next, 'rw')).toEqual([]);
  });

  it.each([
    ['demoted', 'rw', A, replica()],
    ['dead', 'rw', A, down],
    ['promoted', 'ro', B, primary({ epoch: 1 })],
  ] as const)(
    'between the slices and the Endpoints does not publish a server again that was %s',
    async (_, service, server, verdict) => {
      const { world } = await stands({ targets: [{ host: A }, { host: B }] });
      world.cluster.refuse = (action) =>
        'object' in action && action.object.kind === 'Endpoints' ? conflict() : undefined;
      for (let i = 0; i < 3; i += 1) world.say(verdict, server);
      await world.run();
      expect(ready(world, service)).toEqual([]);
      world.cluster.refuse = () => undefined;
      const next = world.restarted();
      next.hear();
      await next.run();
      await world.clock.advance(1_000);
      await next.run();
      expect(ready(next, service)).toEqual([]);
    },
  );

  it('drops a role of the spec that was removed meanwhile', async () => {
    const fixed = (role?: string) => ({
      ...spec,
      probe: { tcpSocket: {} },
      targets: [
        { host: A, ...(role && { role }) },
        { host: B, role: 'Replica' },
      ],
      services: [{ name: 'rw', role: 'Primary' }],
    });
    const { world } = await stands(fixed('Primary'));
    expect(ready(world, 'rw')).toEqual([A]);
    world.store(fixed('Replica'), { generation: 2 });
    const next = world.restarted();
    next.hear();
    await next.run();
    next.say(responded);
    await next.run();
    expect(ready(next, 'rw')).toEqual([]);
  });
});
