import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Lanes, lanes } from '../../src/kube/lanes.ts';
import type { Lane } from '../../src/kube/lanes.ts';
import { settle } from '../support/manual-clock.ts';

describe('Lanes', () => {
  function waiting(limit: number) {
    const gate = new Lanes(limit);
    const entered: string[] = [];
    /** Lanes of those that have a place, the first who came first. */
    const inside: Lane[] = [];
    const enter = (name: string, lane: Lane, signal?: AbortSignal) =>
      gate.enter(lane, signal).then(
        () => {
          entered.push(name);
          inside.push(lane);
        },
        () => void entered.push(`${name} gave up`),
      );
    const leave = async () => {
      await settle();
      const lane = inside.shift();
      if (lane === undefined) throw new Error('nobody is inside');
      gate.leave(lane);
      await settle();
    };
    return { gate, entered, enter, leave };
  }

  it('lets the lowest lane go first, and within a lane the first who came', async () => {
    const { entered, enter, leave } = waiting(1);
    void enter('running', lanes.status);
    void enter('status 1', lanes.status);
    void enter('secret', lanes.secret);
    void enter('event', lanes.event);
    void enter('service', lanes.service);
    void enter('status 2', lanes.status);
    void enter('slice 1', lanes.slice);
    void enter('slice 2', lanes.slice);
    await settle();
    for (let left = 0; left < 7; left += 1) await leave();
    expect(entered).toEqual([
      'running',
      'slice 1',
      'slice 2',
      'service',
      'secret',
      'status 1',
      'status 2',
      'event',
    ]);
  });

  it('holds no more than its limit, and frees every place', async () => {
    const { gate, entered, enter, leave } = waiting(2);
    for (const name of ['a', 'b', 'c', 'd']) void enter(name, lanes.slice);
    await settle();
    expect([entered.length, gate.running, gate.queued]).toEqual([2, 2, 2]);
    for (let left = 0; left < 4; left += 1) await leave();
    expect([entered.length, gate.running, gate.queued]).toEqual([4, 0, 0]);
  });

  it.each([
    ['secret', 16],
    ['event', 8],
    ['status', 28],
    ['service', 28],
    ['slice', 32],
  ] as const)('lets requests of the lane %s have at most %i of 32 places', async (lane, most) => {
    const { gate, entered, enter } = waiting(32);
    for (let at = 0; at < 100; at += 1) void enter(`${at}`, lanes[lane]);
    await settle();
    expect([entered.length, gate.running, gate.queued]).toEqual([most, most, 100 - most]);
  });

  it('keeps places free for slices, whatever all the others wait for', async () => {
    const { gate, entered, enter } = waiting(32);
    for (let at = 0; at < 50; at += 1) for (const lane of Object.values(lanes)) void enter(`${lane}`, lane);
    await settle();
    expect(entered.filter((lane) => lane === `${lanes.slice}`).length).toBeGreaterThanOrEqual(4);
    expect(gate.running).toBe(32);
  });

  it('starts all that wait, in whatever mix of lanes they came, and never more than fit', async () => {
    const lane = fc.constantFrom(...Object.values(lanes));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(lane, { maxLength: 80 }),
        async (limit, all) => {
          const { gate, entered, enter, leave } = waiting(limit);
          for (const each of all) void enter(`${each}`, each);
          await settle();
          for (let left = 0; left < all.length; left += 1) {
            expect(gate.running).toBeLessThanOrEqual(limit);
            await leave();
          }
          expect([entered.length, gate.running, gate.queued]).toEqual([all.length, 0, 0]);
        },
      ),
    );
  });

  it('turns away who has given up before, but not where there is room', async () => {
    const { gate, entered, enter } = waiting(1);
    await enter('room', lanes.status, AbortSignal.abort());
    await enter('no room', lanes.status, AbortSignal.abort());
    expect(entered).toEqual(['room', 'no room gave up']);
    expect([gate.running, gate.queued]).toEqual([1, 0]);
  });

  it('forgets who gives up', async () => {
    const { gate, entered, enter, leave } = waiting(1);
    const cancel = new AbortController();
    void enter('a', lanes.slice);
    void enter('b', lanes.slice, cancel.signal);
    void enter('c', lanes.slice);
    cancel.abort(new Error('no more'));
    await leave();
    await leave();
    expect(entered).toEqual(['a', 'b gave up', 'c']);
    expect([gate.running, gate.queued]).toEqual([0, 0]);
  });
});
