import { describe, expect, it } from '@jest/globals';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import { OperatorError, type ErrorKind, type ErrorReason } from '../../../src/core/errors.ts';
import { aService, aSlice, namespace, someEndpoints } from '../../support/builders/builders.ts';
import { conflict } from '../../support/fakes/fake-cluster.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { down, up } from '../../support/fakes/scripted-probe.ts';

const both = ['+10.20.0.11', '+10.20.0.12'];
const error = (kind: ErrorKind, reason: ErrorReason) =>
  new OperatorError(reason, { kind, reason, afterMs: 5_000 });
const touches = (action: Action, service: string): boolean => JSON.stringify(action).includes(service);

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
    expect([world.ready('elder'), world.published('db')]).toEqual(['False Adopting', both]);
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

describe('a write that fails', () => {
  const slices = (action: Action) => 'object' in action && action.object.kind === 'EndpointSlice';

  it('by a refusal is reported at once', async () => {
    const world = new ReconcileWorld();
    const refused = error('terminal', 'Invalid');
    world.cluster.refuse = (action) => (action.op === 'applyService' ? refused : undefined);
    world.store();
    await world.run();
    world.say(up);
    expect((await world.run()).outcome).toBe(refused);
    expect(world.ready()).toBe('False Invalid');
    expect(world.events).toMatchObject([{ type: 'Warning', reason: 'Invalid' }]);
  });

  it('for a transient reason is reported the third time, and nothing false before', async () => {
    const world = new ReconcileWorld();
    world.cluster.refuse = (action) => (slices(action) ? conflict() : undefined);
    world.store();
    await world.run();
    world.say(up);
    for (const told of ['- -', '- -', 'False Conflict']) {
      expect((await world.run()).outcome).toMatchObject({ kind: 'transient', status: 409 });
      expect(world.ready()).toBe(told);
    }
    world.cluster.refuse = () => undefined;
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect([world.ready(), world.published()]).toEqual(['True Published', both]);
  });

  it('because another replica is the leader writes nothing at all', async () => {
    const world = new ReconcileWorld();
    const waits = error('waiting', 'NotLeader');
    world.cluster.refuse = () => waits;
    world.store();
    await world.run();
    world.say(up);
    for (let i = 0; i < 4; i++) expect(await world.run()).toEqual({ outcome: waits, writes: [] });
    expect(world.events).toEqual([]);
  });

  it('by a bug is a transient error', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.refuse = () => {
      throw new TypeError('undefined is not a function');
    };
    world.fail('10.20.0.11');
    expect((await world.run()).outcome).toMatchObject({ kind: 'transient', reason: 'Bug' });
  });

  it('at one Service does not affect others', async () => {
    const world = new ReconcileWorld();
    world.cluster.refuse = (action) =>
      touches(action, 'first') && action.op === 'applyService' ? error('terminal', 'Invalid') : undefined;
    await world.bringUp({ services: [{ name: 'first' }, { name: 'second' }] });
    expect(world.cluster.service(namespace, 'second')).toBeDefined();
    expect([world.published('second'), world.ready()]).toEqual([both, 'False Invalid']);
  });

  it('because of a conflict is planned again from the current state', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    let races = 1;
    world.cluster.refuse = (action) => (slices(action) && races-- > 0 ? conflict() : undefined);
    world.fail('10.20.0.11');
    expect((await world.run()).outcome).toMatchObject({ kind: 'transient' });
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect(world.published()).toEqual(['+10.20.0.12', '-10.20.0.11']);
  });
});

describe('a status that follows slices', () => {
  const pausing = async (): Promise<ReconcileWorld> => {
    const world = new ReconcileWorld({ statusPauseMs: 100 });
    await world.bringUp();
    await world.clock.advance(100);
    await world.run();
    return world;
  };

  it('is written after a pause', async () => {
    const world = await pausing();
    world.fail('10.20.0.11');
    const writes = ['update EndpointSlice', 'update Endpoints'];
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 100 }, writes });
    expect(world.status().summary).toBe('2/2');
    await world.clock.advance(99);
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 1 }, writes: [] });
    await world.clock.advance(1);
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes: ['status'] });
    expect(world.status().summary).toBe('1/2');
  });

  it('contains what follows in that pause, and waits no longer for it', async () => {
    const world = await pausing();
    world.fail('10.20.0.11');
    await world.run();
    await world.clock.advance(90);
    world.fail('10.20.0.12');
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 10 });
    await world.clock.advance(10);
    expect((await world.run()).writes).toEqual(['status']);
    expect(world.status().summary).toBe('0/2');
  });

  it('is not written when the state after the pause is the stored one', async () => {
    const world = await pausing();
    world.fail('10.20.0.11');
    await world.run();
    world.say(up, '10.20.0.11');
    await world.run();
    await world.clock.advance(100);
    expect((await world.run()).writes).toEqual([]);
  });

  it('does not wait with a refusal', async () => {
    const world = await pausing();
    world.cluster.refuse = ({ op }) => (op === 'applyService' ? error('terminal', 'Invalid') : undefined);
    world.store({ services: [{ name: 'orders-db' }, { name: 'second' }] }, { generation: 2 });
    await world.run();
    world.say(up);
    expect((await world.run()).outcome).toMatchObject({ kind: 'terminal' });
    expect(world.ready()).toBe('False Invalid');
  });

  it('does not wait when no slice was written', async () => {
    const world = await pausing();
    world.store({ suspend: true }, { generation: 2 });
    expect((await world.run()).writes).toEqual(['status']);
  });

  it('does not delay a retry', async () => {
    const world = await pausing();
    world.fail('10.20.0.11');
    world.cluster.refuse = ({ op }) => (op === 'update' ? undefined : conflict());
    await world.run();
    await world.clock.advance(100);
    expect((await world.run()).outcome).toMatchObject({ kind: 'transient', status: 409 });
    world.cluster.refuse = () => undefined;
    expect((await world.run()).writes).toEqual(['status']);
  });
});

describe('a run that waits for its turn to write', () => {
  it('is cancelled for something urgent, and the next run writes its status', async () => {
    const world = new ReconcileWorld({
      writer: { perform: (action, patience) => perform(action, patience) },
    });
    let busy = true;
    const perform = async (action: Action, patience?: AbortSignal): Promise<void> => {
      if (busy && action.op === 'status')
        await new Promise((_, reject) => {
          const giveUp = () => reject(error('waiting', 'Superseded'));
          if (patience?.aborted === true) giveUp();
          patience?.addEventListener('abort', giveUp);
        });
      await world.cluster.perform(action);
    };
    world.store();
    await world.run();
    world.say(up);
    const first = world.run();
    world.reconciler.preempt('shop/orders-db');
    expect((await first).outcome).toMatchObject({ kind: 'waiting', reason: 'Superseded' });
    expect(world.published()).toEqual(both);
    expect(world.status()).toEqual({});
    busy = false;
    expect((await world.run()).writes).toEqual(['status']);
    expect(world.ready()).toBe('True Published');
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
