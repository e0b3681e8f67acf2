import { expect, it } from '@jest/globals';
import { OperatorError } from '../../src/core/errors.ts';
import type { Writer } from '../../src/engine/ports.ts';
import { FakeCluster } from '../support/fakes/fake-cluster.ts';
import { ReconcileWorld } from '../support/fakes/reconcile-world.ts';

const superseded = () =>
  new OperatorError('superseded', { kind: 'waiting', reason: 'Superseded', afterMs: 0 });

/** Does each write. While `hurried`, the run does not wait for the write of a status. */
class HurriedWriter implements Writer {
  readonly cluster = new FakeCluster();
  hurried = false;

  async perform(...[action]: Parameters<Writer['perform']>): Promise<void> {
    await this.cluster.perform(action);
    if (this.hurried && action.op === 'status') throw superseded();
  }
}

it('The Event of an invalid spec is recorded once, although the write of its status was cancelled', async () => {
  const writer = new HurriedWriter();
  const world = new ReconcileWorld({ writer }, writer.cluster);
  const about = () => world.events.filter((event) => event.reason === 'Invalid').length;
  await world.bringUp();
  writer.hurried = true;
  world.store({ ports: [] }, { generation: 2 });
  await world.run();
  expect([world.ready(), about()]).toEqual(['False Invalid', 0]);
  writer.hurried = false;
  world.hear();
  await world.run();
  await world.run();
  expect([world.ready(), about()]).toEqual(['False Invalid', 1]);
});

it('The Event of a status whose write was cancelled is recorded once, when the status is found stored', async () => {
  const writer = new HurriedWriter();
  const world = new ReconcileWorld({ writer }, writer.cluster);
  const about = () => world.events.filter(({ reason }) => reason === 'Forbidden').length;
  await world.bringUp();
  writer.cluster.refuse = ({ op }) =>
    op === 'applyService'
      ? new OperatorError('denied', { kind: 'terminal', reason: 'Forbidden', status: 403 })
      : undefined;
  writer.hurried = true;
  world.store({ services: [{ name: 'orders-db', type: 'NodePort' }] }, { generation: 2 });
  await world.run();
  expect([world.ready(), about()]).toEqual(['False Forbidden', 0]);
  writer.hurried = false;
  world.hear();
  await world.run();
  await world.run();
  expect([world.ready(), about()]).toEqual(['False Forbidden', 1]);
});
