import { describe, expect, it } from '@jest/globals';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { down, up } from '../../support/builders/verdicts.ts';
import { both, error } from '../support/two-targets.ts';

describe('a new backend', () => {
  it('waits briefly for its first verdicts, then publishes the addresses that answered', async () => {
    const world = new ReconcileWorld();
    world.store();
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 1_000 }, writes: [] });
    world.say(up, '10.20.0.11');
    await world.clock.advance(60);
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 940 }, writes: [] });
    world.say(down, '10.20.0.12');
    const writes = ['create EndpointSlice', 'applyService', 'create Endpoints', 'status'];
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes });
    expect(world.published()).toEqual(['+10.20.0.11', '-10.20.0.12']);
    expect(world.status()).toMatchObject({ summary: '1/2', services: [{ name: 'orders-db', ready: 1 }] });
    expect(world.ready()).toBe('True Published');
    expect(world.counts).toEqual(new Map([['shop/orders-db', '1/2']]));
  });

  it('waits for first verdicts no longer than a second', async () => {
    const world = new ReconcileWorld();
    world.store();
    await world.run();
    await world.clock.advance(1_000);
    expect((await world.run()).writes).toHaveLength(4);
    expect(world.published()).toEqual(['-10.20.0.11', '-10.20.0.12']);
  });

  it.each([
    ['probing is off', { probe: { disabled: {} } }],
    ['the first probe is not due yet', { probe: { initialDelaySeconds: 30 } }],
  ])('does not wait for first verdicts when %s', async (_, spec) => {
    const world = new ReconcileWorld();
    world.store(spec);
    expect((await world.run()).writes).toContain('status');
  });

  it('waits again when its spec changes to addresses without a verdict', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: [{ host: '10.20.0.1' }] });
    await world.clock.advance(60_000);
    world.store({}, { generation: 2 });
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 100 }, writes: [] });
    world.say(up);
    await world.run();
    expect(world.published()).toEqual(both);
  });
});

describe('a published backend', () => {
  it('is not written while nothing changes', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    await world.clock.advance(3_600_000);
    world.say(up);
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes: [] });
  });

  it('writes one slice, one Endpoints and one status for one health transition', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    const writes = ['update EndpointSlice', 'update Endpoints', 'status'];
    world.fail('10.20.0.11');
    expect((await world.run()).writes).toEqual(writes);
    expect(world.published()).toEqual(['+10.20.0.12', '-10.20.0.11']);
    world.say(up, '10.20.0.11');
    expect((await world.run()).writes).toEqual(writes);
    expect(world.published()).toEqual(both);
  });

  it('records no second Event, and keeps Ready true while the database is down', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.fail();
    await world.run();
    expect(world.ready()).toBe('True Published');
    expect(world.events).toEqual([]);
  });

  it('removes the Service that was removed from its spec, and creates the new one', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.store({ services: [{ name: 'db' }] }, { generation: 2 });
    await world.run();
    expect([world.published('db'), world.published()]).toEqual([both, []]);
    expect(world.cluster.all('Service').map(({ metadata }) => metadata.name)).toEqual(['db']);
    expect((await world.run()).writes).toEqual([]);
  });

  it('retries at once a Service that was refused what another Service has just released', async () => {
    const world = new ReconcileWorld();
    const ports = [{ port: 5432, nodePort: 31_000 }];
    await world.bringUp({ ports, services: [{ name: 'old', type: 'NodePort' }] });
    let refusals = 1;
    world.cluster.refuse = (action) =>
      action.op === 'applyService' && refusals-- > 0 ? error('terminal', 'Invalid') : undefined;
    world.store({ ports, services: [{ name: 'new', type: 'NodePort' }] }, { generation: 2 });
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 0 });
    await world.run();
    expect(world.cluster.all('Service').map(({ metadata }) => metadata.name)).toEqual(['new']);
    expect(world.ready()).toBe('True Published');
  });

  it('does not retry in a loop when the removal is refused', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services: [{ name: 'old' }] });
    const refused = error('terminal', 'Forbidden');
    world.cluster.refuse = (action) => (action.op === 'delete' ? refused : undefined);
    world.store({ services: [{ name: 'new' }] }, { generation: 2 });
    expect((await world.run()).outcome).toBe(refused);
    expect([world.published('new'), world.ready()]).toEqual([both, 'False Forbidden']);
  });

  it.each([
    ['Service', 'orders-db'],
    ['Endpoints', 'orders-db'],
  ])('creates a deleted %s again', async (kind, name) => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.remove(kind, namespace, name);
    expect((await world.run()).writes).toHaveLength(1);
  });

  it('has no probes and no figures after it is deleted', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    expect(world.reconciler.keyOf('uid-of-orders-db')).toBe('shop/orders-db');
    world.remove();
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes: [] });
    expect(world.scheduled.size).toBe(0);
    expect(world.reconciler.keyOf('uid-of-orders-db')).toBeUndefined();
    expect(world.counts.get('shop/orders-db')).toBe('gone');
  });

  it('takes over its own objects when it is recreated with another uid, and empties nothing', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.remove();
    world.store({}, { uid: 'second-life' });
    world.cluster.onWrite = () => expect(world.published()).toEqual(both);
    await world.run();
    expect([...world.scheduled.keys()]).toEqual(['second-life']);
    const owners = world.cluster
      .all('EndpointSlice')
      .map(({ metadata }) => metadata.ownerReferences?.[0]?.uid);
    expect(owners).toEqual(['second-life']);
  });
});

describe('a start', () => {
  it('empties and writes nothing when everything is unchanged', async () => {
    const before = new ReconcileWorld();
    await before.bringUp();
    before.fail('10.20.0.12');
    await before.run();
    await before.clock.advance(60_000);
    const after = before.restarted();
    after.hear();
    expect(await after.run()).toEqual({ outcome: { ok: true }, writes: [] });
    expect(after.known.size).toBe(2);
    after.say(down);
    expect((await after.run()).writes).toEqual([]);
    after.say(up);
    expect((await after.run()).writes).toHaveLength(3);
  });

  it('empties nothing when the Service was deleted meanwhile', async () => {
    const before = new ReconcileWorld();
    await before.bringUp();
    before.cluster.remove('Service', namespace, 'orders-db');
    const after = before.restarted();
    after.hear();
    expect((await after.run()).writes).toEqual(['applyService']);
    expect(after.published()).toEqual(both);
  });

  it('probes at once what was added while it was away, and the rest within its period', async () => {
    const before = new ReconcileWorld();
    await before.bringUp();
    before.store({ targets: [{ host: '10.20.0.11' }, { host: '10.20.0.13' }] }, { generation: 2 });
    const after = before.restarted();
    after.hear();
    await after.run();
    expect([...after.known]).toEqual(['10.20.0.11|5432|all']);
    expect(after.scheduled.get('uid-of-orders-db')?.map(({ ip }) => ip)).toEqual([
      '10.20.0.11',
      '10.20.0.13',
    ]);
  });

  it('begins again from what is published when another replica has been the leader meanwhile', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.reconciler.reset();
    expect(world.scheduled.size).toBe(0);
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes: [] });
    expect(world.scheduled.size).toBe(1);
  });
});
