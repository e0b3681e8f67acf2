import { describe, expect, it } from '@jest/globals';
import { namespace } from '../../support/builders/builders.ts';
import { gives, leadsTo, service } from '../../support/builders/lookups.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import {
  literalToo,
  name,
  one,
  probed,
  quiet,
  reasonOf,
  record,
  ruleOf,
  said,
  slicesOf,
  srv,
  standing,
  targetsOf,
} from '../support/names-world.ts';

describe('a new backend with a name', () => {
  it('waits for the first answer and the first verdicts, and is written once', async () => {
    const world = new ReconcileWorld();
    world.store(one);
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 1_000 }, writes: [] });
    expect(world.resolver.followed).toEqual([`A ${name}`, `AAAA ${name}`]);
    await world.clock.advance(100);
    world.resolver.addresses(name, '10.0.0.1');
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 900 }, writes: [] });
    world.say(up);
    expect((await world.run()).writes).toHaveLength(4);
    expect(world.published()).toEqual(['+10.0.0.1']);
    expect(said(world)).toEqual([`{"${name}":["10.0.0.1"]}`]);
    expect(targetsOf(world)[0]?.resolution).toEqual({
      state: 'Answered',
      resolvedAt: '2026-01-01T00:00:00Z',
    });
    await quiet(world);
  });

  it('waits at most a second for an answer, and publishes other targets at once', async () => {
    const world = new ReconcileWorld();
    world.store(literalToo);
    await world.run();
    world.say(up);
    await world.clock.advance(999);
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 1 }, writes: [] });
    await world.clock.advance(1);
    await world.run();
    expect(world.published()).toEqual(['+10.0.9.9']);
    expect(ruleOf(world)).toBe('Pending');
  });

  it('reports that nothing is resolved yet', async () => {
    const world = new ReconcileWorld();
    world.store(one);
    await world.run();
    await world.clock.advance(1_000);
    await world.run();
    expect([world.published(), reasonOf(world, 'Available')]).toEqual([[], 'NotResolvedYet']);
    expect(world.ready()).toBe('True Published');
    await quiet(world);
  });
});

describe('an answer', () => {
  it('with another address removes the old one at once, and the new one is ready after its first verdict', async () => {
    const world = await standing(one, '10.0.0.1', '10.0.0.2');
    world.resolver.addresses(name, '10.0.0.2', '10.0.0.3');
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2', '-10.0.0.3']);
    world.say(up, '10.0.0.3');
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2', '+10.0.0.3']);
    expect(said(world)).toEqual([`{"${name}":["10.0.0.2","10.0.0.3"]}`]);
    await quiet(world);
  });

  it('in another order is no change', async () => {
    const world = await standing(one, '10.0.0.1', '10.0.0.2');
    world.resolver.addresses(name, '10.0.0.2', '10.0.0.1');
    await quiet(world);
  });

  it('of SRV records in another order is no change', async () => {
    const world = new ReconcileWorld();
    world.store({ targets: [{ host: record }] });
    await world.run();
    const records = [service('db0.'), service('db1.'), service('db0.', { port: 1 })];
    world.resolver.answer(srv, leadsTo(...records));
    await world.run();
    world.resolver.addresses('db0.', '10.0.0.1');
    world.resolver.addresses('db1.', '10.0.0.2');
    await probed(world);
    expect(world.published()).toHaveLength(3);
    world.resolver.answer(srv, leadsTo(...records.toReversed()));
    await quiet(world);
  });

  it('with a forbidden address publishes the others, and the status names the rule', async () => {
    const world = await standing(one, '10.0.0.1', '169.254.169.254');
    expect(world.published()).toEqual(['+10.0.0.1']);
    expect(targetsOf(world)[0]?.message).toMatch(/^169\.254\.169\.254 is refused: /);
    expect([...world.scheduled.values()].flat().map(({ ip }) => ip)).toEqual(['10.0.0.1']);
    await quiet(world);
  });

  it('of both families creates a slice for each', async () => {
    const world = await standing(
      { ...one, services: [{ name: 'orders-db', headless: true }] },
      '10.0.0.1',
      'fd00::1',
    );
    expect(slicesOf(world).map(({ addressType }) => addressType)).toEqual(['IPv4', 'IPv6']);
    await quiet(world);
  });

  it('with a family that the Service does not have is reported, and not published', async () => {
    const world = await standing(one, '10.0.0.1', 'fd00::1');
    await probed(world);
    expect(slicesOf(world).map(({ addressType }) => addressType)).toEqual(['IPv4']);
    const six = targetsOf(world)[0]?.addresses.find(({ ip }) => ip === 'fd00::1');
    expect(six?.excluded).toEqual([{ service: 'orders-db', reason: 'FamilyNotServed' }]);
    await quiet(world);
  });

  it('of another family alone never recreates a headless Service', async () => {
    const world = await standing({ ...one, services: [{ name: 'orders-db', headless: true }] }, '10.0.0.1');
    const { uid } = world.cluster.service(namespace, 'orders-db')?.metadata ?? {};
    world.resolver.addresses(name, 'fd00::1');
    world.resolver.denies(name);
    world.resolver.answer({ name, type: 'AAAA' }, gives('fd00::1'));
    await probed(world);
    expect(world.published()).toEqual(['+fd00::1']);
    const after = world.cluster.service(namespace, 'orders-db');
    expect([after?.metadata.uid, after?.spec.ipFamilies]).toEqual([uid, ['IPv6']]);
    await quiet(world);
  });

  it('shared by several targets is published once, and remains until the last of them loses it', async () => {
    const other = 'other.example.com';
    const world = new ReconcileWorld();
    world.store({ targets: [{ host: name }, { host: other }] });
    await world.run();
    world.resolver.addresses(name, '10.0.0.1');
    world.resolver.addresses(other, '10.0.0.1');
    await probed(world);
    expect(world.published()).toEqual(['+10.0.0.1']);
    world.resolver.addresses(name, '10.0.0.2');
    await world.clock.advance(1_000);
    world.cluster.onWrite = () => expect(world.published()).toContain('+10.0.0.1');
    await world.run();
    expect(said(world)).toEqual([`{"${name}":["10.0.0.2"],"${other}":["10.0.0.1"]}`]);
  });
});
