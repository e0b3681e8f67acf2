import { describe, expect, it } from '@jest/globals';
import { Lanes, lanes } from '../../src/kube/lanes.ts';
import type { Lane } from '../../src/kube/lanes.ts';
import { settle } from '../support/manual-clock.ts';

describe('Lanes', () => {
  function waiting(limit: number) {
    const gate = new Lanes(limit);
    const entered: string[] = [];
    const enter = (name: string, lane: Lane, signal?: AbortSignal) =>
      gate.enter(lane, signal).then(
        () => void entered.push(name),
        () => void entered.push(`${name} gave up`),
      );
    const leave = async () => {
      gate.leave();
      await settle();
    };
    return { gate, entered, enter, leave };
  }

  it('lets the lowest lane go first, and within a lane the first who came', async () => {
    const { entered, enter, leave } = waiting(1);
    void enter('running', lanes.status);
    void enter('status 1', lanes.status);
    void enter('event', lanes.event);
    void enter('service', lanes.service);
    void enter('status 2', lanes.status);
    void enter('slice 1', lanes.slice);
    void enter('slice 2', lanes.slice);
    for (let left = 0; left < 6; left += 1) await leave();
    expect(entered).toEqual(['running', 'slice 1', 'slice 2', 'service', 'status 1', 'status 2', 'event']);
  });

  it('holds no more than its limit, and frees every place', async () => {
    const { gate, entered, enter, leave } = waiting(2);
    for (const name of ['a', 'b', 'c', 'd']) void enter(name, lanes.slice);
    await settle();
    expect([entered.length, gate.running, gate.queued]).toEqual([2, 2, 2]);
    for (let left = 0; left < 4; left += 1) await leave();
    expect([entered.length, gate.running, gate.queued]).toEqual([4, 0, 0]);
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
