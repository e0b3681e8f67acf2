import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import type { Verdict } from '../../src/core/probing/verdict.ts';
import { controlPlane } from '../controlplane/details.ts';
import { readyAddresses, readyHistory } from '../controlplane/endpoints.ts';
import { probed } from '../support/builders/backends.ts';
import { down } from '../support/builders/verdicts.ts';
import { startEngineOnClock } from '../support/cluster/engine-on-clock.ts';
import type { EngineOnClock } from '../support/cluster/engine-on-clock.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';

const [A, B] = ['10.20.185.1', '10.20.185.2'] as const;
const both = [A, B].join();
const minute = 60_000;
const day = 24 * 60 * minute;

let world: World;
let clock: ManualClock;
let verdicts: Map<string, Verdict>;
let engine: EngineOnClock;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'maintenance-clock', operator: false });
});

afterEach(() => engine.stop());

afterAll(() => world.close());

/** Starts another engine on the same clock, with the same servers. */
const restart = async (): Promise<void> => {
  engine = await startEngineOnClock(world.plane, { namespace: world.ns, clock, verdicts });
};

/** Starts the engine at this time, with a backend whose two addresses are published. */
async function begin(name: string, at: string, maintenance: readonly object[]): Promise<void> {
  clock = new ManualClock(Date.parse(at));
  verdicts = new Map();
  await restart();
  await world.apply(name, probed([A, B], { maintenance }));
  await engine.until(`${name} is published`, () => ready(name) === both);
  await engine.pass(2_000);
}

const ready = (name: string): string => readyAddresses(world.slices.objects.values(), name).join();

const statusOf = (name: string) => world.backends.objects.get(name)?.status?.maintenance;

/** Sets of ready addresses so far, without repetitions. */
const courseOf = (name: string): readonly string[] =>
  readyHistory(world.slices.history, name)
    .map(({ ready: now }) => now.join())
    .filter((now, i, all) => now !== '' && now !== all[i - 1]);

const passUntil = (at: string): Promise<void> => engine.pass(Date.parse(at) - clock.wall());

describe('a window on a real API server, with a clock that only the test advances', () => {
  it('in the hour that the clocks skip begins at its end, and ends after its duration, over a restart inside', async () => {
    const night = { name: 'night', action: 'Drain', targets: [A], timeZone: 'Europe/Berlin' };
    await begin('gap', '2026-03-29T00:50:00Z', [{ ...night, schedule: '30 2 * * *', durationSeconds: 1800 }]);
    await engine.until(
      'the start is reported',
      () => statusOf('gap')?.next?.start === '2026-03-29T01:00:00Z',
    );
    await passUntil('2026-03-29T00:59:59Z');
    expect(ready('gap')).toBe(both);
    await engine.until('A is drained', () => ready('gap') === B);
    expect(clock.wall()).toBeLessThan(Date.parse('2026-03-29T01:00:05Z'));
    await engine.until('the status reports it', () => statusOf('gap')?.active !== undefined);
    await engine.stop();
    clock.jump(10 * minute);
    await restart();
    await passUntil('2026-03-29T01:29:59Z');
    expect(ready('gap')).toBe(B);
    await engine.until('A is back', () => ready('gap') === both);
    expect(clock.wall()).toBeLessThan(Date.parse('2026-03-29T01:30:05Z'));
    await engine.until(
      'the next one is reported',
      () => statusOf('gap')?.next?.start === '2026-03-30T00:30:00Z',
    );
    expect(courseOf('gap')).toEqual([both, B, both]);
  }, 60_000);

  it('that ended while nothing ran ends with the next process', async () => {
    const once = { name: 'once', action: 'Drain', targets: [A], durationSeconds: 600 };
    await begin('missed', '2026-06-01T00:00:00Z', [{ ...once, start: '2026-06-01T00:01:00Z' }]);
    await engine.pass(minute);
    await engine.until('A is drained', () => ready('missed') === B);
    await engine.stop();
    clock.jump(20 * minute);
    await restart();
    await engine.until('A is back', () => ready('missed') === both);
    expect(courseOf('missed')).toEqual([both, B, both]);
  }, 60_000);

  it('merges with others: Drain before Freeze, and what remains of the longer one', async () => {
    const freeze = { name: 'freeze', start: '2026-06-01T00:01:00Z', durationSeconds: 1200 };
    const drain = { ...freeze, name: 'drain', action: 'Drain', targets: [A], durationSeconds: 600 };
    await begin('merged', '2026-06-01T00:00:00Z', [freeze, drain]);
    await engine.pass(minute);
    await engine.until('A is drained', () => ready('merged') === B);
    verdicts.set(B, down);
    await engine.pass(5 * minute);
    expect(ready('merged')).toBe(B);
    await passUntil('2026-06-01T00:11:00Z');
    await engine.until('A is back and frozen', () => ready('merged') === both);
    await passUntil('2026-06-01T00:20:59Z');
    expect(ready('merged')).toBe(both);
    await engine.until('B leaves after the Freeze', () => ready('merged') === A);
    expect(courseOf('merged')).toEqual([both, B, both, A]);
  }, 60_000);
});

describe('the clock of a machine that is set', () => {
  it('by years changes nothing that is published', async () => {
    await begin('stepped', '2026-06-01T00:00:00Z', []);
    for (const step of [365 * day, -730 * day, 365 * day + 7 * minute]) {
      clock.shiftWall(step);
      await engine.pass(11 * minute);
    }
    verdicts.set(A, down);
    await engine.until('A leaves', () => ready('stepped') === B);
    expect(courseOf('stepped')).toEqual([both, B]);
  }, 60_000);

  it('into a window and out of it begins and ends the window within ten minutes', async () => {
    const yearly = {
      name: 'leap',
      action: 'Drain',
      targets: [A],
      schedule: '0 0 29 2 *',
      durationSeconds: 3600,
    };
    await begin('leap', '2026-06-01T00:00:00Z', [yearly]);
    const toWindow = Date.parse('2028-02-29T00:10:00Z') - clock.wall();
    clock.shiftWall(toWindow);
    await engine.pass(10 * minute);
    await engine.until('A is drained', () => ready('leap') === B);
    clock.shiftWall(-toWindow);
    await engine.pass(10 * minute);
    await engine.until('A is back', () => ready('leap') === both);
    expect(courseOf('leap')).toEqual([both, B, both]);
  }, 60_000);
});
