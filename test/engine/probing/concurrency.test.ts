import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAlive } from '../../../src/engine/probing/probe-host.ts';
import { noCounts, probeClasses } from '../../../src/engine/probing/probe-shares.ts';
import { ProbeLimiter } from '../../../src/engine/probing/concurrency.ts';
import type { ProbeHost } from '../../../src/engine/probing/probe-host.ts';
import type { ProbeClass, ProbeOwner } from '../../../src/engine/probing/probe-shares.ts';
import type { QueuedProbe, Slot } from '../../../src/engine/probing/concurrency.ts';

interface Named extends QueuedProbe<Named> {
  readonly name: string;
  readonly host: ProbeHost<Named>;
}

const newOwner = (namespace = 'team'): ProbeOwner => ({ namespace, running: noCounts() });

function setUp(maxConcurrent: number, maxPerHost = 1, maxPerHostAndNamespace = maxPerHost) {
  const slots = new ProbeLimiter<Named>({ maxConcurrent, maxPerHost, maxPerHostAndNamespace });
  const held = new Map<string, Slot<Named>>();
  const anyone = newOwner();
  const add = (name: string, ip: string, kind: ProbeClass, owners = [anyone]): Named => {
    return {
      name,
      host: slots.acquireHost(ip, kind),
      class: kind,
      owners,
      ticket: undefined,
      place: undefined,
    };
  };
  return {
    slots,
    add,
    due: (name: string, ip: string, kind: ProbeClass = 'steady', owners = [anyone]): Named => {
      const candidate = add(name, ip, kind, owners);
      slots.enqueue(candidate);
      return candidate;
    },
    taken: (): string[] => {
      const names: string[] = [];
      for (let slot = slots.take(); slot !== undefined; slot = slots.take()) {
        held.set(slot.candidate.name, slot);
        names.push(slot.candidate.name);
      }
      return names;
    },
    release: (name: string): void => {
      const slot = held.get(name);
      if (slot !== undefined && held.delete(name)) slots.release(slot);
    },
  };
}

describe('ProbeLimiter', () => {
  describe('between classes', () => {
    it('lets the classes take turns, and gives unsteady ones at most half of the slots', () => {
      const { due, taken } = setUp(6);
      for (let i = 0; i < 5; i++) due(`dead ${i}`, `10.0.0.${i}`, 'dead');
      for (let i = 0; i < 5; i++) due(`good ${i}`, `10.0.1.${i}`);
      const names = taken();
      expect(names).toHaveLength(6);
      expect(names.filter((name) => name.startsWith('good')).length).toBeGreaterThanOrEqual(3);
    });

    it('leaves half of the slots free when only failed and new addresses wait, and probes new ones first', () => {
      const { due, taken } = setUp(6);
      for (let i = 0; i < 5; i++) due(`${i}`, `10.0.0.${i}`, i % 2 === 0 ? 'dead' : 'new');
      expect(taken()).toEqual(['1', '3', '0']);
    });

    it('gives a failed address the slot when there is only one', () => {
      const { due, taken } = setUp(1);
      due('dead', '10.0.0.1', 'dead');
      expect(taken()).toEqual(['dead']);
    });

    it('never lets an address that failed once wait for failed ones', () => {
      const { due, taken } = setUp(160, 2);
      for (let i = 0; i < 500; i++) due('dead', `10.0.${i >> 8}.${i & 255}`, 'dead', [newOwner()]);
      expect(taken().length).toBeLessThanOrEqual(80);
      due('failed once', '10.1.0.1', 'suspect');
      expect(taken()).toEqual(['failed once']);
    });

    it('always has a slot for a new address, also when all others stop responding', () => {
      const { due, taken } = setUp(160, 2);
      for (let i = 0; i < 500; i++) due('silent', `10.0.${i >> 8}.${i & 255}`, 'steady', [newOwner()]);
      expect(taken().length).toBeLessThanOrEqual(140);
      due('new', '10.1.0.1', 'new');
      expect(taken()).toEqual(['new']);
    });

    it('probes failed addresses now and then, however many new ones wait', () => {
      const { due, taken, release } = setUp(2);
      due('dead', '10.0.0.1', 'dead');
      for (let i = 0; i < 20; i++) due(`new ${i}`, `10.0.1.${i}`, 'new');
      const names: string[] = [];
      for (let round = 0; round < 10; round++) {
        const next = taken();
        names.push(...next);
        for (const name of next) release(name);
      }
      expect(names).toContain('dead');
    });
  });

  describe('between backends', () => {
    it('lets backends take turns, whatever the number of their checks', () => {
      const { due, taken } = setUp(4);
      const [many, few] = [newOwner(), newOwner()];
      for (let i = 0; i < 5; i++) due(`many ${i}`, `10.0.0.${i}`, 'steady', [many]);
      due('few', '10.0.1.1', 'steady', [few]);
      expect(taken()).toEqual(['many 0', 'few', 'many 1', 'many 2']);
    });

    it('counts a check of several backends for the one that is next', () => {
      const { due, taken } = setUp(4);
      const [many, few] = [newOwner(), newOwner()];
      for (let i = 0; i < 5; i++) due(`many ${i}`, `10.0.0.${i}`, 'steady', [many]);
      due('shared', '10.0.1.1', 'steady', [many, few]);
      expect(taken()).toEqual(['many 0', 'shared', 'many 1', 'many 2']);
    });

    it.each<ProbeClass>(['steady', 'suspect', 'new', 'dead'])(
      'leaves a slot for another backend, whatever two backends hold for hours: %s ones',
      (kind) => {
        const { due, taken } = setUp(4_096, 2);
        for (const [net, owner] of [newOwner(), newOwner()].entries())
          for (let i = 0; i < 4_000; i++) due('hole', `10.${net}.${i >> 8}.${i & 255}`, kind, [owner]);
        taken();
        due('late', '10.9.0.1', kind, [newOwner()]);
        expect(taken()).toEqual(['late']);
      },
    );
  });

  describe('between namespaces', () => {
    it('lets namespaces take turns, whatever the number of their backends', () => {
      const { due, taken } = setUp(4);
      for (let i = 0; i < 5; i++) due(`greedy ${i}`, `10.0.0.${i}`, 'steady', [newOwner('greedy')]);
      const modest = newOwner('modest');
      for (let i = 0; i < 2; i++) due(`modest ${i}`, `10.0.1.${i}`, 'steady', [modest]);
      expect(taken()).toEqual(['greedy 0', 'modest 0', 'greedy 1', 'modest 1']);
    });

    it.each<ProbeClass>(['steady', 'suspect', 'new', 'dead'])(
      'leaves a slot for another namespace, whatever one with many backends holds for hours: %s ones',
      (kind) => {
        const { due, taken } = setUp(160, 2);
        for (let i = 0; i < 500; i++) due('hole', `10.1.${i >> 8}.${i & 255}`, kind, [newOwner('greedy')]);
        taken();
        due('late', '10.9.0.1', kind, [newOwner('modest')]);
        expect(taken()).toEqual(['late']);
      },
    );

    it('gives each namespace places of one IP, and turns when there are more namespaces than places', () => {
      const { due, taken, release } = setUp(100, 4, 2);
      for (const name of ['a', 'b', 'c'])
        for (let i = 0; i < 3; i++) due(`${name}${i}`, '10.0.0.1', 'dead', [newOwner(name)]);
      expect(taken()).toEqual(['a0', 'b0', 'a1', 'b1']);
      const next = ['a0', 'b0', 'a1', 'b1', 'c0'].map((name) => {
        release(name);
        return taken();
      });
      expect(next).toEqual([['a2'], ['b2'], ['c0'], ['c1'], ['c2']]);
    });

    it('runs a check of two namespaces at the turn and in the place of one of them', () => {
      const { due, taken } = setUp(100, 8, 2);
      const [greedy, modest] = [newOwner('greedy'), newOwner('modest')];
      for (let i = 0; i < 5; i++) due(`greedy ${i}`, '10.0.0.1', 'dead', [greedy]);
      due('shared', '10.0.0.1', 'dead', [greedy, modest]);
      expect(taken()).toEqual(['greedy 0', 'shared', 'greedy 1']);
    });
  });

  describe('of one host', () => {
    it('keeps probes waiting while the host is busy, and runs them first when it is not', () => {
      const { due, taken, release } = setUp(2);
      due('a', '10.0.0.1');
      due('b', '10.0.0.1');
      due('c', '10.0.0.2');
      due('d', '10.0.0.3');
      expect(taken()).toEqual(['a', 'c']);
      release('a');
      expect(taken()).toEqual(['d']);
      release('c');
      expect(taken()).toEqual(['b']);
    });

    it('lets backends of one host take turns', () => {
      const { due, taken, release } = setUp(4);
      const [many, few] = [newOwner(), newOwner()];
      for (let i = 0; i < 3; i++) due(`many ${i}`, '10.0.0.1', 'steady', [many]);
      due('few', '10.0.0.1', 'steady', [few]);
      const order = [...taken()];
      for (let i = 0; i < 3; i++) {
        release(order.at(-1) ?? '');
        order.push(...taken());
      }
      expect(order).toEqual(['many 0', 'many 1', 'few', 'many 2']);
    });

    it('keeps one of two slots for ports that respond: failed ones use at most one', () => {
      const { due, taken, release } = setUp(100, 2);
      due('alive', '10.0.0.1');
      for (let i = 0; i < 30; i++) due(`dead ${i}`, '10.0.0.1', 'dead');
      expect(taken()).toEqual(['alive', 'dead 0']);
      release('alive');
      expect(taken()).toEqual([]);
      due('other alive', '10.0.0.1', 'suspect');
      expect(taken()).toEqual(['other alive']);
    });

    it('gives failed ports all slots of a host when none responds', () => {
      const { due, taken } = setUp(100, 2);
      for (let i = 0; i < 3; i++) due(`dead ${i}`, '10.0.0.1', 'dead');
      expect(taken()).toEqual(['dead 0', 'dead 1']);
    });

    it('gives failed ports all slots as soon as the last one stops responding', () => {
      const { slots, add, due, taken } = setUp(100, 2);
      const dying = add('dying', '10.0.0.1', 'suspect');
      for (let i = 0; i < 3; i++) due(`dead ${i}`, '10.0.0.1', 'dead');
      expect(taken()).toEqual(['dead 0']);
      expect(slots.classify(dying, 'dead')).toBe(true);
      expect(taken()).toEqual(['dead 1']);
    });

    it('with one slot probes ports that respond first, and failed ones before long', () => {
      const { due, taken, release } = setUp(100, 1);
      for (let i = 0; i < 2; i++) due(`dead ${i}`, '10.0.0.1', 'dead');
      for (let i = 0; i < 30; i++) due(`alive ${i}`, '10.0.0.1');
      const order = [...taken()];
      for (let i = 0; i < 20; i++) {
        release(order.at(-1) ?? '');
        order.push(...taken());
      }
      expect(order.slice(0, 3)).toEqual(['alive 0', 'alive 1', 'alive 2']);
      expect(order).toEqual(expect.arrayContaining(['dead 0', 'dead 1']));
    });

    it('continues with the next probe when the one that may run is removed', () => {
      const { slots, due, taken, release } = setUp(2);
      due('a', '10.0.0.1');
      due('blocker', '10.0.0.2', 'dead');
      expect(taken()).toEqual(['a', 'blocker']);
      const b = due('b', '10.0.0.1', 'dead');
      due('c', '10.0.0.1', 'dead');
      release('a');
      slots.leave(b);
      release('blocker');
      expect(taken()).toEqual(['c']);
    });
  });

  it('keeps all limits and loses no check, whatever is due, removed and finished', () => {
    const act = fc.oneof(
      fc.record({
        kind: fc.constant('due' as const),
        host: fc.nat({ max: 3 }),
        class: fc.constantFrom(...probeClasses),
        owners: fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1, maxLength: 2 }),
      }),
      fc.record({ kind: fc.constantFrom('take' as const, 'release' as const), which: fc.nat({ max: 20 }) }),
      fc.record({ kind: fc.constant('leave' as const), which: fc.nat({ max: 20 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(act, { maxLength: 120 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom<string[]>(['a', 'a', 'a', 'a'], ['a', 'a', 'b', 'c']),
        (acts, maxConcurrent, maxPerHost, perNamespace, namespaces) => {
          const { slots, due } = setUp(maxConcurrent, maxPerHost, perNamespace);
          const owners = namespaces.map(newOwner);
          const [waiting, running] = [new Set<Named>(), new Set<Slot<Named>>()];
          const take = (): void => {
            const slot = slots.take();
            if (slot === undefined) return;
            expect(waiting.delete(slot.candidate)).toBe(true);
            running.add(slot);
            expect(running.size).toBeLessThanOrEqual(maxConcurrent);
            const beside = [...running].filter(({ host }) => host === slot.host);
            expect(beside.length).toBeLessThanOrEqual(maxPerHost);
            const own = beside.filter(({ place }) => place === slot.place);
            expect(own.length).toBeLessThanOrEqual(perNamespace);
            const dead = own.filter((each) => each.class === 'dead').length;
            const isGuarded = slot.class === 'dead' && slot.host.alive > 0 && !namespaces.includes('b');
            const places = Math.min(maxPerHost, perNamespace);
            if (isGuarded && places > 1) expect(dead).toBeLessThan(places);
          };
          const release = (which: number): void => {
            const slot = [...running][which % Math.max(1, running.size)];
            if (slot === undefined || !running.delete(slot)) return;
            slots.release(slot);
            slots.leave(slot.candidate);
          };
          const leave = (which: number): void => {
            const candidate = [...waiting][which % Math.max(1, waiting.size)];
            if (candidate !== undefined && waiting.delete(candidate)) slots.leave(candidate);
          };
          acts.forEach((each, i) => {
            if (each.kind === 'due') {
              const own = each.owners.flatMap((index) => owners[index] ?? []);
              waiting.add(due(`${i}`, `10.0.0.${each.host}`, each.class, own));
            } else ({ take, release, leave })[each.kind](each.which);
          });
          for (let i = 0; i < acts.length * 2; i++) {
            take();
            if (running.size >= Math.min(maxConcurrent, 2) || waiting.size === 0 || i % 3 === 0) release(0);
          }
          while (running.size > 0) {
            release(0);
            take();
          }
          expect(waiting.size).toBe(0);
          for (const owner of owners) expect(owner.running).toEqual(noCounts());
        },
      ),
      { numRuns: 500 },
    );
    expect(probeClasses.filter(isAlive)).toEqual(['steady', 'suspect']);
  });
});
