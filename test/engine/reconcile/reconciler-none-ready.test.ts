import { describe, expect, it } from '@jest/globals';
import { EngineWorld } from '../../support/fakes/engine-world.ts';
import { down, up } from '../../support/builders/verdicts.ts';

const [A, B] = ['10.20.0.11', '10.20.0.12'] as const;

async function started(spec: object): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.store({ probe: { periodSeconds: 1, failureThreshold: 1 }, ...spec });
  world.engine.onStartedLeading();
  await world.clock.advance(5_000);
  return world;
}

const keeps = (whenNoneReady: string, more: object = {}) => ({
  services: [{ name: 'orders-db', whenNoneReady, ...more }],
});

async function fail(world: EngineWorld, ...ips: readonly string[]): Promise<void> {
  for (const ip of ips) world.verdicts.set(ip, down);
  await world.clock.advance(5_000);
}

async function recover(world: EngineWorld, ...ips: readonly string[]): Promise<void> {
  for (const ip of ips) world.verdicts.set(ip, up);
  await world.clock.advance(5_000);
}

const available = (world: EngineWorld) => world.status().conditions?.find(({ type }) => type === 'Available');

const noted = (world: EngineWorld): readonly string[] =>
  world.events
    .filter(({ reason }) => ['NoneReadyKept', 'NoneReadyAll', 'FallbackEnded'].includes(reason))
    .map(({ type, reason }) => `${type} ${reason}`);

/** Begins the next term without a stop of the one before, as after SIGKILL. */
async function nextTerm(world: EngineWorld): Promise<EngineWorld> {
  world.engine.onStoppedLeading();
  world.leads = false;
  const next = world.successor();
  next.engine.onStartedLeading();
  await next.clock.advance(5_000);
  return next;
}

describe('a Service without a ready address', () => {
  it.each([
    ['Empty', `-${A} -${B}`, 'NoReadyAddress', undefined, []],
    ['KeepLast', `+${B} -${A}`, 'NoneReadyKept', 'KeepLast', ['Warning NoneReadyKept']],
    ['All', `+${A} +${B}`, 'NoneReadyAll', 'All', ['Warning NoneReadyAll']],
  ] as const)('publishes and reports with %s: %s', async (policy, published, reason, fallback, events) => {
    const world = await started(keeps(policy));
    await fail(world, A);
    await fail(world, B);
    expect(world.published()).toBe(published);
    expect(available(world)).toMatchObject({ status: 'False', reason });
    expect(world.status().services?.[0]?.fallback).toBe(fallback);
    expect(world.status().readyAddresses).toBe(0);
    expect(noted(world)).toEqual(events);
    await recover(world, A);
    expect(world.published()).toBe(`+${A} -${B}`);
    expect(available(world)).toMatchObject({ status: 'True', reason: 'AddressesReady' });
    expect(world.status().services?.[0]?.fallback).toBeUndefined();
    expect(noted(world)).toEqual(fallback === undefined ? [] : [...events, 'Normal FallbackEnded']);
  });

  it.each(['KeepLast', 'All'])(
    'is the same in the next term with %s, and nothing is written',
    async (policy) => {
      const world = await started(keeps(policy));
      await fail(world, A);
      await fail(world, B);
      const before = world.published();
      const count = world.cluster.writes.length;
      const next = await nextTerm(world);
      expect(next.published()).toBe(before);
      expect(next.cluster.writes.slice(count)).toEqual([]);
      expect(noted(next)).toEqual([]);
      await recover(next, A);
      expect(next.published()).toBe(`+${A} -${B}`);
      expect(noted(next)).toEqual(['Normal FallbackEnded']);
    },
  );

  it('is never empty with KeepLast however its only address comes and goes', async () => {
    const world = await started({ targets: [{ host: A }], ...keeps('KeepLast') });
    const seen = new Set<string>();
    for (let round = 0; round < 60; round += 1) {
      world.verdicts.set(A, round % 2 === 0 ? down : up);
      for (let passed = 0; passed < 2_000; passed += 50) {
        await world.clock.advance(50);
        seen.add(world.published());
      }
    }
    expect([...seen]).toEqual([`+${A}`]);
  });

  it('is never empty with KeepLast and All however two addresses alternate', async () => {
    for (const policy of ['KeepLast', 'All']) {
      const world = await started(keeps(policy));
      for (let round = 0; round < 80; round += 1) {
        world.verdicts.set(A, round % 2 === 0 ? down : up);
        world.verdicts.set(B, round % 3 === 0 ? up : down);
        for (let passed = 0; passed < 1_500; passed += 50) {
          await world.clock.advance(50);
          expect(world.published()).toContain('+');
        }
      }
    }
  });

  it('loses an address that is drained, and reports that it is empty', async () => {
    const world = await started(keeps('KeepLast'));
    await fail(world, A);
    await fail(world, B);
    world.store(
      {
        probe: { periodSeconds: 1, failureThreshold: 1 },
        targets: [{ host: A }, { host: B, drain: true }],
        ...keeps('KeepLast'),
      },
      { generation: 2 },
    );
    await world.clock.advance(5_000);
    expect(world.published()).toBe(`-${A} -${B}`);
    expect(available(world)?.reason).toBe('NoReadyAddress');
    expect(noted(world)).toEqual(['Warning NoneReadyKept', 'Warning FallbackEnded']);
  });

  it('reports in the Event of a failure that it still sends connections to the address', async () => {
    const world = await started(keeps('KeepLast'));
    await fail(world, A);
    await fail(world, B);
    expect(world.events.find(({ note }) => note.startsWith(`${B}:5432 is unhealthy`))?.note).toBe(
      `${B}:5432 is unhealthy: Refused; Service orders-db still sends it connections (whenNoneReady)`,
    );
  });

  it('counts as empty for the backend while another Service of it has no address at all', async () => {
    const services = [{ name: 'a' }, { name: 'b', whenNoneReady: 'KeepLast' }];
    const world = await started({ services });
    await fail(world, A, B);
    expect(available(world)?.reason).toBe('NoReadyAddress');
    expect(world.status().services?.map(({ fallback }) => fallback)).toEqual([undefined, 'KeepLast']);
  });

  it('keeps its addresses at the port whose probes fail, and only its ready ones at the other port', async () => {
    const ports = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2, probe: { periodSeconds: 1, failureThreshold: 1 } },
    ];
    const world = await started({ ports, ...keeps('KeepLast') });
    await fail(world, A);
    await fail(world, B);
    expect(world.published()).toBe(`+${B} +${B} -${A} -${A}`);
    await recover(world, A);
    expect(world.published()).toBe(`+${A} +${A} -${B} -${B}`);
  });
});
