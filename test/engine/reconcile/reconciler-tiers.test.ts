import { describe, expect, it } from '@jest/globals';
import { EngineWorld } from '../../support/fakes/engine-world.ts';
import { down, up } from '../../support/builders/verdicts.ts';

const [A, B, C] = ['10.20.0.11', '10.20.0.12', '10.20.0.13'] as const;
const probe = { periodSeconds: 1, failureThreshold: 1 };
const targets = [{ host: A }, { host: B, priority: 1 }, { host: C, priority: 2 }];

async function started(spec: object = {}): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.store({ targets, probe, ...spec });
  world.engine.onStartedLeading();
  await world.clock.advance(5_000);
  return world;
}

async function fail(world: EngineWorld, ...ips: readonly string[]): Promise<void> {
  for (const ip of ips) world.verdicts.set(ip, down);
  await world.clock.advance(5_000);
}

async function recover(world: EngineWorld, ...ips: readonly string[]): Promise<void> {
  for (const ip of ips) world.verdicts.set(ip, up);
  await world.clock.advance(5_000);
}

const switches = (world: EngineWorld): readonly string[] =>
  world.events.filter(({ reason }) => reason === 'TierSwitched').map(({ type }) => type);

const tierOf = (world: EngineWorld) => world.status().services?.[0]?.tier;

async function nextTerm(world: EngineWorld): Promise<EngineWorld> {
  world.engine.onStoppedLeading();
  world.leads = false;
  const next = world.successor();
  next.engine.onStartedLeading();
  await next.clock.advance(5_000);
  return next;
}

describe('a Service with tiers', () => {
  it('publishes the first tier with a ready address, and reports the others as standing by', async () => {
    const world = await started();
    expect(world.published()).toBe(`+${A} -${B} -${C}`);
    expect(tierOf(world)).toBe(0);
    const [, second] = world.status().targets ?? [];
    expect(second?.addresses[0]).toMatchObject({
      ready: false,
      health: 'healthy',
      excluded: [{ service: 'orders-db', reason: 'Standby' }],
    });
    expect(world.status().summary).toBe('1/3');
    expect(world.status().conditions?.find(({ type }) => type === 'Available')?.reason).toBe(
      'AddressesReady',
    );
  });

  it('goes to the next tier with the write that removes the last address, and is never empty', async () => {
    const world = await started();
    const seen = new Set<string>();
    world.cluster.onWrite = () => void seen.add(world.published());
    await fail(world, A);
    expect(world.published()).toBe(`+${B} -${A} -${C}`);
    await fail(world, B);
    expect(world.published()).toBe(`+${C} -${A} -${B}`);
    expect([...seen].every((published) => published.includes('+'))).toBe(true);
    expect(switches(world)).toEqual(['Warning', 'Warning']);
    expect(tierOf(world)).toBe(2);
  });

  it('returns to a better tier after failbackSeconds of a ready address there, and not before', async () => {
    const world = await started({ failbackSeconds: 60 });
    await fail(world, A);
    await recover(world, A);
    await world.clock.advance(50_000);
    expect(world.published()).toBe(`+${B} -${A} -${C}`);
    await world.clock.advance(10_000);
    expect(world.published()).toBe(`+${A} -${B} -${C}`);
    expect(switches(world)).toEqual(['Warning', 'Normal']);
  });

  it('counts failbackSeconds again after each failure of the better tier', async () => {
    const world = await started({ failbackSeconds: 20 });
    await fail(world, A);
    for (let round = 0; round < 5; round += 1) {
      world.verdicts.set(A, up);
      await world.clock.advance(15_000);
      expect(world.published()).toBe(`+${B} -${A} -${C}`);
      await fail(world, A);
    }
    await recover(world, A);
    await world.clock.advance(20_000);
    expect(world.published()).toBe(`+${A} -${B} -${C}`);
  });

  it('returns at once if the tier in use fails meanwhile', async () => {
    const world = await started({ failbackSeconds: 3600 });
    await fail(world, A);
    await recover(world, A);
    await fail(world, B);
    expect(world.published()).toBe(`+${A} -${B} -${C}`);
  });

  it('keeps its tier over a restart, whether it waits for failback or not', async () => {
    const world = await started({ failbackSeconds: 30 });
    const writes = world.cluster.writes.length;
    const second = await nextTerm(world);
    expect(second.published()).toBe(`+${A} -${B} -${C}`);
    expect(second.cluster.writes.slice(writes).filter(({ op }) => op !== 'status')).toEqual([]);
    await fail(second, A);
    await recover(second, A);
    const third = await nextTerm(second);
    await third.clock.advance(20_000);
    expect(third.published()).toBe(`+${B} -${A} -${C}`);
    await third.clock.advance(15_000);
    expect(third.published()).toBe(`+${A} -${B} -${C}`);
    expect(switches(third)).toEqual(['Normal']);
  });

  it('uses a standby at once if the tier in use fails during a restart', async () => {
    const world = await started();
    world.engine.onStoppedLeading();
    world.leads = false;
    world.verdicts.set(A, down);
    const next = world.successor();
    const seen = new Set<string>();
    next.cluster.onWrite = () => void seen.add(next.published());
    next.engine.onStartedLeading();
    await next.clock.advance(5_000);
    expect(next.published()).toBe(`+${B} -${A} -${C}`);
  });

  it('follows an edit of the priorities', async () => {
    const world = await started();
    world.store({ probe, targets: [{ host: A, priority: 3 }, { host: B }, { host: C }] }, { generation: 2 });
    await world.clock.advance(40_000);
    expect(world.published()).toBe(`+${B} +${C} -${A}`);
  });

  it('gives all its tiers to whenNoneReady', async () => {
    const services = ['Empty', 'KeepLast', 'All'].map((whenNoneReady) => ({
      name: whenNoneReady.toLowerCase(),
      whenNoneReady,
    }));
    const world = await started({ services });
    await fail(world, A);
    await fail(world, B, C);
    expect(world.published('empty')).toBe(`-${A} -${B} -${C}`);
    expect(world.published('all')).toBe(`+${A} +${B} +${C}`);
    const kept = world.published('keeplast');
    expect([`+${B} -${A} -${C}`, `+${C} -${A} -${B}`]).toContain(kept);
    await recover(world, C);
    for (const { name } of services) expect(world.published(name)).toBe(`+${C} -${A} -${B}`);
  });

  it('judges each port with a probe of its own separately', async () => {
    const ports = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2, probe },
    ];
    const world = await started({ ports });
    await fail(world, A);
    expect(world.published()).toBe(`+${B} +${B} -${A} -${A} -${C} -${C}`);
  });

  it('is never empty however its servers flap', async () => {
    const world = await started({ failbackSeconds: 0 });
    world.verdicts.set(C, up);
    for (let round = 0; round < 80; round += 1) {
      world.verdicts.set(A, round % 2 === 0 ? down : up);
      world.verdicts.set(B, round % 3 === 0 ? down : up);
      for (let passed = 0; passed < 1_500; passed += 50) {
        await world.clock.advance(50);
        expect(world.published()).toContain('+');
      }
    }
  });
});

describe('Services with roles and tiers', () => {
  const roles = { probe: { redis: {}, periodSeconds: 1, failureThreshold: 1 } };
  const is = (role: 'Primary' | 'Replica') => ({ ...up, role });
  const services = [
    { name: 'rw', role: 'Primary' },
    { name: 'ro', role: 'Replica' },
  ];

  it('rank the servers of a role, and never make a replica a primary', async () => {
    const world = new EngineWorld();
    const spare = '10.20.0.14';
    world.verdicts.set(A, is('Replica'));
    world.verdicts.set(B, is('Primary'));
    world.verdicts.set(C, is('Replica'));
    world.verdicts.set(spare, is('Replica'));
    world.store({
      ...roles,
      services,
      targets: [
        { host: A },
        { host: B, priority: 1 },
        { host: C, priority: 1 },
        { host: spare, priority: 2 },
      ],
    });
    world.engine.onStartedLeading();
    await world.clock.advance(5_000);
    expect(world.published('rw')).toBe(`+${B}`);
    expect(world.published('ro')).toBe(`+${A} -${C} -${spare}`);
    await fail(world, A);
    expect(world.published('ro')).toBe(`+${C} -${spare}`);
    expect(world.published('rw')).toBe(`+${B}`);
    await fail(world, B);
    expect(world.published('rw')).toBe('');
    world.verdicts.set(spare, is('Primary'));
    await world.clock.advance(5_000);
    expect(world.published('rw')).toBe(`+${spare}`);
    expect(world.published('ro')).toBe(`+${C}`);
  });
});
