import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PriorityLimiter, priorities } from '../../../src/kube/client/priority-limiter.ts';
import type { RequestPriority } from '../../../src/kube/client/priority-limiter.ts';
import { settle } from '../../support/fakes/manual-clock.ts';

describe('PriorityLimiter', () => {
  function waiting(limit: number) {
    const gate = new PriorityLimiter(limit);
    const entered: string[] = [];
    /** Priorities of those that have a place, the first who came first. */
    const inside: { readonly priority: RequestPriority; readonly namespace: string }[] = [];
    const enter = (name: string, priority: RequestPriority, signal?: AbortSignal, namespace = 'shop') =>
      gate.enter(priority, namespace, signal).then(
        () => {
          entered.push(name);
          inside.push({ priority, namespace });
        },
        () => void entered.push(`${name} gave up`),
      );
    const leave = async () => {
      await settle();
      const first = inside.shift();
      if (first === undefined) throw new Error('nobody is inside');
      gate.leave(first.priority, first.namespace);
      await settle();
    };
    return { gate, entered, enter, leave };
  }

  it('sends the first priority first, and the requests of a priority in the order in which they came', async () => {
    const { entered, enter, leave } = waiting(1);
    void enter('running', priorities.status);
    void enter('status 1', priorities.status);
    void enter('secret', priorities.secret);
    void enter('event', priorities.event);
    void enter('service', priorities.service);
    void enter('status 2', priorities.status);
    void enter('slice 1', priorities.slice);
    void enter('slice 2', priorities.slice);
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
    for (const name of ['a', 'b', 'c', 'd']) void enter(name, priorities.slice, undefined, name);
    await settle();
    expect([entered.length, gate.running, gate.queued]).toEqual([2, 2, 2]);
    for (let left = 0; left < 4; left += 1) await leave();
    expect([entered.length, gate.running, gate.queued]).toEqual([4, 0, 0]);
  });

  it.each([
    ['secret', 16, 14],
    ['event', 8, 7],
    ['status', 28, 24],
    ['service', 28, 24],
    ['slice', 30, 26],
  ] as const)(
    'lets requests of the priority %s have at most %i of 32 places, and those of one namespace %i',
    async (priority, most, ofOne) => {
      const all = waiting(32);
      for (let at = 0; at < 100; at += 1) void all.enter(`${at}`, priorities[priority], undefined, `${at}`);
      const one = waiting(32);
      for (let at = 0; at < 100; at += 1) void one.enter(`${at}`, priorities[priority]);
      await settle();
      expect([all.entered.length, all.gate.running, all.gate.queued]).toEqual([most, most, 100 - most]);
      expect([one.entered.length, one.gate.running, one.gate.queued]).toEqual([ofOne, ofOne, 100 - ofOne]);
    },
  );

  it('lets namespaces take turns in a priority, each with its requests in order', async () => {
    const { entered, enter, leave } = waiting(1);
    void enter('running', priorities.slice, undefined, 'greedy');
    for (const name of ['g1', 'g2', 'g3']) void enter(name, priorities.slice, undefined, 'greedy');
    for (const name of ['m1', 'm2']) void enter(name, priorities.slice, undefined, 'modest');
    await settle();
    for (let left = 0; left < 6; left += 1) await leave();
    expect(entered).toEqual(['running', 'g1', 'm1', 'g2', 'm2', 'g3']);
  });

  it('sends a request of a namespace at once, however many requests of another one wait or are in flight, in every priority', async () => {
    const { entered, enter } = waiting(32);
    for (const priority of Object.values(priorities))
      for (let at = 0; at < 1_000; at += 1) void enter(`greedy ${priority}`, priority, undefined, 'greedy');
    await settle();
    for (const priority of [priorities.slice, priorities.status] as const)
      void enter(`modest ${priority}`, priority, undefined, 'modest');
    await settle();
    expect(entered.filter((name) => name.startsWith('modest'))).toEqual(['modest 0', 'modest 4']);
  });

  it('keeps two of 32 places for the other priorities, however many slices wait', async () => {
    const { entered, enter, gate } = waiting(32);
    for (let at = 0; at < 100; at += 1) void enter('slice', priorities.slice, undefined, `${at}`);
    for (let at = 0; at < 5; at += 1) void enter('status', priorities.status, undefined, `other ${at}`);
    await settle();
    expect([gate.running, entered.filter((name) => name === 'status').length]).toEqual([32, 2]);
  });

  it('keeps places free for slices, even if no other request is answered', async () => {
    const { gate, entered, enter } = waiting(32);
    for (let at = 0; at < 50; at += 1)
      for (const priority of Object.values(priorities))
        void enter(`${priority}`, priority, undefined, `${at}`);
    await settle();
    expect(entered.filter((priority) => priority === `${priorities.slice}`).length).toBeGreaterThanOrEqual(4);
    expect(gate.running).toBe(32);
  });

  it('starts all waiting requests, in any mix of priorities, and never exceeds its limit', async () => {
    const priority = fc.record({
      priority: fc.constantFrom(...Object.values(priorities)),
      namespace: fc.constantFrom('shop', 'bank', 'bar'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(priority, { maxLength: 80 }),
        async (limit, all) => {
          const { gate, entered, enter, leave } = waiting(limit);
          for (const each of all) void enter('', each.priority, undefined, each.namespace);
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

  it('refuses a request that was cancelled before, except if there is room', async () => {
    const { gate, entered, enter } = waiting(1);
    await enter('room', priorities.status, AbortSignal.abort());
    await enter('no room', priorities.status, AbortSignal.abort());
    expect(entered).toEqual(['room', 'no room gave up']);
    expect([gate.running, gate.queued]).toEqual([1, 0]);
  });

  it('removes a waiting request that is cancelled', async () => {
    const { gate, entered, enter, leave } = waiting(1);
    const cancel = new AbortController();
    void enter('a', priorities.slice);
    void enter('b', priorities.slice, cancel.signal);
    void enter('c', priorities.slice);
    cancel.abort(new Error('no more'));
    await leave();
    await leave();
    expect(entered).toEqual(['a', 'b gave up', 'c']);
    expect([gate.running, gate.queued]).toEqual([0, 0]);
  });
});
