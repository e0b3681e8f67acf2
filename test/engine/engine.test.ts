import { describe, expect, it } from '@jest/globals';
import type { ClusterCache } from '../../src/engine/ports.ts';
import { namespace } from '../support/builders/builders.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import type { FakeCluster } from '../support/fakes/fake-cluster.ts';
import { down, up } from '../support/builders/verdicts.ts';

const [A, B] = ['10.20.0.11', '10.20.0.12'] as const;

/** Returns a leader that has published both addresses of `orders-db` as ready. */
async function leader(): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.store({ probe: { periodSeconds: 10, failureThreshold: 3 } });
  world.engine.onStartedLeading();
  await world.clock.advance(5_000);
  return world;
}

/** Lets time pass in steps, and returns the milliseconds in which the address is published as ready. */
async function readyFor(world: EngineWorld, ip: string, ms: number): Promise<number> {
  let ready = 0;
  for (let passed = 0; passed < ms; passed += 100) {
    await world.clock.advance(100);
    if (world.published().includes(`+${ip}`)) ready += 100;
  }
  return ready;
}

describe('a process that ends between the write of a slice and that of the status', () => {
  it('leaves no failed address that its successor publishes as ready', async () => {
    const first = await leader();
    first.verdicts.set(A, down);
    while (!first.published().includes(`-${A}`)) await first.clock.advance(10);
    await first.stop();
    expect(first.status().summary).toBe('2/2');
    const next = first.successor();
    next.engine.onStartedLeading();
    expect(await readyFor(next, A, 60_000)).toBe(0);
  });
});

/** Ends the term as a lapse does: the fence first, and at once the engine. */
function lapse(world: EngineWorld): void {
  world.leads = false;
  world.engine.onStoppedLeading();
}

function lead(world: EngineWorld): void {
  world.leads = true;
  world.engine.onStartedLeading();
}

/** Returns the cache of a late watch: the slices of now, until it catches up. */
function lateView(cluster: FakeCluster, caughtUp: Promise<undefined>): ClusterCache {
  const slices = cluster.slices(namespace, 'orders-db');
  let isLate = true;
  return {
    backend: (space, name) => cluster.backend(space, name),
    backends: () => cluster.backends(),
    service: (space, name) => cluster.service(space, name),
    slices: (space, name) => (isLate ? slices : cluster.slices(space, name)),
    endpoints: (space, name) => cluster.endpoints(space, name),
    ownedNames: (space, name) => cluster.ownedNames(space, name),
    caughtUp: async () => {
      await caughtUp;
      isLate = false;
    },
  };
}

describe('a term that begins', () => {
  it('removes no address after an outage in which nothing answered', async () => {
    const world = await leader();
    const before = world.published();
    lapse(world);
    for (const ip of [A, B]) world.verdicts.set(ip, down);
    await world.clock.advance(120_000);
    for (const ip of [A, B]) world.verdicts.set(ip, up);
    lead(world);
    for (let passed = 0; passed < 60_000; passed += 100) {
      await world.clock.advance(100);
      expect(world.published()).toBe(before);
    }
  });

  it('counts no failures of the previous term', async () => {
    const world = await leader();
    const before = world.published();
    world.verdicts.set(A, down);
    await world.clock.advance(20_000);
    lapse(world);
    lead(world);
    const from = world.probed.filter((ip) => ip === A).length;
    while (world.published() === before) await world.clock.advance(100);
    expect(world.probed.filter((ip) => ip === A).length - from).toBe(3);
  });

  it('waits for its cache, and restores nothing from an older one', async () => {
    const first = await leader();
    const caughtUp = Promise.withResolvers<undefined>();
    const cache = lateView(first.cluster, caughtUp.promise);
    first.verdicts.set(A, down);
    await first.clock.advance(60_000);
    await first.stop();
    expect(first.published()).toBe(`+${B} -${A}`);
    const next = first.successor({ cache: cache });
    next.engine.onStartedLeading();
    await next.clock.advance(30_000);
    expect([next.probed, next.published()]).toEqual([[], `+${B} -${A}`]);
    caughtUp.resolve(undefined);
    expect(await readyFor(next, A, 60_000)).toBe(0);
    expect(next.probed).toContain(A);
  });

  it.each([
    ['begins where another namespace cannot be read again', 'bank', true],
    ['waits where its own namespace cannot be read again', namespace, false],
  ])('%s', async (_, behind, begins) => {
    const first = await leader();
    await first.stop();
    const caughtUp = Promise.withResolvers<undefined>();
    const cache: ClusterCache = {
      ...lateView(first.cluster, Promise.resolve(undefined)),
      served: () => [namespace, 'bank'],
      caughtUp: (_signal, space) => (space === behind ? caughtUp.promise : Promise.resolve()),
    };
    const next = first.successor({ cache: cache });
    next.engine.onStartedLeading();
    await next.clock.advance(30_000);
    expect(next.probed.length > 0).toBe(begins);
    caughtUp.resolve(undefined);
    await next.clock.advance(30_000);
    expect(next.probed).toContain(A);
  });

  it('does not begin when the lease is lost while the cache catches up', async () => {
    const first = await leader();
    const caughtUp = Promise.withResolvers<undefined>();
    const next = first.successor({ cache: lateView(first.cluster, caughtUp.promise) });
    next.engine.onStartedLeading();
    next.engine.onStoppedLeading();
    caughtUp.resolve(undefined);
    await next.clock.advance(30_000);
    expect(next.probed).toEqual([]);
  });

  it('follows a late write of the previous leader', async () => {
    const first = await leader();
    first.verdicts.set(A, down);
    await first.clock.advance(15_000);
    const next = first.successor();
    const verdicts = Promise.withResolvers<undefined>();
    next.hold = verdicts.promise;
    next.engine.onStartedLeading();
    while (!first.published().includes(`-${A}`)) await first.clock.advance(10);
    lapse(first);
    verdicts.resolve(undefined);
    next.engine.enqueue([`${namespace}/orders-db`]);
    expect(await readyFor(next, A, 60_000)).toBe(0);
  });
});

describe('a replica that has lost the lease', () => {
  it('stops probes, Events and metric series, although a run was in progress', async () => {
    const world = await leader();
    world.writeMs = 3_000;
    for (const ip of [A, B]) world.verdicts.set(ip, down);
    while (world.events.length === 0) await world.clock.advance(100);
    lapse(world);
    const [probed, events, published] = [world.probed.length, world.events.length, world.published()];
    await world.clock.advance(3_600_000);
    expect(world.series.size).toBe(0);
    expect(world.events.slice(events)).toEqual([]);
    expect(world.probed.length).toBe(probed);
    expect([`+${A} +${B}`, published]).toContain(world.published());
  });

  it('writes nothing of a run of the previous term, although a new term has begun', async () => {
    const world = await leader();
    world.writeMs = 3_000;
    world.verdicts.set(A, down);
    while (world.events.length === 0) await world.clock.advance(100);
    world.verdicts.set(A, up);
    const from = world.cluster.writes.length;
    lapse(world);
    lead(world);
    world.writeMs = 0;
    await world.clock.advance(60_000);
    const statuses = world.cluster.writes
      .slice(from)
      .flatMap((action) => (action.op === 'status' ? [action.status] : []));
    expect(statuses.filter(({ totalAddresses }) => totalAddresses !== 2)).toEqual([]);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(world.series).toEqual(new Map([['shop/orders-db', '2/2']]));
  });
});

describe('a backend that was suspended', () => {
  it('begins from what is published, without earlier failures, and removes a failed address after its threshold', async () => {
    const world = await leader();
    const spec = { probe: { periodSeconds: 10, failureThreshold: 3 } };
    const before = world.published();
    world.verdicts.set(A, down);
    await world.clock.advance(20_000);
    world.store({ ...spec, suspend: true }, { generation: 2 });
    await world.clock.advance(86_400_000);
    expect(world.published()).toBe(before);
    world.store(spec, { generation: 3 });
    const from = world.probed.filter((ip) => ip === A).length;
    while (world.published() === before) await world.clock.advance(100);
    expect(world.probed.filter((ip) => ip === A).length - from).toBe(3);
  });
});
