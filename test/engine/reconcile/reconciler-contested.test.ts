import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

const theirs = { spec: { ports: [{ port: 9999, targetPort: 1 }] } };
const portOf = (world: ReconcileWorld) =>
  world.cluster.service(namespace, 'orders-db')?.spec.ports?.[0]?.port;
const ready = (world: ReconcileWorld) =>
  world.status().conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

/**
 * Lets another client change the port each 1.5 s for this time. The key runs when the watch or its timer
 * requires it.
 */
async function contested(world: ReconcileWorld, seconds: number): Promise<number> {
  const before = world.cluster.writes.filter(({ op }) => op === 'applyService').length;
  for (let at = 0; at < seconds; at += 1.5) {
    if (portOf(world) === 5432) world.cluster.patchService(namespace, 'orders-db', theirs, 'argocd');
    for (let i = 0; i < 3; i += 1) {
      await world.run();
      await world.clock.advance(500);
    }
  }
  return world.cluster.writes.filter(({ op }) => op === 'applyService').length - before;
}

describe('a Service that another client keeps changing', () => {
  it('is repaired at once at first, then at growing intervals, and the status names the client and the fields', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.patchService(namespace, 'orders-db', theirs, 'kubectl-edit');
    await world.run();
    expect([portOf(world), world.ready()]).toEqual([5432, 'True Published']);
    const first = await contested(world, 30);
    const later = await contested(world, 300);
    expect(first).toBeGreaterThan(5);
    expect(first).toBeLessThan(12);
    expect(later).toBeLessThan(10);
    expect(world.ready()).toBe('False Contested');
    expect(ready(world)).toContain('argocd');
    expect(ready(world)).toContain('spec.ports');
    expect(world.events.filter(({ reason }) => reason === 'Contested')).not.toEqual([]);
  });

  it('is repaired at once when each change is of another field', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ services: [{ name: 'orders-db', labels: { a: '1', b: '2', c: '3' } }] });
    for (const field of ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c']) {
      world.cluster.patchService(
        namespace,
        'orders-db',
        { metadata: { labels: { [field]: 'x' } } },
        'kubectl-edit',
      );
      await world.run();
      expect(world.cluster.service(namespace, 'orders-db')?.metadata.labels).toMatchObject({
        a: '1',
        b: '2',
        c: '3',
      });
    }
    expect(world.ready()).toBe('True Published');
  });

  it('never delays the removal of addresses, nor another spec', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    await contested(world, 60);
    world.fail('10.20.0.11');
    await world.run();
    expect(world.published()).toEqual(['+10.20.0.12', '-10.20.0.11']);
    world.store({ services: [{ name: 'orders-db', labels: { team: 'shop' } }] }, { generation: 2 });
    await world.run();
    expect(portOf(world)).toBe(5432);
  });

  it('is repaired and not written again when the other client stops', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    await contested(world, 120);
    for (let i = 0; i < 130; i += 1) {
      await world.run();
      await world.clock.advance(1_000);
    }
    expect([portOf(world), world.ready()]).toEqual([5432, 'True Published']);
    expect((await world.run()).writes).toEqual([]);
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes: [] });
  });

  it('is reconciled no more often than other backends once the Service is deleted', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    await contested(world, 120);
    world.store({ services: [{ name: 'other' }] }, { generation: 2 });
    await world.run();
    await world.clock.advance(120_000);
    await world.run();
    expect((await world.run()).outcome).toEqual({ ok: true });
  });

  it('is repaired at the rate of other refused writes while the repair is refused', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    await contested(world, 120);
    const refusal = new OperatorError('denied', { kind: 'terminal', reason: 'Forbidden', status: 403 });
    world.cluster.refuse = ({ op }) => (op === 'setService' ? refusal : undefined);
    world.cluster.patchService(namespace, 'orders-db', theirs, 'argocd');
    await world.clock.advance(180_000);
    await world.run();
    await world.clock.advance(180_000);
    expect((await world.run()).outcome).toBe(refusal);
  });
});
