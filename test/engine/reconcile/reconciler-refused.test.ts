import { describe, expect, it } from '@jest/globals';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import { A, B, C, hosts, isSlice, legacy, portNames, refusal, refusedSlice } from '../support/refusals.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';

const isEndpoints = (action: Action): boolean => 'object' in action && action.object.kind === 'Endpoints';

describe('a refused write prevents only the writes that need it', () => {
  it('a new slice: a failed address is removed from the existing slice', async () => {
    const world = await refusedSlice();
    world.fail(A);
    await world.run();
    expect(world.published()).toEqual([`+${B}`, `-${A}`]);
    expect(legacy(world)).toContain(`-${A}`);
  });

  it('the Service: slices and Endpoints follow health and targets', async () => {
    const world = new ReconcileWorld();
    const targets = [...hosts(A, B), { host: C, port: 6000 }];
    await world.bringUp({ targets });
    world.cluster.refuse = (action) => (action.op === 'applyService' ? refusal() : undefined);
    const services = [{ name: 'orders-db', type: 'NodePort' }];
    world.store({ targets, services }, { generation: 2 });
    world.fail(A);
    await world.run();
    expect([world.published(), legacy(world)]).toEqual([
      [`+${B}`, `+${C}`, `-${A}`],
      [`+${B}`, `+${C}`, `-${A}`],
    ]);
    world.store({ services }, { generation: 3 });
    await world.run();
    expect([world.published(), legacy(world)]).toEqual([
      [`+${B}`, `-${A}`],
      [`+${B}`, `-${A}`],
    ]);
  });

  it.each([
    ['Endpoints: slices go on', isEndpoints, [`+${B}`, `-${A}`], [`+${A}`, `+${B}`]],
    ['slices: Endpoints go on', isSlice, [`+${A}`, `+${B}`], [`+${B}`, `-${A}`]],
  ])('%s', async (_, refuses, slices, endpoints) => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.refuse = (action) => (refuses(action) ? refusal() : undefined);
    world.fail(A);
    await world.run();
    expect([world.published(), legacy(world)]).toEqual([slices, endpoints]);
  });

  it('slices of another port name: the old ones and the name in the Service remain, without failed or removed addresses', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: hosts(A, B, C) });
    world.cluster.refuse = (action) => (isSlice(action) && action.op === 'create' ? refusal() : undefined);
    const ports = [{ port: 5432, name: 'pg' }];
    world.store({ targets: hosts(A, B), ports }, { generation: 2 });
    await world.run();
    world.say(up);
    world.fail(A);
    await world.run();
    expect(world.published()).toEqual([`+${B}`, `-${A}`]);
    expect(portNames(world)).toEqual([undefined]);
    world.cluster.refuse = () => undefined;
    await world.run();
    expect([world.published(), portNames(world)]).toEqual([[`+${B}`, `-${A}`], ['pg']]);
  });

  it('the Service with another port name: slices of the old name remain together with the new ones', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.refuse = (action) => (action.op === 'applyService' ? refusal() : undefined);
    world.store({ ports: [{ port: 5432, name: 'pg' }] }, { generation: 2 });
    await world.run();
    world.say(up);
    await world.run();
    const names = world.cluster.slices(namespace, 'orders-db').map(({ ports }) => ports?.[0]?.name);
    expect(names.toSorted()).toEqual(['', 'pg']);
  });

  it('a new Service is created without the refused slice, and a slice without the refused Service', async () => {
    for (const refuses of [isSlice, (action: Action) => action.op === 'applyService']) {
      const world = new ReconcileWorld();
      world.cluster.refuse = (action) => (refuses(action) ? refusal() : undefined);
      await world.bringUp();
      const made = [
        world.cluster.service(namespace, 'orders-db') !== undefined,
        world.published().length > 0,
      ];
      expect(made).toEqual(refuses === isSlice ? [true, false] : [false, true]);
    }
  });
});
