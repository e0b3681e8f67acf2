import { describe, expect, it } from '@jest/globals';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { both } from '../support/two-targets.ts';

describe('a spec that is not valid', () => {
  it('stops the probes, keeps what is published and reported, and is reported once', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.store({ mode: 'Teleport' }, { generation: 2 });
    expect((await world.run()).writes).toEqual(['status']);
    expect(world.scheduled.size).toBe(0);
    expect(world.published()).toEqual(both);
    expect(world.status()).toMatchObject({ observedGeneration: 2, summary: '2/2' });
    expect(world.ready()).toBe('False Invalid');
    expect(world.events).toMatchObject([{ type: 'Warning', reason: 'Invalid' }]);
    await world.clock.advance(60_000);
    expect((await world.run()).writes).toEqual([]);
    expect(world.events).toHaveLength(1);
  });

  it('does not affect other backends', async () => {
    const world = new ReconcileWorld();
    world.store({ mode: 'Teleport' }, { name: 'odd' });
    await world.run('odd');
    await world.bringUp();
    expect(world.ready()).toBe('True Published');
  });

  it('continues when it is valid again', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.store({ mode: 'Teleport' }, { generation: 2 });
    await world.run();
    world.store({}, { generation: 3 });
    expect((await world.run()).writes).toEqual(['status']);
    expect([world.ready(), world.scheduled.size]).toEqual(['True Published', 1]);
  });
});

describe('suspend', () => {
  it('stops probes and writes, reports it, and keeps what is published', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.store({ suspend: true, targets: [{ host: '10.20.0.13' }] }, { generation: 2 });
    expect((await world.run()).writes).toEqual(['status']);
    expect([world.ready(), world.scheduled.size, world.published()]).toEqual(['True Suspended', 0, both]);
    expect((await world.run()).writes).toEqual([]);
    world.store({}, { generation: 3 });
    expect((await world.run()).writes).toEqual(['status']);
    expect(world.scheduled.size).toBe(1);
  });
});

describe('a check that is quarantined', () => {
  it('is named in Degraded, and what is published remains', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.quarantined = [...world.scheduled.values()]
      .flat()
      .map(({ id }) => id)
      .slice(0, 1);
    expect((await world.run()).writes).toEqual(['status']);
    const degraded = world.status().conditions?.find(({ type }) => type === 'Degraded');
    expect(degraded).toMatchObject({ status: 'True', reason: 'ProbeQuarantined' });
    expect(degraded?.message).toContain('10.20.0.11:5432');
    expect(world.published()).toEqual(both);
  });
});
