import { describe, expect, it } from '@jest/globals';
import { annotations } from '../../src/core/kubernetes/ownership.ts';
import { namespace } from '../support/builders/builders.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import { down, up } from '../support/builders/verdicts.ts';

const [A, B, C] = ['10.20.0.11', '10.20.0.12', '10.20.0.13'] as const;
const minute = 60_000;
const period = 10_000;

/** The clock of the tests begins at this time. The window is from 00:10 to 00:20. */
const epoch = Date.UTC(2026, 0, 1);
const start = epoch + 10 * minute;
const end = epoch + 20 * minute;

const window = (over: object = {}) => ({
  name: 'patch',
  start: new Date(start).toISOString(),
  durationSeconds: 600,
  ...over,
});

const text = (instant: number): string => new Date(instant).toISOString().replace('.000Z', 'Z');

const spec = (...maintenance: readonly object[]) => ({
  targets: [{ host: A }, { host: B }],
  probe: { periodSeconds: 10, failureThreshold: 3, successThreshold: 2 },
  maintenance,
});

/** Returns a leader that has published both addresses of `orders-db` as ready. */
async function leader(...maintenance: readonly object[]): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.store(spec(...maintenance));
  world.engine.onStartedLeading();
  await world.clock.advance(5_000);
  return world;
}

/** Lets time pass until the clock shows an instant. */
const until = (world: EngineWorld, instant: number): Promise<void> =>
  world.clock.advance(instant - world.clock.wall());

/** Reasons of the Events so far, which are then forgotten. */
const events = (world: EngineWorld): readonly string[] =>
  world.events.splice(0).map(({ type, reason }) => `${type} ${reason}`);

const addressOf = (world: EngineWorld, ip: string) =>
  world
    .status()
    .targets?.flatMap(({ addresses }) => addresses)
    .find((address) => address.ip === ip);

const degraded = (world: EngineWorld): string | undefined =>
  world.status().conditions?.find(({ type }) => type === 'Degraded')?.reason;

const statusWrites = (world: EngineWorld): number =>
  world.cluster.writes.filter(({ op }) => op === 'status').length;

describe('a window with action Drain', () => {
  const drain = window({ action: 'Drain', targets: [A] });

  it('takes its target out when it begins and gives it back when it ends, with two writes of the status', async () => {
    const world = await leader(drain);
    await until(world, start - 1);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(world.status().maintenance).toEqual({
      next: { name: 'patch', action: 'Drain', start: text(start) },
    });
    const before = statusWrites(world);
    await until(world, start + 1_000);
    expect(world.published()).toBe(`+${B} -${A}`.split(' ').toSorted().join(' '));
    expect(world.status().maintenance).toEqual({
      active: [{ name: 'patch', action: 'Drain', targets: [A], since: text(start), until: text(end) }],
    });
    expect(addressOf(world, A)).toMatchObject({ ready: false, health: 'healthy', reason: 'Drained' });
    await until(world, end - 1);
    expect(world.published()).toContain(`-${A}`);
    await until(world, end + 1_000);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(world.status().maintenance).toBeUndefined();
    await world.clock.advance(30 * minute);
    expect(statusWrites(world) - before).toBe(2);
    expect(events(world)).toEqual(['Normal MaintenanceBegan', 'Normal MaintenanceEnded']);
  });

  it('never takes the last ready addresses of a Service', async () => {
    const world = await leader(window({ action: 'Drain' }));
    await until(world, start + 1_000);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(world.status().maintenance?.held).toEqual([{ service: 'orders-db', ips: [A, B] }]);
    expect(events(world)).toEqual(['Normal MaintenanceBegan', 'Warning MaintenanceHeld']);
  });

  it('gives its target back while no other address is ready', async () => {
    const world = await leader(drain);
    await until(world, start + 1_000);
    events(world);
    world.verdicts.set(B, down);
    await world.clock.advance(4 * period);
    expect(world.published()).toBe(`+${A} -${B}`);
    expect(world.status().maintenance?.held).toEqual([{ service: 'orders-db', ips: [A] }]);
    expect(events(world)).toContain('Warning MaintenanceHeld');
    world.verdicts.set(B, up);
    await world.clock.advance(4 * period);
    expect(world.published()).toBe(`+${B} -${A}`.split(' ').toSorted().join(' '));
    expect(world.status().maintenance?.held).toBeUndefined();
  });

  it('lasts over a restart, which repeats no Event', async () => {
    const first = await leader(drain);
    await until(first, start + 1_000);
    await first.stop();
    const next = first.successor();
    next.engine.onStartedLeading();
    await next.clock.advance(minute);
    expect(next.published()).toContain(`-${A}`);
    await until(next, end - 1);
    expect(next.published()).toContain(`-${A}`);
    expect(next.events).toEqual([]);
    await until(next, end + 2 * period);
    expect(next.published()).toBe(`+${A} +${B}`);
  });

  it('that began while nothing ran begins with the next process', async () => {
    const first = await leader(drain);
    await first.stop();
    await until(first, start + minute);
    const next = first.successor();
    next.engine.onStartedLeading();
    await next.clock.advance(period);
    expect(next.published()).toContain(`-${A}`);
    expect(events(next)).toEqual(['Normal MaintenanceBegan']);
  });

  it('begins within ten minutes after a change of the clock', async () => {
    const later = { ...drain, start: new Date(epoch + 60 * minute).toISOString() };
    const world = await leader(later);
    world.clock.shiftWall(55 * minute);
    await world.clock.advance(10 * minute);
    expect(world.published()).toContain(`-${A}`);
  });

  it('ends at once when it is removed from the spec', async () => {
    const world = await leader(drain);
    await until(world, start + 1_000);
    world.store(spec(), { generation: 2 });
    await world.clock.advance(1_000);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(events(world)).toEqual(['Normal MaintenanceBegan', 'Normal MaintenanceEnded']);
  });
});

describe('a window with action Freeze', () => {
  it('keeps a failed address until full thresholds of verdicts after its end', async () => {
    const world = await leader(window());
    await until(world, start + 1_000);
    world.verdicts.set(A, down);
    await until(world, end - 1);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(addressOf(world, A)).toMatchObject({ ready: true, health: 'unhealthy', reason: 'Refused' });
    expect(addressOf(world, A)?.message).toBe('a maintenance window keeps it published');
    expect(degraded(world)).toBe('AddressesUnhealthy');
    await until(world, end + 2 * period - 1);
    expect(world.published()).toBe(`+${A} +${B}`);
    await until(world, end + 3 * period + 1_000);
    expect(world.published()).toContain(`-${A}`);
    expect(events(world)).toEqual([
      'Normal MaintenanceBegan',
      'Warning Refused',
      'Normal MaintenanceEnded',
      'Warning Refused',
    ]);
  });

  it('does not count failures from before its end', async () => {
    const world = await leader(window());
    await until(world, end - 2 * period - 5_000);
    world.verdicts.set(A, down);
    await until(world, end);
    expect(addressOf(world, A)?.health).toBe('healthy');
    await until(world, end + 2 * period - 1);
    expect(world.published()).toBe(`+${A} +${B}`);
    await until(world, end + 3 * period + 1_000);
    expect(world.published()).toContain(`-${A}`);
  });

  it('does not let an address return until full thresholds of verdicts after its end', async () => {
    const world = await leader(window());
    world.verdicts.set(A, down);
    await until(world, start + 1_000);
    expect(world.published()).toContain(`-${A}`);
    world.verdicts.set(A, up);
    await until(world, end - 1);
    expect(world.published()).toContain(`-${A}`);
    expect(addressOf(world, A)).toMatchObject({ ready: false, health: 'healthy', reason: 'Frozen' });
    await until(world, end + period - 1);
    expect(world.published()).toContain(`-${A}`);
    await until(world, end + 2 * period + 1_000);
    expect(world.published()).toBe(`+${A} +${B}`);
  });

  it('publishes a new target once it is healthy, and follows a removed one', async () => {
    const world = await leader(window());
    await until(world, start + 1_000);
    const changed = { ...spec(window()), targets: [{ host: A }, { host: C }] };
    world.store(changed, { generation: 2 });
    await world.clock.advance(2 * period);
    expect(world.published()).toBe(`+${A} +${C}`);
    world.verdicts.set(C, down);
    await world.clock.advance(5 * period);
    expect(world.published()).toBe(`+${A} +${C}`);
  });

  it('lasts over a restart: what is published stays', async () => {
    const first = await leader(window());
    first.verdicts.set(B, down);
    await until(first, start + 1_000);
    first.verdicts.set(A, down).set(B, up);
    await first.clock.advance(minute);
    const published = first.published();
    expect(published).toContain(`+${A}`);
    expect(published).toContain(`-${B}`);
    await first.stop();
    const next = first.successor();
    next.engine.onStartedLeading();
    await until(next, end - 1);
    expect(next.published()).toBe(published);
    await until(next, end + 4 * period);
    expect(next.published()).toContain(`-${A}`);
    expect(next.published()).toContain(`+${B}`);
  });

  it('of one target leaves the others to their health', async () => {
    const world = await leader(window({ targets: [A] }));
    await until(world, start + 1_000);
    world.verdicts.set(A, down).set(B, down);
    await world.clock.advance(4 * period);
    expect(world.published()).toBe(`+${A} -${B}`);
  });

  it('does not keep a target that is drained in the spec', async () => {
    const world = await leader(window());
    await until(world, start + 1_000);
    world.store({ ...spec(window()), targets: [{ host: A, drain: true }, { host: B }] }, { generation: 2 });
    await world.clock.advance(1_000);
    expect(world.published()).toContain(`-${A}`);
  });

  it('reports in the Event of a failed address that it stays', async () => {
    const world = await leader(window());
    await until(world, start + 1_000);
    world.verdicts.set(A, down);
    await world.clock.advance(4 * period);
    expect(world.events.at(-1)?.note).toBe(
      `${A}:5432 is unhealthy: Refused; Service orders-db still lists it as ready, because a maintenance window freezes it`,
    );
  });
});

describe('a window with action Quiet', () => {
  it('removes failed addresses as ever, with Events of type Normal', async () => {
    const world = await leader(window({ action: 'Quiet' }));
    await until(world, start + 1_000);
    world.verdicts.set(A, down);
    await world.clock.advance(4 * period);
    expect(world.published()).toContain(`-${A}`);
    expect(events(world)).toEqual(['Normal MaintenanceBegan', 'Normal Refused']);
  });

  it('of one target leaves the Events of others as they are', async () => {
    const world = await leader(window({ action: 'Quiet', targets: [A] }));
    await until(world, start + 1_000);
    world.verdicts.set(A, down).set(B, down);
    await world.clock.advance(4 * period);
    expect(events(world)).toEqual(expect.arrayContaining(['Normal Refused', 'Warning Refused']));
  });
});

describe('windows that overlap', () => {
  it('drain one target and freeze the others', async () => {
    const world = await leader(
      window(),
      window({ name: 'host', action: 'Drain', targets: [A], durationSeconds: 300 }),
    );
    await until(world, start + 1_000);
    expect(world.published()).toContain(`-${A}`);
    expect(world.status().maintenance?.active?.map(({ name }) => name)).toEqual(['host', 'patch']);
    world.verdicts.set(B, down);
    await world.clock.advance(4 * period);
    expect(world.published()).toContain(`+${B}`);
    await until(world, start + 5 * minute + 1_000);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(world.status().maintenance?.active?.map(({ name }) => name)).toEqual(['patch']);
  });
});

describe('the annotation', () => {
  const annotate = (world: EngineWorld, value: string, ...maintenance: readonly object[]) => {
    world.store(spec(...maintenance), { annotations: { [annotations.maintenance]: value } });
    return world.clock.advance(1_000);
  };

  it('drains a target at once, until its end', async () => {
    const world = await leader();
    await annotate(world, `Drain ${A} until ${text(start)}`);
    expect(world.published()).toContain(`-${A}`);
    expect(world.status().maintenance?.active).toEqual([
      { name: 'annotation', action: 'Drain', targets: [A], until: text(start) },
    ]);
    await until(world, start + 1_000);
    expect(world.published()).toBe(`+${A} +${B}`);
  });

  it('ends when it is removed', async () => {
    const world = await leader();
    await annotate(world, `Drain ${A} until ${text(start)}`);
    world.store(spec());
    await world.clock.advance(1_000);
    expect(world.published()).toBe(`+${A} +${B}`);
  });

  it('without an end is ignored, and reported', async () => {
    const world = await leader();
    await annotate(world, `Drain ${A}`);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(degraded(world)).toBe('MaintenanceInvalid');
    expect(world.status().conditions?.find(({ type }) => type === 'Degraded')?.message).toContain(
      'has no end',
    );
  });
});

describe('a window that cannot be used', () => {
  it.each([
    [{ timeZone: 'Mars/Olympus' }, 'timeZone Mars/Olympus is no zone'],
    [{ schedule: '0 0 30 2 *' }, 'matches no day of any year'],
  ])('%j is off and reported, and another window works', async (over, why) => {
    const { start: _, ...rest } = window({ name: 'wrong', schedule: '@daily', ...over });
    const world = await leader(rest, window({ action: 'Drain', targets: [A] }));
    expect(degraded(world)).toBe('MaintenanceInvalid');
    expect(world.status().conditions?.find(({ type }) => type === 'Degraded')?.message).toContain(why);
    await until(world, start + 1_000);
    expect(world.published()).toContain(`-${A}`);
  });
});

describe('a suspended backend', () => {
  it('has no maintenance', async () => {
    const world = await leader(window({ action: 'Drain', targets: [A] }));
    await until(world, start + 1_000);
    world.store({ ...spec(window({ action: 'Drain', targets: [A] })), suspend: true }, { generation: 2 });
    await world.clock.advance(1_000);
    expect(world.status().maintenance).toBeUndefined();
    expect(world.cluster.backend(namespace, 'orders-db')).toBeDefined();
  });
});
