import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../src/core/errors.ts';
import { namespace, type SpecInput } from '../support/builders.ts';
import { ReconcileWorld } from '../support/reconcile-world.ts';
import { down, up } from '../support/scripted-probe.ts';

const [first, second] = ['a.example.com', 'b.example.com'] as const;
const [one, two] = ['10.0.0.1', '10.0.0.2'] as const;
const spec: SpecInput = {
  mode: 'ExternalName',
  targets: [{ host: 'A.Example.com.' }, { host: second }],
  ports: [{ port: 5432 }],
};

const refused = new OperatorError('refused', { kind: 'terminal', reason: 'Invalid' });
const alias = (world: ReconcileWorld) => world.cluster.service(namespace, 'orders-db')?.spec.externalName;
const reasonOf = (world: ReconcileWorld, type = 'Available') =>
  world.status().conditions?.find((condition) => condition.type === type)?.reason;
const current = (world: ReconcileWorld) =>
  (world.status().targets ?? []).flatMap(({ host, current: is }) => (is === true ? [host] : []));

async function resolvedBoth(over: SpecInput = {}): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store({ ...spec, ...over });
  await world.run();
  world.resolver.addresses(first, one);
  world.resolver.addresses(second, two);
  await world.run();
  return world;
}

/** Both hosts are known and healthy, for long. */
async function standing(over: SpecInput = {}): Promise<ReconcileWorld> {
  const world = await resolvedBoth(over);
  world.say(up);
  await world.run();
  await world.clock.advance(60_000);
  return world;
}

/** Of one that stands the first host failed: it points to the second. */
async function switched(): Promise<ReconcileWorld> {
  const world = await standing();
  world.fail(one);
  await world.run();
  return world;
}

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

  it('points to the first where nothing is known within a second', async () => {
    const world = new ReconcileWorld();
    world.store(spec);
    await world.run();
    await world.clock.advance(1_000);
    await world.run();
    expect([alias(world), reasonOf(world)]).toEqual([first, 'NotResolvedYet']);
  });

  it('stands as it is while all is well', async () => {
    const world = await standing();
    expect(alias(world)).toBe(first);
    expect(world.status()).toMatchObject({ summary: '2/2', targets: [{ current: true }, {}] });
    expect(await world.run()).toEqual({ outcome: { ok: true }, writes: [] });
  });

  it('switches when its host is unhealthy, with one Event', async () => {
    const world = await switched();
    expect([alias(world), current(world)]).toEqual([second, [second]]);
    expect(world.events).toMatchObject([{ type: 'Warning', reason: 'AliasSwitched' }]);
    expect(world.events[0]?.note).toMatch(
      /now points to b\.example\.com, because a\.example\.com is unhealthy: 10\.0\.0\.1 /,
    );
    expect((await world.run()).writes).toEqual([]);
    expect(world.events).toHaveLength(1);
  });

  it('goes back when the better one has been healthy for failbackSeconds, woken by itself', async () => {
    const world = await switched();
    await world.clock.advance(60_000);
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 30_000 });
    await world.clock.advance(29_999);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 1 });
    expect(alias(world)).toBe(second);
    await world.clock.advance(1);
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect(alias(world)).toBe(first);
    expect(world.events.map(({ type }) => type)).toEqual(['Warning', 'Normal']);
  });

  it('goes back then also where the answers of the better one rotate faster', async () => {
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

  it('goes back then also where nothing is probed and the answers of the better one rotate', async () => {
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

  it('goes back then, whatever somebody does to the wall clock', async () => {
    const world = await switched();
    world.say(up, one);
    world.clock.shiftWall(-3_600_000);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 30_000 });
    await world.clock.advance(10_000);
    world.clock.shiftWall(7_200_000);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 20_000 });
    expect(alias(world)).toBe(second);
    await world.clock.advance(20_000);
    await world.run();
    expect(alias(world)).toBe(first);
  });

  it('begins to wait anew when the better one failed between two runs', async () => {
    const world = await switched();
    world.say(up, one);
    await world.run();
    await world.clock.advance(20_000);
    world.fail(one);
    await world.clock.advance(1_000);
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 30_000 });
    expect(alias(world)).toBe(second);
  });

  it('begins to wait anew after a time in which nothing was probed', async () => {
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

  it('goes back then also when the server refused for good what was written before', async () => {
    const world = await switched();
    await world.clock.advance(60_000);
    world.say(up, one);
    world.cluster.refuse = (action) => (action.op === 'status' ? refused : undefined);
    expect((await world.run()).outcome).toEqual({ ok: false, error: refused, afterMs: 30_000 });
    await world.clock.advance(30_000);
    expect((await world.run()).outcome).toBe(refused);
    expect(alias(world)).toBe(first);
  });

  it('begins to wait anew when the better one fails meanwhile', async () => {
    const world = await switched();
    world.say(up, one);
    await world.run();
    await world.clock.advance(20_000);
    world.fail(one);
    expect((await world.run()).outcome).toEqual({ ok: true });
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 30_000 });
    expect(alias(world)).toBe(second);
  });

  it('stays where it is when none is healthy, and says so', async () => {
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

  it('leaves a host whose name is gone, and none whose name servers only fail', async () => {
    const world = await standing();
    world.resolver.fails(first);
    await world.run();
    expect(alias(world)).toBe(first);
    world.resolver.denies(first);
    await world.run();
    expect(alias(world)).toBe(second);
    expect(world.events[0]?.note).toContain('no such name');
  });

  it('leaves a host that is drained, and one that left the spec', async () => {
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

  it('tells of a switch that was refused when it is done, and not before', async () => {
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

  it('switches every one of its Services', async () => {
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

  it('without probing follows the names alone', async () => {
    const world = await resolvedBoth({ probe: { disabled: {} } });
    await world.run();
    expect([alias(world), world.scheduled.get('uid-of-orders-db')]).toEqual([first, []]);
    expect(world.status().summary).toBe('-');
    world.resolver.denies(first);
    await world.run();
    expect(alias(world)).toBe(second);
    await world.clock.advance(60_000);
    world.resolver.addresses(first, one);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 30_000 });
    await world.clock.advance(30_000);
    await world.run();
    expect(alias(world)).toBe(first);
  });

  it('has no slices and no Endpoints', async () => {
    const world = await standing();
    expect([world.cluster.all('EndpointSlice'), world.cluster.all('Endpoints')]).toEqual([[], []]);
  });
});

describe('an alias after a start', () => {
  it('does not go back to a host that died, where the process ended between the switch and its status', async () => {
    const before = await standing();
    const stored = before.cluster.backend(namespace, 'orders-db');
    before.fail(one);
    await before.run();
    if (stored !== undefined) before.cluster.put(stored);
    const world = before.restarted();
    world.hear();
    await world.run();
    world.resolver.addresses(first, one);
    world.resolver.addresses(second, two);
    await world.clock.advance(3_600_000);
    await world.run();
    expect(alias(world)).toBe(second);
    world.say(down, one);
    await world.run();
    expect(alias(world)).toBe(second);
  });

  it('that is not probed goes to no host whose name has not been answered since', async () => {
    const unprobed = { probe: { disabled: {} } };
    const before = await standing(unprobed);
    before.store({ ...spec, ...unprobed, targets: [{ host: first, drain: true }, { host: second }] });
    await before.run();
    expect(alias(before)).toBe(second);
    before.store({ ...spec, ...unprobed });
    const world = before.restarted();
    world.hear();
    await world.run();
    await world.clock.advance(3_600_000);
    await world.run();
    expect(alias(world)).toBe(second);
    world.resolver.addresses(first, one);
    await world.run();
    await world.clock.advance(60_000);
    await world.run();
    expect(alias(world)).toBe(first);
  });

  it('stands where it stood, with the addresses that the status has of its hosts, while the name servers fail', async () => {
    const before = await switched();
    await before.clock.advance(60_000);
    const world = before.restarted();
    world.hear();
    await world.run();
    world.say(down, one);
    world.resolver.fails(first);
    world.resolver.fails(second);
    await world.clock.advance(1_000);
    await world.run();
    expect([alias(world), world.events]).toEqual([second, []]);
    expect(world.status().targets).toMatchObject([
      { resolution: { rule: 'Stale' }, addresses: [{ ip: one, health: 'unhealthy' }] },
      { resolution: { rule: 'Stale' }, addresses: [{ ip: two, health: 'healthy' }], current: true },
    ]);
    expect((await world.run()).writes).toEqual([]);
  });

  it('waits for the better one from its first good verdict since the start', async () => {
    const before = await switched();
    before.say(up, one);
    await before.run();
    await before.clock.advance(60_000);
    const world = before.restarted();
    world.hear();
    await world.run();
    world.resolver.addresses(first, one);
    world.resolver.addresses(second, two);
    world.say(up, two);
    await world.run();
    expect(alias(world)).toBe(second);
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, afterMs: 30_000 });
    await world.clock.advance(30_000);
    await world.run();
    expect([alias(world), world.events.map(({ type }) => type)]).toEqual([first, ['Normal']]);
  });
});
