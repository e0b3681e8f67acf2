import { describe, expect, it } from '@jest/globals';
import type { Family, Service } from '../../src/core/objects.ts';
import { namespace } from '../support/builders.ts';
import { ReconcileWorld } from '../support/reconcile-world.ts';
import { up } from '../support/scripted-probe.ts';

const name = 'orders.example.com';
const spec = { targets: [{ host: name }] };

/** A cluster that gives Services IPv4 alone, and a name with addresses of both families. */
async function dualStackNameInAnIpv4Cluster(): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store(spec);
  await world.run();
  world.resolver.addresses(name, '10.20.0.11', 'fd00::11');
  await world.run();
  world.say(up, '10.20.0.11');
  await world.clock.advance(1_000);
  await world.run();
  give(world, ['IPv4']);
  await world.run();
  return world;
}

/** The server gives the Service these families. */
function give(world: ReconcileWorld, ipFamilies: readonly Family[]): void {
  const service = world.cluster.service(namespace, 'orders-db');
  if (service === undefined) throw new Error('the Service is made');
  const given: Service = { ...service, spec: { ...service.spec, ipFamilies } };
  world.cluster.put(given);
}

describe('an address of a family that no Service carries', () => {
  it('is in no slice, is not probed, counts for nothing, and the status says why', async () => {
    const world = await dualStackNameInAnIpv4Cluster();
    expect(world.published()).toEqual(['+10.20.0.11']);
    expect([...world.scheduled.values()].flat().map(({ ip }) => ip)).toEqual(['10.20.0.11']);
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

  it('joins when the Service gets its family', async () => {
    const world = await dualStackNameInAnIpv4Cluster();
    give(world, ['IPv4', 'IPv6']);
    await world.run();
    world.say(up, 'fd00::11');
    await world.run();
    expect(world.published()).toEqual(['+10.20.0.11', '+fd00::11']);
    expect(world.status()).toMatchObject({ summary: '2/2' });
  });
});
