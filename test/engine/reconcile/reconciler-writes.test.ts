import { describe, expect, it } from '@jest/globals';
import { namespace } from '../../support/builders/builders.ts';
import { conflict } from '../../support/fakes/fake-cluster.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import { both, error } from '../support/two-targets.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';

const touches = (action: Action, service: string): boolean => JSON.stringify(action).includes(service);

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
