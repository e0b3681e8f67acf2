import { describe, expect, it } from '@jest/globals';
import { aService, aSlice, namespace, someEndpoints } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { down, up } from '../../support/builders/verdicts.ts';
import { both } from '../support/two-targets.ts';

describe('an object of another client', () => {
  it('is a conflict with one Event, which ends when the object is deleted', async () => {
    const world = new ReconcileWorld();
    world.cluster.put(aService());
    await world.bringUp();
    expect(world.ready()).toBe('False Conflict');
    expect(world.cluster.writes.map(({ op }) => op)).toEqual(['status']);
    expect(world.events).toMatchObject([{ type: 'Warning', reason: 'Conflict' }]);
    expect((await world.run()).writes).toEqual([]);
    world.cluster.remove('Service', namespace, 'orders-db');
    await world.run();
    expect(world.ready()).toBe('True Published');
    expect(world.events).toMatchObject([{}, { type: 'Normal', reason: 'Published' }]);
  });

  it('is taken over without a moment of empty endpoints', async () => {
    const world = new ReconcileWorld();
    world.cluster.put(aService());
    world.cluster.put(someEndpoints(['10.20.0.11', '10.20.0.12']));
    const mirror = 'endpointslicemirroring-controller.k8s.io';
    world.cluster.put(aSlice(['10.20.0.11', '10.20.0.12'], mirror, { name: 'mirrored' }));
    world.cluster.onWrite = () => expect(world.published()).toEqual(expect.arrayContaining(both));
    world.store({ services: [{ name: 'orders-db', adopt: true }] });
    expect((await world.run()).outcome).toMatchObject({ kind: 'waiting', reason: 'SweepingSlices' });
    expect(world.known.size).toBe(2);
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect([world.published(), world.ready()]).toEqual([both, 'True Published']);
    expect((await world.run()).writes).toEqual([]);
  });
});

describe('a Service that a finalizer keeps while it is deleted', () => {
  it('makes Ready false, keeps its slices, and is created again afterwards', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services: [{ name: 'orders-db', type: 'LoadBalancer' }] });
    world.cluster.held.add('orders-db');
    world.store({ services: [{ name: 'orders-db', headless: true }] }, { generation: 2 });
    expect((await world.run()).outcome).toMatchObject({ kind: 'waiting', reason: 'Terminating' });
    await world.run();
    expect([world.ready(), world.published()]).toEqual(['False Terminating', both]);
    expect((await world.run()).writes).toEqual([]);
    world.cluster.held.clear();
    world.cluster.remove('Service', namespace, 'orders-db');
    await world.run();
    expect([world.ready(), world.published()]).toEqual(['True Published', both]);
    expect(world.cluster.service(namespace, 'orders-db')?.spec.clusterIP).toBe('None');
  });
});

describe('two backends that claim one Service', () => {
  const services = [{ name: 'db' }];
  const elder = { name: 'elder', creationTimestamp: '2026-01-01T00:00:00Z' };
  const younger = { name: 'younger', creationTimestamp: '2026-01-02T00:00:00Z' };

  it('leave it to the older one; when that is deleted, the other takes over', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services }, elder);
    await world.bringUp({ services, targets: [{ host: '10.20.0.12' }, { host: '10.20.0.13' }] }, younger);
    expect([world.ready('elder'), world.ready('younger')]).toEqual(['True Published', 'False NameClaimed']);
    expect(world.published('db')).toEqual(both);
    world.remove('elder');
    world.cluster.onWrite = () => expect(world.published('db')).toContain('+10.20.0.12');
    await world.run('elder');
    await world.run('younger');
    expect([world.published('db'), world.ready('younger')]).toEqual([
      ['+10.20.0.12', '+10.20.0.13'],
      'True Published',
    ]);
    expect((await world.run('younger')).writes).toEqual([]);
  });

  it('leave the Service to the one that published it, whatever its age', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services }, younger);
    await world.bringUp({ services: [...services, { name: 'own' }] }, elder);
    await world.run('younger');
    expect([world.ready('elder'), world.ready('younger')]).toEqual(['False NameClaimed', 'True Published']);
    expect(world.published('own')).toEqual(both);
    const [ready] = world.status('elder').conditions ?? [];
    expect(ready?.message).toContain('younger');
    expect((await world.run('elder')).writes).toEqual([]);
    expect((await world.run('younger')).writes).toEqual([]);
  });

  it('leave the Service to the one that published it also after a restore, which changes all ages and uids', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services }, younger);
    world.store({ services }, { name: 'younger', uid: 'new-1', creationTimestamp: '2026-02-01T00:00:09Z' });
    world.store({ services }, { name: 'elder', uid: 'new-2', creationTimestamp: '2026-02-01T00:00:01Z' });
    const restored = world.restarted();
    for (const name of ['elder', 'younger']) restored.hear(name);
    for (const name of ['elder', 'younger', 'elder', 'younger']) {
      await restored.run(name);
      restored.say(up, undefined, name);
    }
    expect([restored.ready('elder'), restored.ready('younger')]).toEqual([
      'False NameClaimed',
      'True Published',
    ]);
    expect(restored.published('db')).toEqual(both);
  });

  it('let an older one take it over with adopt: true, once it has a ready address', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services }, younger);
    world.cluster.onWrite = () => expect(world.published('db').join()).toContain('+');
    world.store({ services: [{ name: 'db', adopt: true }], targets: [{ host: '10.20.0.13' }] }, elder);
    await world.run('elder');
    world.say(down, undefined, 'elder');
    await world.run('elder');
    expect([world.ready('elder'), world.published('db')]).toEqual(['True Adopting', both]);
    world.say(up, undefined, 'elder');
    await world.run('elder');
    await world.run('younger');
    expect([world.ready('elder'), world.ready('younger')]).toEqual(['True Published', 'False NameClaimed']);
    expect(world.published('db')).toEqual(['+10.20.0.13']);
    expect((await world.run('elder')).writes).toEqual([]);
  });

  it('keep the Service published when one of them stops claiming it', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services }, elder);
    await world.bringUp({ services }, younger);
    world.store({ services: [{ name: 'other' }] }, { ...elder, generation: 2 });
    await world.run('elder');
    expect(world.published('db')).toEqual(both);
    await world.run('younger');
    expect(world.ready('younger')).toBe('True Published');
  });
});
