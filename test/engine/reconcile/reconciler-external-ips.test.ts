import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '../../../src/api/cidr.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import type { ReconcilerOptions } from '../../../src/engine/reconcile/reconciler.ts';
import { namespace, type SpecInput } from '../../support/builders/builders.ts';
import { up } from '../../support/builders/verdicts.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

const name = 'orders-db';
const forbidden = '10.96.0.10';
const allowed = '198.51.100.7';
const both = ['+10.20.0.11', '+10.20.0.12'];
const denied = parseCidr('10.96.0.0/16');
const policy = addressPolicy({ denied: denied === undefined ? [] : [denied] });
const withIps = (...externalIPs: readonly string[]): SpecInput => ({ services: [{ name, externalIPs }] });

const externalIps = ({ cluster }: ReconcileWorld) => cluster.service(namespace, name)?.spec.externalIPs;
const condition = (world: ReconcileWorld, type: string) =>
  world.status().conditions?.find((each) => each.type === type);

/** The administrator restarts the operator with other options. */
async function restarted(before: SpecInput, after: SpecInput, options: Partial<ReconcilerOptions>) {
  const world = new ReconcileWorld();
  await world.bringUp(before);
  const next = new ReconcileWorld(options, world.cluster, world.clock);
  next.store(after, { generation: 2 });
  await next.run();
  return next;
}

describe('an external IP that the address policy refuses', () => {
  it('is left out, everything else of the Service is published, and Ready reports the field, the rule and the flag', async () => {
    const world = new ReconcileWorld({ policy });
    await world.bringUp(withIps(forbidden, allowed));
    expect(externalIps(world)).toEqual([allowed]);
    expect(world.published()).toEqual(both);
    expect(world.ready()).toBe('False ExternalIPsRefused');
    expect(condition(world, 'Ready')?.message).toBe(
      `spec.services[0].externalIPs[0]: ${forbidden} is refused: denied by --deny-cidr 10.96.0.0/16. Service ${name} is published without it`,
    );
    expect(condition(world, 'Stalled')?.reason).toBe('ExternalIPsRefused');
    expect(condition(world, 'Available')?.status).toBe('True');
    expect((await world.run()).writes).toEqual([]);
  });

  it('is taken out of a Service that has it when the operator starts with another policy', async () => {
    const world = await restarted(withIps(forbidden, allowed), withIps(forbidden, allowed), { policy });
    expect(externalIps(world)).toEqual([allowed]);
    expect(world.ready()).toBe('False ExternalIPsRefused');
  });

  it('is published again when the policy allows it again', async () => {
    const world = await restarted(withIps(forbidden), withIps(forbidden), { policy });
    expect(externalIps(world)).toBeUndefined();
    const next = new ReconcileWorld({}, world.cluster, world.clock);
    next.store(withIps(forbidden), { generation: 2 });
    await next.run();
    expect(externalIps(next)).toEqual([forbidden]);
    expect(next.ready()).toBe('True Published');
  });

  it('does not hold back the first Services of IPv6 addresses', async () => {
    const world = new ReconcileWorld({ policy });
    world.cluster.families = ['IPv4', 'IPv6'];
    await world.bringUp({
      ...withIps(forbidden),
      targets: [{ host: '10.20.0.11' }, { host: '2001:db8::1' }],
    });
    world.say(up);
    await world.run();
    expect(world.cluster.service(namespace, name)).toBeDefined();
    expect(world.published()).toContain('+10.20.0.11');
  });

  it('is taken out of a Service that is held back because a feature is switched off', async () => {
    const spec = { services: [{ name, externalIPs: [forbidden], type: 'NodePort' }] };
    const world = await restarted(spec, spec, { policy, switchedOff: new Set(['NodePort'] as const) });
    expect(world.ready()).toBe('False FeatureDisabled');
    expect(externalIps(world)).toBeUndefined();
    expect(world.cluster.service(namespace, name)?.spec.type).toBe('NodePort');
  });

  it('is looked at again whenever other networks of the cluster are known', async () => {
    const world = new ReconcileWorld({ policy });
    await world.bringUp(withIps(allowed));
    expect(world.reconciler.concernedByNetworks()).toEqual([`${namespace}/${name}`]);
    await world.bringUp({}, { generation: 2 });
    expect(world.reconciler.concernedByNetworks()).toEqual([]);
  });
});

describe.each<readonly [how: string, after: SpecInput, ready: string]>([
  ['suspended', { ...withIps(forbidden, allowed), suspend: true }, 'True Suspended'],
  ['invalid', { targets: [{ host: '127.0.0.1' }] }, 'False Invalid'],
])('a backend that is %s', (_, after, ready) => {
  it('loses its external IPs where the policy forbids one, and reports that once', async () => {
    const world = await restarted(withIps(forbidden, allowed), after, { policy });
    expect(externalIps(world)).toBeUndefined();
    expect(world.published()).toEqual(both);
    expect(world.ready()).toBe(ready);
    const text = `external IPs of Service ${name} are removed, because ${forbidden} is refused: denied by --deny-cidr 10.96.0.0/16`;
    expect(condition(world, 'Degraded')).toMatchObject({ reason: 'ExternalIPsRefused', message: text });
    expect((await world.run()).writes).toEqual([]);
    const told = world.events.filter(({ reason }) => reason === 'ExternalIPsRefused');
    expect(told.map(({ note }) => note)).toEqual([text]);
  });
});
