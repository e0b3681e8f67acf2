import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import {
  alias,
  first,
  one,
  resolvedBoth,
  second,
  spec,
  standing,
  switched,
  two,
} from '../support/alias-world.ts';

const refused = new OperatorError('refused', { kind: 'terminal', reason: 'Invalid' });
const reasonOf = (world: ReconcileWorld, type = 'Available') =>
  world.status().conditions?.find((condition) => condition.type === type)?.reason;
const current = (world: ReconcileWorld) =>
  (world.status().targets ?? []).flatMap(({ host, current: is }) => (is === true ? [host] : []));

describe('an alias', () => {
  it('waits for its first verdicts, then points to the first healthy host', async () => {
    const world = await resolvedBoth();
    expect(alias(world)).toBeUndefined();
    world.fail(one);
    world.say(up, two);
    await world.run();
    expect([alias(world), current(world), reasonOf(world)]).toEqual([second, [second], 'Alias']);
    expect(world.events).toEqual([]);
    expect((await world.run()).writes).toEqual([]);
  });

  it('points to the first host when there is no verdict within a second', async () => {
    const world = new ReconcileWorld();
    world.store(spec);
    await world.run();
    await world.clock.advance(1_000);
    await world.run();
    expect([alias(world), reasonOf(world)]).toEqual([first, 'NotResolvedYet']);
  });

  it('is not written while its host is healthy', async () => {
    const world = await standing();
    expect(alias(world)).toBe(first);
    expect(world.status()).toMatchObject({ summary: '2/2', targets: [{ current: true }, {}] });
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes: [] });
  });

  it('switches when its host becomes unhealthy, with one Event', async () => {
    const world = await switched();
    expect([alias(world), current(world)]).toEqual([second, [second]]);
    expect(world.events).toMatchObject([{ type: 'Warning', reason: 'AliasSwitched' }]);
    expect(world.events[0]?.note).toMatch(
      /now points to b\.example\.com, because a\.example\.com is unhealthy: 10\.0\.0\.1 /,
    );
    expect((await world.run()).writes).toEqual([]);
    expect(world.events).toHaveLength(1);
  });

  it('goes back without another trigger when the better host has been healthy for failbackSeconds', async () => {
    const world = await switched();
    await world.clock.advance(60_000);
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    await world.clock.advance(29_999);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 1 });
    expect(alias(world)).toBe(second);
    await world.clock.advance(1);
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect(alias(world)).toBe(first);
    expect(world.events.map(({ type }) => type)).toEqual(['Warning', 'Normal']);
  });

  it('goes back after failbackSeconds also when the answers of the better host rotate faster', async () => {
    const world = await switched();
    for (let i = 1; i <= 4; i++) {
      world.resolver.addresses(first, `10.1.0.${i}`);
      await world.run();
      world.say(up);
      await world.run();
      expect(alias(world)).toBe(i < 4 ? second : first);
      await world.clock.advance(10_000);
    }
  });

  it('goes back after failbackSeconds also when nothing is probed and the answers rotate', async () => {
    const world = await resolvedBoth({ probe: { disabled: {} } });
    world.resolver.denies(first);
    await world.run();
    expect(alias(world)).toBe(second);
    for (let i = 1; i <= 4; i++) {
      world.resolver.addresses(first, `10.1.0.${i}`);
      await world.run();
      expect(alias(world)).toBe(i < 4 ? second : first);
      await world.clock.advance(10_000);
    }
  });

  it('goes back after failbackSeconds, whatever happens to the wall clock', async () => {
    const world = await switched();
    world.say(up, one);
    world.clock.shiftWall(-3_600_000);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    await world.clock.advance(10_000);
    world.clock.shiftWall(7_200_000);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 20_000 });
    expect(alias(world)).toBe(second);
    await world.clock.advance(20_000);
    await world.run();
    expect(alias(world)).toBe(first);
  });

  it('starts failbackSeconds again when the better host failed between two runs', async () => {
    const world = await switched();
    world.say(up, one);
    await world.run();
    await world.clock.advance(20_000);
    world.fail(one);
    await world.clock.advance(1_000);
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    expect(alias(world)).toBe(second);
  });

  it('starts failbackSeconds again after a time without probes', async () => {
    const world = await switched();
    world.say(up, one);
    await world.run();
    world.store({ ...spec, suspend: true }, { generation: 2 });
    await world.run();
    await world.clock.advance(3_600_000);
    world.store(spec, { generation: 3 });
    await world.run();
    world.resolver.addresses(first, one);
    world.resolver.addresses(second, two);
    world.say(up);
    await world.clock.advance(1_000);
    await world.run();
    expect(alias(world)).toBe(second);
    await world.clock.advance(30_000);
    await world.run();
    expect(alias(world)).toBe(first);
  });

  it('goes back after failbackSeconds also when the server refused the previous write', async () => {
    const world = await switched();
    await world.clock.advance(60_000);
    world.say(up, one);
    world.cluster.refuse = (action) => (action.op === 'status' ? refused : undefined);
    expect((await world.run()).outcome).toEqual({ ok: false, error: refused, requeueAfterMs: 30_000 });
    await world.clock.advance(30_000);
    expect((await world.run()).outcome).toBe(refused);
    expect(alias(world)).toBe(first);
  });

  it('starts failbackSeconds again when the better host fails meanwhile', async () => {
    const world = await switched();
    world.say(up, one);
    await world.run();
    await world.clock.advance(20_000);
    world.fail(one);
    expect((await world.run()).outcome).toEqual({ ok: true });
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    expect(alias(world)).toBe(second);
  });

  it('keeps its host when none is healthy, and reports it', async () => {
    const world = await switched();
    world.fail(two);
    await world.run();
    expect([alias(world), reasonOf(world), world.ready()]).toEqual([
      second,
      'NoReadyAddress',
      'True Published',
    ]);
    expect(world.events).toHaveLength(1);
  });

  it('leaves a host whose name does not exist, but not one whose name servers fail', async () => {
    const world = await standing();
    world.resolver.fails(first);
    await world.run();
    expect(alias(world)).toBe(first);
    world.resolver.denies(first);
    await world.run();
    expect(alias(world)).toBe(second);
    expect(world.events[0]?.note).toContain('no such name');
  });

  it('leaves a host that is drained, and one that was removed from the spec', async () => {
    const world = await standing();
    const targets = [{ host: first, drain: true }, { host: second }];
    world.store({ ...spec, targets }, { generation: 2 });
    await world.run();
    expect(alias(world)).toBe(second);
    world.store({ ...spec, targets: [{ host: first }] }, { generation: 3 });
    await world.run();
    expect(alias(world)).toBe(first);
    expect(world.events.map(({ type }) => type)).toEqual(['Normal', 'Normal']);
  });

  it('records the Event of a refused switch only when it is done', async () => {
    const world = await standing();
    world.fail(one);
    const refuse = world.cluster.refuse;
    world.cluster.refuse = () => new Error('away') as never;
    await world.run();
    expect([alias(world), world.events]).toEqual([first, []]);
    world.cluster.refuse = refuse;
    await world.run();
    expect([alias(world), world.events.length]).toEqual([second, 1]);
  });

  it('switches all of its Services', async () => {
    const services = [{ name: 'orders-db' }, { name: 'orders' }];
    const world = await standing({ services });
    world.fail(one);
    await world.run();
    expect(world.cluster.all('Service')).toMatchObject([
      { spec: { externalName: second } },
      { spec: { externalName: second } },
    ]);
    expect(world.events).toHaveLength(1);
  });

  it('follows names alone when nothing is probed', async () => {
    const world = await resolvedBoth({ probe: { disabled: {} } });
    await world.run();
    expect([alias(world), world.scheduled.get('uid-of-orders-db')]).toEqual([first, []]);
    expect(world.status().summary).toBe('-');
    world.resolver.denies(first);
    await world.run();
    expect(alias(world)).toBe(second);
    await world.clock.advance(60_000);
    world.resolver.addresses(first, one);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    await world.clock.advance(30_000);
    await world.run();
    expect(alias(world)).toBe(first);
  });

  it('has no slices and no Endpoints', async () => {
    const world = await standing();
    expect([world.cluster.all('EndpointSlice'), world.cluster.all('Endpoints')]).toEqual([[], []]);
  });
});
