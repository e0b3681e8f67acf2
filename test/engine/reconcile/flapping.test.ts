import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { down, up } from '../../support/builders/verdicts.ts';

const SECOND = 1_000;
const quick = { periodSeconds: 1, failureThreshold: 1, successThreshold: 1 };
const services = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `s${i}` }));
const targets = (count: number) => Array.from({ length: count }, (_, i) => ({ host: `10.20.0.${i + 1}` }));

const sliceWrites = (world: ReconcileWorld): number =>
  world.cluster.writes.filter((action) => 'object' in action && action.object.kind === 'EndpointSlice')
    .length;

/** Returns the addresses in the slices of a Service, with a `+` if ready. */
const slices = (world: ReconcileWorld, service?: string): readonly string[] =>
  world
    .published(service)
    .map((text) => `${text.slice(1)}${text.startsWith('+') ? '+' : ''}`)
    .toSorted();

const degraded = (world: ReconcileWorld): string | undefined =>
  world.status().conditions?.find(({ type }) => type === 'Degraded')?.reason;

/** Runs now, and whenever the outcome requires it, while this time passes. */
async function runFor(world: ReconcileWorld, ms: number): Promise<void> {
  const end = world.clock.now() + ms;
  for (;;) {
    const { outcome } = await world.run();
    const afterMs = 'requeueAfterMs' in outcome ? (outcome.requeueAfterMs ?? Infinity) : Infinity;
    const stepMs = Math.min(Math.max(1, afterMs), end - world.clock.now());
    if (stepMs <= 0) return;
    await world.clock.advance(stepMs);
    if (world.clock.now() >= end) return;
  }
}

/** Makes one address of a backend fail and recover each second, for this number of seconds. */
async function flap(world: ReconcileWorld, seconds: number, ip = '10.20.0.1'): Promise<void> {
  for (let s = 0; s < seconds; s++) {
    world.say(s % 2 === 0 ? down : up, ip);
    await runFor(world, SECOND);
  }
}

describe('a backend whose addresses change very often', () => {
  it('is written at once until its burst of writes is used up', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: targets(2), probe: quick });
    for (let i = 0; i < 8; i++) {
      world.say(i % 2 === 0 ? down : up, '10.20.0.1');
      await world.run();
      expect(slices(world)).toEqual([i % 2 === 0 ? '10.20.0.1' : '10.20.0.1+', '10.20.0.2+']);
    }
  });

  it('removes a failed address at once, and adds it again with the next round', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: targets(2), probe: quick });
    await flap(world, 120);
    const untilReturned = async (): Promise<number> => {
      const from = world.clock.now();
      world.say(up, '10.20.0.1');
      while (slices(world)[0] !== '10.20.0.1+') await runFor(world, 100);
      return world.clock.now() - from;
    };
    await untilReturned();
    await runFor(world, 300);
    world.say(down, '10.20.0.1');
    await world.run();
    expect(slices(world)).toEqual(['10.20.0.1', '10.20.0.2+']);
    const waited = await untilReturned();
    expect(waited).toBeLessThanOrEqual(10 * SECOND);
    expect(waited).toBeGreaterThan(9 * SECOND);
  });

  it('publishes a promoted primary at once, whatever else changes', async () => {
    const world = new ReconcileWorld();
    const primary = { ...up, role: 'Primary' } as const;
    const replica = { ...up, role: 'Replica' } as const;
    const roles = [{ name: 'rw', role: 'Primary' }, ...services(3)];
    world.store({ targets: targets(3), services: roles, probe: { ...quick, redis: {} } });
    await world.run();
    const report = (first: string): void => {
      for (const { host } of [...targets(2), ...targets(2)])
        world.say(host === first ? primary : replica, host);
    };
    report('10.20.0.1');
    world.say(replica, '10.20.0.3');
    await world.run();
    await flap(world, 120, '10.20.0.3');
    for (const first of ['10.20.0.2', '10.20.0.1', '10.20.0.2']) {
      report(first);
      await world.run();
      expect(slices(world, 'rw').filter((each) => each.endsWith('+'))).toEqual([`${first}+`]);
    }
  });

  it('reports Flapping after a minute, until nothing has changed for 20 s', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: targets(2), services: services(4), probe: quick });
    await flap(world, 40);
    expect(degraded(world)).not.toBe('Flapping');
    await flap(world, 60);
    expect(degraded(world)).toBe('Flapping');
    world.say(up);
    await runFor(world, 60 * SECOND);
    expect(degraded(world)).toBe('AllHealthy');
    expect(slices(world, 's0')).toEqual(['10.20.0.1+', '10.20.0.2+']);
  });

  it('causes a limited number of writes, whatever the number of its Services', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: targets(60), services: services(16), probe: quick });
    await flap(world, 80);
    const before = sliceWrites(world);
    await flap(world, 100);
    // 16 for each round, and 16 for the failures after it: ten rounds in 100 s.
    const writes = sliceWrites(world) - before;
    expect(writes).toBeLessThanOrEqual(11 * 32);
    expect(writes).toBeGreaterThanOrEqual(9 * 32);
  });

  it('adds the only address of a Service again within a second', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: targets(1), services: services(4), probe: quick });
    await flap(world, 121);
    expect(slices(world, 's0')).toEqual(['10.20.0.1']);
    world.say(up);
    await runFor(world, SECOND + 10);
    expect(slices(world, 's0')).toEqual(['10.20.0.1+']);
  });

  it('repairs a deletion by another client at once', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: targets(2), services: services(4), probe: quick });
    await flap(world, 120);
    const [slice] = world.cluster.slices(namespace, 's0');
    world.cluster.remove('EndpointSlice', namespace, slice?.metadata.name ?? '');
    expect(slices(world, 's0')).toEqual([]);
    await world.run();
    expect(slices(world, 's0')).toContain('10.20.0.2+');
  });

  it('writes an edit of its spec at once', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: targets(2), services: services(4), probe: quick });
    await flap(world, 121);
    world.store({ targets: targets(3), services: services(4), probe: { disabled: {} } }, { generation: 2 });
    await world.run();
    expect(slices(world, 's0')).toEqual(['10.20.0.1+', '10.20.0.2+', '10.20.0.3+']);
  });
});

describe('a backend whose name has new addresses each second', () => {
  it('keeps its previous addresses until the next round, and probes them meanwhile', async () => {
    const world = new ReconcileWorld();
    const answer = (round: number) => [1, 2, 3].map((i) => `10.${round}.0.${i}`);
    const name = 'db.example.com';
    world.store({ targets: [{ host: name }], services: services(16), probe: quick });
    await world.run();
    for (let round = 0; round < 100; round++) {
      world.resolver.addresses(name, ...answer(round));
      await world.run();
      world.say(up);
      await runFor(world, SECOND);
    }
    const before = sliceWrites(world);
    for (let round = 100; round < 200; round++) {
      world.resolver.addresses(name, ...answer(round));
      await world.run();
      world.say(up);
      await runFor(world, SECOND);
      const checks = [...world.scheduled.values()].flat();
      expect(slices(world, 's0')).toEqual(checks.map(({ ip }) => `${ip}+`));
    }
    expect(sliceWrites(world) - before).toBeLessThanOrEqual(11 * 48);
    world.say(down);
    await world.run();
    expect(slices(world, 's0').filter((each) => each.endsWith('+'))).toEqual([]);
  });
});

it('A failed address is never kept because others change often, whatever happens and when', async () => {
  const act = fc.record({
    ip: fc.integer({ min: 1, max: 4 }),
    isUp: fc.boolean(),
    pauseMs: fc.constantFrom(0, 100, 1_000, 3_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 40, maxLength: 120 }), async (acts) => {
      const world = new ReconcileWorld();
      await world.bringUp({ targets: targets(4), services: services(2), probe: quick });
      const healthy = new Set([1, 2, 3, 4]);
      for (const { ip, isUp, pauseMs } of acts) {
        world.say(isUp ? up : down, `10.20.0.${ip}`);
        if (isUp) healthy.add(ip);
        else healthy.delete(ip);
        await world.run();
        const all = [...healthy].map((each) => `10.20.0.${each}+`);
        for (const ready of slices(world, 's0').filter((each) => each.endsWith('+')))
          expect(all).toContain(ready);
        if (pauseMs > 0) await runFor(world, pauseMs);
      }
      await runFor(world, 30 * SECOND);
      const all = [1, 2, 3, 4].map((each) => `10.20.0.${each}${healthy.has(each) ? '+' : ''}`);
      expect(slices(world, 's0').toSorted()).toEqual(all);
    }),
    { numRuns: 20 },
  );
});
