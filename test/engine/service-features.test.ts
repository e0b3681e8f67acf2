import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { serviceFeatures, type ServiceFeature } from '../../src/api/delegated-powers.ts';
import { aService, namespace, someEndpoints, type SpecInput } from '../support/builders/builders.ts';
import { ReconcileWorld } from '../support/fakes/reconcile-world.ts';
import { up } from '../support/builders/verdicts.ts';

const name = 'orders-db';
const service = (fields: SpecInput): SpecInput => ({ services: [{ name, ...fields }] });
const asking: Readonly<Record<Exclude<ServiceFeature, 'Adopt'>, SpecInput>> = {
  NodePort: service({ type: 'NodePort' }),
  LoadBalancer: service({ type: 'LoadBalancer' }),
  ExternalIPs: service({ externalIPs: ['198.51.100.7'] }),
  Selector: service({ selector: { app: 'db' } }),
  ForeignMetadata: service({ annotations: { 'example.com/a': 'b' } }),
  ExternalName: { mode: 'ExternalName', targets: [{ host: 'db.example.com' }], ports: undefined },
};
const features = Object.keys(asking) as readonly (keyof typeof asking)[];

const off = (...switchedOff: readonly ServiceFeature[]) => ({ switchedOff: new Set(switchedOff) });
const serviceIn = ({ cluster }: ReconcileWorld) => cluster.service(namespace, name);
const message = (world: ReconcileWorld): string =>
  world.status().conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

/** An alias waits a second for the health of its hosts. */
async function bringUp(world: ReconcileWorld, spec: SpecInput): Promise<void> {
  await world.bringUp(spec);
  await world.clock.advance(1_000);
  await world.run();
}

/** Restarts the operator without some features. */
const without = (before: ReconcileWorld, ...switchedOff: readonly ServiceFeature[]) =>
  new ReconcileWorld(off(...switchedOff), before.cluster, before.clock);

describe('a disabled feature of Services', () => {
  it.each(features)(
    '%s: a new Service that uses it is not created, and the status names the field and the flag',
    async (feature) => {
      const world = new ReconcileWorld(off(feature));
      await bringUp(world, asking[feature]);
      expect(serviceIn(world)).toBeUndefined();
      expect(world.published()).toEqual([]);
      expect(world.ready()).toBe('False FeatureDisabled');
      expect(message(world)).toMatch(
        /^spec\.(mode|services\[0\]\.[a-zA-Z]+) is disabled by the administrator/,
      );
      expect(message(world)).toContain(`(--service-features does not include ${feature})`);
    },
  );

  it.each(features)(
    '%s: a Service that has it is not changed, and its addresses follow the probes',
    async (feature) => {
      const before = new ReconcileWorld();
      await bringUp(before, asking[feature]);
      const published = serviceIn(before);
      const world = without(before, feature);
      await bringUp(world, asking[feature]);
      world.fail('10.20.0.11');
      await world.run();
      expect(serviceIn(world)).toEqual(published);
      expect(published).toBeDefined();
      expect(world.ready()).toBe('False FeatureDisabled');
      expect(world.published()).toEqual(feature === 'ExternalName' ? [] : ['+10.20.0.12', '-10.20.0.11']);
      const endpoints = world.cluster.endpoints(namespace, name)?.subsets?.[0]?.addresses;
      const isOurs = feature !== 'ExternalName' && feature !== 'Selector';
      expect(endpoints?.map(({ ip }) => ip)).toEqual(isOurs ? ['10.20.0.12'] : undefined);
    },
  );

  it.each(features)(
    '%s: a Service without it is not changed by a spec that uses it, and loses no address',
    async (feature) => {
      const world = new ReconcileWorld(off(feature));
      await bringUp(world, {});
      const plain = serviceIn(world);
      world.store({ ...asking[feature] });
      await world.run();
      world.say(up);
      await world.run();
      expect(serviceIn(world)).toEqual(plain);
      expect(world.published()).toEqual(['+10.20.0.11', '+10.20.0.12']);
      world.store({});
      await world.run();
      expect(world.ready()).toBe('True Published');
    },
  );

  it('changes nothing when ports are renamed too, because the Service has no such ports', async () => {
    const before = new ReconcileWorld();
    await bringUp(before, asking.NodePort);
    const world = without(before, 'NodePort');
    await bringUp(world, { ...asking.NodePort, ports: [{ name: 'pg', port: 5432 }] });
    const [slice] = world.cluster.slices(namespace, name);
    expect(slice?.ports?.map((port) => port.name)).toEqual(['']);
    expect(world.published()).toEqual(['+10.20.0.11', '+10.20.0.12']);
  });

  it('is removed from a Service when the spec no longer uses it', async () => {
    const before = new ReconcileWorld();
    await bringUp(before, asking.ExternalIPs);
    const world = without(before, 'ExternalIPs');
    await bringUp(world, {});
    expect(serviceIn(world)?.spec).not.toHaveProperty('externalIPs');
    expect(world.ready()).toBe('True Published');
  });

  it('prevents only what uses it, for any set of disabled features', async () => {
    const any = fc.subarray([...serviceFeatures]);
    await fc.assert(
      fc.asyncProperty(any, fc.constantFrom(...features), async (gone, feature) => {
        const world = new ReconcileWorld(off(...gone));
        await bringUp(world, asking[feature]);
        expect(serviceIn(world) === undefined).toBe(gone.includes(feature));
      }),
      { numRuns: 40 },
    );
  });
});

describe('disabled adoption', () => {
  const adopt = service({ adopt: true });

  it.each([
    ['a Service', aService()],
    ['Endpoints', someEndpoints(['10.30.0.1'])],
  ])('takes over no %s, and reports the disabled field', async (_, object) => {
    const world = new ReconcileWorld(off('Adopt'));
    world.cluster.put(object);
    await bringUp(world, adopt);
    expect(world.ready()).toBe('False Conflict');
    expect(message(world)).toContain('spec.services[0].adopt is disabled by the administrator');
    expect(world.published()).toEqual([]);
  });

  it('has no effect without something to take over, or after it was taken over', async () => {
    const before = new ReconcileWorld();
    before.cluster.put(aService());
    await bringUp(before, adopt);
    const world = without(before, 'Adopt');
    await bringUp(world, adopt);
    expect(world.ready()).toBe('True Published');
    const alone = new ReconcileWorld(off('Adopt'));
    await bringUp(alone, adopt);
    expect(alone.ready()).toBe('True Published');
  });
});
