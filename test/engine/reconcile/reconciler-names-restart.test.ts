import { describe, expect, it } from '@jest/globals';
import type { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { literalToo, name, one, probed, quiet, standing, targetsOf } from '../support/names-world.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

describe('a start while the name servers fail', () => {
  const restart = async (spec: SpecInput, ...ips: readonly string[]) => {
    const before = await standing(spec, ...ips);
    await before.clock.advance(60_000);
    const after = before.restarted();
    after.hear();
    return after;
  };

  it('keeps what is published, probes it within its period, and reports its names', async () => {
    const world = await restart(literalToo, '10.0.0.1', '10.0.0.2');
    world.cluster.onWrite = () => expect(world.published()).toEqual(['+10.0.0.1', '+10.0.0.2', '+10.0.9.9']);
    await world.run();
    world.resolver.fails(name);
    await world.clock.advance(1_000);
    expect((await world.run()).writes).toEqual(['status']);
    expect([...world.known].toSorted()).toEqual([
      '10.0.0.1|5432|all',
      '10.0.0.2|5432|all',
      '10.0.9.9|5432|all',
    ]);
    expect(targetsOf(world)[0]).toMatchObject({
      resolution: { state: 'Stale', error: 'A: no answer; AAAA: no answer' },
      addresses: [
        { ip: '10.0.0.1', health: 'healthy' },
        { ip: '10.0.0.2', health: 'healthy' },
      ],
    });
    await quiet(world);
    world.fail('10.0.0.1');
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2', '+10.0.9.9', '-10.0.0.1']);
  });

  it('publishes the new address when the servers answer again', async () => {
    const world = await restart(one, '10.0.0.1');
    await world.run();
    world.resolver.fails(name);
    await world.run();
    world.resolver.addresses(name, '10.0.0.7');
    await world.clock.advance(1_000);
    await probed(world);
    expect(world.published()).toEqual(['+10.0.0.7']);
  });

  it('begins again from what is published when another replica has been the leader meanwhile', async () => {
    const world = await standing(one, '10.0.0.1');
    world.reconciler.reset();
    expect(world.resolver.followed).toEqual([]);
    await world.run();
    world.resolver.fails(name);
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1']);
  });

  it('writes nothing when the first answer is the same as before', async () => {
    const world = await restart(one, '10.0.0.1');
    const first = await world.run();
    world.resolver.addresses(name, '10.0.0.1');
    const second = await world.run();
    expect(first).toEqual({ outcome: { ok: true, requeueAfterMs: 100 }, writes: [] });
    expect(second).toEqual({ outcome: { ok: true }, writes: [] });
    await quiet(world);
  });
});

describe('names that are no longer queried', () => {
  it.each([
    ['the backend is gone', (world: ReconcileWorld) => world.remove()],
    ['it is suspended', (world: ReconcileWorld) => world.store({ ...one, suspend: true }, { generation: 2 })],
    ['it is not understood', (world: ReconcileWorld) => world.store({ mode: 'Odd' }, { generation: 2 })],
    ['another replica leads', (world: ReconcileWorld) => world.reconciler.reset()],
  ])('are those of a backend when %s', async (what, happens) => {
    const world = await standing(one, '10.0.0.1');
    happens(world);
    if (what !== 'another replica leads') await world.run();
    expect(world.resolver.followed).toEqual([]);
  });

  it('are restored from what is published when the backend continues', async () => {
    const world = await standing(one, '10.0.0.1');
    world.store({ ...one, suspend: true }, { generation: 2 });
    await world.run();
    world.store(one, { generation: 3 });
    world.cluster.onWrite = () => expect(world.published()).toEqual(['+10.0.0.1']);
    await world.run();
    world.resolver.fails(name);
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1']);
  });
});
