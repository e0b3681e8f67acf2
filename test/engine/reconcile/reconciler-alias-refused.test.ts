import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '../../../src/api/cidr.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import { aliasPolicy } from '../../../src/core/resolution/alias-policy.ts';
import type { ReconcilerOptions } from '../../../src/engine/reconcile/reconciler.ts';
import { namespace, type SpecInput } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';

const [inside, outside] = ['db.shop.svc.cluster.local', 'db.example.com'] as const;
const spec = (...names: readonly string[]): SpecInput => ({
  mode: 'ExternalName',
  targets: names.map((host) => ({ host })),
  ports: [{ port: 5432 }],
});
const denying: Partial<ReconcilerOptions> = { aliasPolicy: aliasPolicy(['*.svc.cluster.local']) };

const alias = (world: ReconcileWorld) => world.cluster.service(namespace, 'orders-db')?.spec.externalName;
const condition = (world: ReconcileWorld, type: string) => {
  const found = world.status().conditions?.find((each) => each.type === type);
  return found && `${found.status} ${found.reason}`;
};
const quiet = async (world: ReconcileWorld) => expect((await world.run()).writes).toEqual([]);

/** Answers the names with an address each, and probes these with success. */
async function answered(world: ReconcileWorld, ...names: readonly string[]): Promise<void> {
  await world.run();
  names.forEach((name, i) => world.resolver.addresses(name, `10.20.0.${i + 1}`));
  await world.run();
  world.say(up);
  await world.run();
}

/** Continues with another policy, or restarts with one. */
async function restarted(before: ReconcileWorld, over: Partial<ReconcilerOptions>): Promise<ReconcileWorld> {
  const world = new ReconcileWorld(over, before.cluster, before.clock);
  world.hear();
  await world.run();
  return world;
}

async function standing(...names: readonly string[]): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store(spec(...names));
  await answered(world, ...names);
  return world;
}

describe('an alias to a host that --alias-deny forbids', () => {
  it('is not published or probed, and the status names the flag', async () => {
    const world = new ReconcileWorld(denying);
    world.store(spec(inside));
    await answered(world, inside);
    expect([alias(world), [...world.scheduled.values()].flat()]).toEqual([undefined, []]);
    expect(world.status().targets?.[0]?.message).toBe(
      `${inside} is refused: denied by --alias-deny *.svc.cluster.local`,
    );
    expect(['Ready', 'Stalled', 'Available', 'Degraded'].map((type) => condition(world, type))).toEqual([
      'False TargetsRefused',
      'True TargetsRefused',
      'False NotPublished',
      'True TargetsRefused',
    ]);
    await quiet(world);
  });

  it('points to the next host of the list', async () => {
    const world = new ReconcileWorld(denying);
    world.store(spec(inside, outside));
    await answered(world, outside);
    expect([alias(world), world.ready()]).toEqual([outside, 'True Published']);
    expect(condition(world, 'Degraded')).toBe('True TargetsRefused');
  });

  it('is removed when it was published before', async () => {
    const world = await restarted(await standing(inside), denying);
    await world.clock.advance(1_000);
    await world.run();
    expect([alias(world), world.ready()]).toEqual([undefined, 'False TargetsRefused']);
    await quiet(world);
  });

  it.each<readonly [string, Partial<ReconcilerOptions>]>([
    ['aliases are', { switchedOff: new Set(['ExternalName'] as const) }],
    ['another feature of it is', { switchedOff: new Set(['ForeignMetadata'] as const) }],
  ])('is removed, not left on that host, where %s switched off', async (_, off) => {
    const services = [{ name: 'orders-db', annotations: { 'example.com/a': 'b' } }];
    const before = new ReconcileWorld();
    before.store({ ...spec(inside, outside), services });
    await answered(before, inside, outside);
    expect(alias(before)).toBe(inside);
    const world = await restarted(before, { ...denying, ...off });
    await answered(world, outside);
    await world.clock.advance(1_000);
    await world.run();
    expect([alias(world), world.ready()]).toEqual([undefined, 'False FeatureDisabled']);
  });

  it('is created again when the policy allows it', async () => {
    const removed = await restarted(await standing(inside), denying);
    await removed.clock.advance(1_000);
    await removed.run();
    const world = await restarted(removed, {});
    await answered(world, inside);
    expect([alias(world), world.ready()]).toEqual([inside, 'True Published']);
  });

  it.each<readonly [string, SpecInput, string]>([
    ['suspended', { ...spec(inside), suspend: true }, 'True Suspended'],
    ['invalid', { targets: [{ host: '127.0.0.1' }] }, 'False Invalid'],
  ])('is removed when the backend is %s, and the status reports it', async (_, after, ready) => {
    const before = await standing(inside);
    const world = new ReconcileWorld(denying, before.cluster, before.clock);
    world.store(after, { generation: 2 });
    await world.run();
    expect([alias(world), world.ready()]).toEqual([undefined, ready]);
    expect([condition(world, 'Available'), condition(world, 'Degraded')]).toEqual([
      'False NotPublished',
      'True TargetsRefused',
    ]);
    expect(world.events.filter(({ reason }) => reason === 'TargetsRefused')).toHaveLength(1);
    await quiet(world);
  });
});

describe('an alias to a host whose addresses are all refused', () => {
  const cidr = parseCidr('10.20.0.0/16');
  const policy = addressPolicy({ denied: cidr === undefined ? [] : [cidr] });

  it('is not created', async () => {
    const world = new ReconcileWorld({ policy });
    world.store(spec(outside));
    await answered(world, outside);
    expect([alias(world), world.ready()]).toEqual([undefined, 'False TargetsRefused']);
    expect(world.status().targets?.[0]?.message).toContain('10.20.0.1 is refused: denied by --deny-cidr');
    await quiet(world);
  });

  it('stays when it was published before, because its previous addresses may return', async () => {
    const before = await standing(outside);
    const world = new ReconcileWorld({ policy }, before.cluster, before.clock);
    world.hear();
    await answered(world, outside);
    await world.clock.advance(1_000);
    await world.run();
    expect(alias(world)).toBe(outside);
    expect([condition(world, 'Available'), condition(world, 'Degraded')]).toEqual([
      'False NoReadyAddress',
      'True TargetsRefused',
    ]);
  });

  it('keeps its previous host when the spec names another one that is refused', async () => {
    const before = await standing(outside);
    const world = new ReconcileWorld({ policy }, before.cluster, before.clock);
    world.store(spec('other.example.com'), { generation: 2 });
    await answered(world, 'other.example.com');
    expect([alias(world), world.ready()]).toEqual([outside, 'False TargetsRefused']);
    await quiet(world);
  });
});
