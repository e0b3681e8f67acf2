import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Family, Service } from '../../../src/core/kubernetes/objects.ts';
import { aService, namespace, type SpecInput } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';

const name = 'orders.example.com';
const spec = { targets: [{ host: name }] };

/** Returns a cluster that assigns IPv4 only, and a name with addresses of both families. */
async function dualStackNameInAnIpv4Cluster(): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store(spec);
  await world.run();
  world.resolver.addresses(name, '10.20.0.11', 'fd00::11');
  for (let i = 0; i < 2; i += 1) await world.run();
  world.say(up, '10.20.0.11');
  await world.clock.advance(1_000);
  await world.run();
  give(world, ['IPv4']);
  await world.run();
  return world;
}

/** Assigns these families to the Service, as the server. */
function give(world: ReconcileWorld, ipFamilies: readonly Family[]): void {
  const service = world.cluster.service(namespace, 'orders-db');
  if (service === undefined) throw new Error('the Service is made');
  const given: Service = { ...service, spec: { ...service.spec, ipFamilies } };
  world.cluster.put(given);
}

/** Assigns these families to each new Service. Returns the content of the slices after each write. */
function givingAtOnce(world: ReconcileWorld, ipFamilies: readonly Family[]): readonly (readonly string[])[] {
  const published: (readonly string[])[] = [];
  world.cluster.onWrite = () => {
    published.push(world.published());
    const service = world.cluster.service(namespace, 'orders-db');
    if (service !== undefined && service.spec.ipFamilies === undefined) give(world, ipFamilies);
  };
  return published;
}

const asked = (world: ReconcileWorld) => [...world.scheduled.values()].flat().map(({ ip }) => ip);

describe('a Service that is new, of a name with addresses of both families', () => {
  async function resolved(over: SpecInput = {}) {
    const world = new ReconcileWorld();
    const published = givingAtOnce(world, ['IPv4']);
    world.store({ ...spec, ...over });
    await world.run();
    world.resolver.addresses(name, '10.20.0.11', 'fd00::11');
    return { world, published };
  }

  it('is created first, so that addresses of families that the server does not assign are never published or probed', async () => {
    const { world, published } = await resolved();
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 0 }, writes: ['applyService'] });
    expect((await world.run()).writes).toEqual([]);
    expect(asked(world)).toEqual(['10.20.0.11']);
    world.say(up);
    const { writes } = await world.run();
    expect(writes).toEqual(['create EndpointSlice', 'create Endpoints', 'status']);
    expect(published.flat()).not.toContain('-fd00::11');
    expect([world.published(), world.status().summary]).toEqual([['+10.20.0.11'], '1/1']);
  });

  it('is written in the usual order when the families are known: headless, or set by the spec', async () => {
    for (const service of [{ headless: true }, { ipFamilies: ['IPv4'] }]) {
      const { world } = await resolved({ services: [{ name: 'orders-db', ...service }] });
      expect((await world.run()).writes).toEqual([]);
    }
  });

  it('is not created when its name belongs to another owner', async () => {
    const { world } = await resolved();
    world.cluster.put(aService());
    expect((await world.run()).writes).toEqual([]);
  });

  it('does not prevent probes when the server refuses it', async () => {
    const { world } = await resolved();
    const error = new OperatorError('refused', { kind: 'terminal', reason: 'Invalid' });
    world.cluster.refuse = (action) => (action.op === 'applyService' ? error : undefined);
    for (let i = 0; i < 2; i += 1) await world.run();
    expect(asked(world)).toEqual(['10.20.0.11', 'fd00::11']);
    await world.clock.advance(1_000);
    await world.run();
    expect(world.ready()).toBe('False Invalid');
  });
});

describe('an address of a family that no Service carries', () => {
  it('is not published, probed or counted, and the status reports why', async () => {
    const world = await dualStackNameInAnIpv4Cluster();
    expect(world.published()).toEqual(['+10.20.0.11']);
    expect(asked(world)).toEqual(['10.20.0.11']);
    expect(world.status()).toMatchObject({ summary: '1/1', readyAddresses: 1, totalAddresses: 1 });
    expect(world.status().targets?.[0]?.addresses[1]).toMatchObject({
      ip: 'fd00::11',
      ready: false,
      reason: 'FamilyNotServed',
      excluded: [{ service: 'orders-db', reason: 'FamilyNotServed' }],
    });
    expect(world.status().conditions?.find(({ type }) => type === 'Degraded')?.status).toBe('False');
    expect((await world.run()).writes).toEqual([]);
  });

  it('is added when the Service gets its family', async () => {
    const world = await dualStackNameInAnIpv4Cluster();
    give(world, ['IPv4', 'IPv6']);
    await world.run();
    world.say(up, 'fd00::11');
    await world.run();
    expect(world.published()).toEqual(['+10.20.0.11', '+fd00::11']);
    expect(world.status()).toMatchObject({ summary: '2/2' });
  });
});
