import { describe, expect, it } from '@jest/globals';
import { alias, first, one, second, standing } from '../support/alias-world.ts';
import { A, B, C, addressOf, primary, ready, replica, spec, stands } from '../support/roles-world.ts';
import type { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

const now = (action: string, ...targets: readonly string[]) => ({
  maintenance: [
    {
      ...{ name: 'patch', action, start: '2025-12-31T23:00:00Z', durationSeconds: 604_800 },
      ...(targets.length > 0 && { targets }),
    },
  ],
});

const ended = { maintenance: [] };

const held = (world: ReconcileWorld) => world.status().maintenance?.held;

describe('a Drain of the primary', () => {
  it('stays in rw until another server is promoted, and then leaves', async () => {
    const { world, history } = await stands(now('Drain', A));
    expect(ready(world, 'rw')).toEqual([A]);
    expect(held(world)).toEqual([{ service: 'rw', ips: [A] }]);
    expect(world.status().primary).toBe(A);
    world.say(primary(), B);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    expect(history.filter((rw) => rw.length > 1)).toEqual([]);
    expect(held(world)).toBeUndefined();
  });
});

describe('a Drain of replicas', () => {
  it('takes one out of ro, and reports it there', async () => {
    const { world } = await stands(now('Drain', B));
    expect(ready(world, 'ro')).toEqual([C]);
    expect(addressOf(world, B)).toMatchObject({ ready: false, reason: 'Drained' });
  });

  it('keeps both if they are the last ones', async () => {
    const { world } = await stands(now('Drain', B, C));
    expect(ready(world, 'ro')).toEqual([B, C]);
    expect(held(world)).toEqual([{ service: 'ro', ips: [B, C] }]);
  });

  it('takes both out if the primary is used in their place', async () => {
    const services = [
      { name: 'rw', role: 'Primary' },
      { name: 'ro', role: 'Replica', fallbackToPrimary: true },
    ];
    const { world } = await stands({ ...now('Drain', B, C), services });
    expect(ready(world, 'ro')).toEqual([A]);
    expect(held(world)).toBeUndefined();
  });

  it('takes an address out of a Service of both, and keeps it in the one where it is the last', async () => {
    const services = [{ name: 'rw', role: 'Primary' }, { name: 'all' }];
    const { world } = await stands({ ...now('Drain', A), services });
    expect(ready(world, 'rw')).toEqual([A]);
    expect(ready(world, 'all')).toEqual([B, C]);
    expect(addressOf(world, A)).toMatchObject({
      ready: true,
      excluded: [{ service: 'all', reason: 'Drained' }],
    });
  });
});

describe('a Freeze', () => {
  it('keeps a failed primary in rw while no other server is promoted', async () => {
    const { world } = await stands(now('Freeze'));
    world.fail(A);
    await world.run();
    expect(ready(world, 'rw')).toEqual([A]);
    expect(ready(world, 'ro')).toEqual([B, C]);
    expect(addressOf(world, A)).toMatchObject({ ready: true, health: 'unhealthy' });
  });

  it('follows a promotion at once, also while the former primary is dead', async () => {
    const { world, history } = await stands(now('Freeze'));
    world.fail(A);
    await world.run();
    for (let said = 0; said < 2; said += 1) world.say(primary(), B);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    expect(ready(world, 'ro')).toEqual([C]);
    expect(history.filter((rw) => rw.length !== 1).length).toBe(history.findIndex((rw) => rw.length === 1));
  });

  it('takes a primary that is demoted out of rw', async () => {
    const { world } = await stands(now('Freeze'));
    world.say(replica(), A);
    await world.run();
    expect(ready(world, 'rw')).toEqual([]);
    expect(ready(world, 'ro')).toEqual([A, B, C]);
  });

  it('that ends leaves the health of its addresses as it counted, without counts', async () => {
    const { world } = await stands(now('Freeze'));
    world.fail(A);
    await world.run();
    world.store({ ...spec, ...ended }, { generation: 2 });
    await world.run();
    expect(addressOf(world, A)).toMatchObject({ ready: true, health: 'healthy' });
  });
});

describe('maintenance of an alias', () => {
  it('with action Drain lets it point to another host', async () => {
    const world = await standing(now('Drain', first));
    expect(alias(world)).toBe(second);
    expect(addressOf(world, one)).toMatchObject({ ready: false, reason: 'Drained' });
  });

  it('with action Drain of all hosts changes nothing', async () => {
    const world = await standing(now('Drain'));
    expect(alias(world)).toBe(first);
  });

  it('with action Freeze keeps it at a host that fails', async () => {
    const world = await standing(now('Freeze'));
    world.fail(one);
    await world.run();
    expect(alias(world)).toBe(first);
  });
});
