import { describe, expect, it } from '@jest/globals';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { A, B, C, conditionsOf, hosts, isSlice, refusal, refusedSlice } from '../support/refusals.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

describe('the status reports what is written', () => {
  it.each([
    ['Invalid', 422],
    ['Forbidden', 403],
  ] as const)(
    'a failed address that cannot be removed is reported as published at once: %s',
    async (reason, code) => {
      const world = new ReconcileWorld();
      await world.bringUp();
      world.cluster.refuse = (action) => (isSlice(action) ? refusal(reason, code) : undefined);
      world.fail(A);
      await world.run();
      expect(conditionsOf(world)).toEqual([
        `False ${reason}`,
        'True AddressesReady',
        'True AddressesUnhealthy',
      ]);
      expect(world.status()).toMatchObject({
        services: [{ ready: 2, total: 2 }],
        targets: [
          {
            addresses: [
              {
                ip: A,
                ready: true,
                health: 'unhealthy',
                message: expect.stringContaining('could not be removed'),
              },
            ],
          },
          { addresses: [{ ip: B, ready: true, health: 'healthy' }] },
        ],
      });
      await world.run();
      world.cluster.refuse = () => undefined;
      await world.run();
      expect(conditionsOf(world)[0]).toBe('True Published');
      expect(world.status()).toMatchObject({ services: [{ ready: 1, total: 2 }], summary: '1/2' });
    },
  );

  it('a Service is not available when its last server failed, although it cannot be removed', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.refuse = (action) => (isSlice(action) ? refusal() : undefined);
    world.fail();
    await world.run();
    expect(conditionsOf(world).slice(0, 2)).toEqual(['False Invalid', 'False NoReadyAddress']);
  });

  it('a backend is not available without a Service, nor without slices', async () => {
    for (const [refuses, reason] of [
      [isSlice, 'NoReadyAddress'],
      [(action: Action) => action.op === 'applyService', 'NotPublished'],
    ] as const) {
      const world = new ReconcileWorld();
      world.cluster.refuse = (action) => (refuses(action) ? refusal('Forbidden', 403) : undefined);
      await world.bringUp();
      expect(conditionsOf(world).slice(0, 2)).toEqual(['False Forbidden', `False ${reason}`]);
      world.cluster.refuse = () => undefined;
      await world.run();
      expect(conditionsOf(world)).toEqual(['True Published', 'True AddressesReady', 'False AllHealthy']);
    }
  });

  it('an address without a slice is not ready, and has the message of the API server', async () => {
    const world = await refusedSlice();
    await world.run();
    const [, , third] = world.status().targets ?? [];
    expect(third?.addresses).toMatchObject([
      { ip: C, ready: false, health: 'healthy', reason: 'PublishRefused' },
    ]);
    expect(third?.addresses[0]?.message).toContain('denied by policy');
    expect(world.status()).toMatchObject({ summary: '2/3', services: [{ ready: 2, total: 2 }] });
    expect(world.counts.get('shop/orders-db')).toBe('2/3');
    expect(conditionsOf(world)).toEqual(['False Invalid', 'True AddressesReady', 'True PublishRefused']);
  });

  it('a Service that is being deleted is neither published nor available', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    const service = world.cluster.service(namespace, 'orders-db');
    if (service === undefined) throw new Error('no Service');
    world.cluster.put({
      ...service,
      metadata: { ...service.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    await world.run();
    expect(conditionsOf(world).slice(0, 2)).toEqual(['False Terminating', 'False NotPublished']);
  });

  it('a switch of an alias is reported when one of its Services is refused', async () => {
    const world = new ReconcileWorld();
    const services = [{ name: 'a' }, { name: 'b' }];
    const alias = (first: string): SpecInput => ({
      ...{ mode: 'ExternalName', ports: undefined, probe: { disabled: {} }, services },
      targets: hosts(first),
    });
    await world.bringUp(alias('one.example.com'));
    await world.clock.advance(2_000);
    await world.run();
    world.cluster.refuse = (action) =>
      action.op === 'applyService' && action.service.metadata.name === 'a' ? refusal() : undefined;
    world.store(alias('two.example.com'), { generation: 2 });
    for (let i = 0; i < 3; i++) {
      await world.run();
      await world.clock.advance(2_000);
    }
    const switches = world.events.filter(({ reason }) => reason === 'AliasSwitched');
    expect(switches).toHaveLength(1);
    expect(conditionsOf(world).slice(0, 2)).toEqual(['False Invalid', 'False NotPublished']);
  });
});
