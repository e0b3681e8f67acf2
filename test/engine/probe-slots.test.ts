import { describe, expect, it } from '@jest/globals';
import { ProbeSlots } from '../../src/engine/probe-slots.ts';
import type { Host, Standing } from '../../src/engine/probe-slots.ts';

interface Named {
  readonly name: string;
  readonly host: Host<Named>;
  standing: Standing;
  gone: boolean;
}

describe('ProbeSlots', () => {
  const setUp = (maxConcurrent: number, maxPerHost = 1) => {
    const slots = new ProbeSlots<Named>({ maxConcurrent, maxPerHost });
    const due = (name: string, ip: string, standing: Standing = 'steady'): Named => {
      const candidate = { name, host: slots.enter(ip), standing, gone: false };
      slots.enqueue(candidate);
      return candidate;
    };
    const taken = (): string[] => {
      const names: string[] = [];
      for (let next = slots.take(); next !== undefined; next = slots.take()) names.push(next.name);
      return names;
    };
    return { slots, due, taken };
  };

  it('lets the lanes take turns, the doubtful up to half of the slots', () => {
    const { due, taken } = setUp(6);
    for (let i = 0; i < 5; i++) due(`bad ${i}`, `10.0.0.${i}`, 'doubtful');
    for (let i = 0; i < 5; i++) due(`good ${i}`, `10.0.1.${i}`);
    expect(taken()).toEqual(['good 0', 'bad 0', 'good 1', 'bad 1', 'good 2', 'bad 2']);
  });

  it('leaves the other half free where only doubtful ones wait', () => {
    const { due, taken } = setUp(6);
    for (let i = 0; i < 5; i++) due(`bad ${i}`, `10.0.0.${i}`, i % 2 === 0 ? 'doubtful' : 'unheard');
    expect(taken()).toEqual(['bad 1', 'bad 3', 'bad 0']);
  });

  it('has one slot for the doubtful where there is only one', () => {
    const { due, taken } = setUp(1);
    due('bad', '10.0.0.1', 'doubtful');
    expect(taken()).toEqual(['bad']);
  });

  it('sets aside those whose host is busy, and lets them go first when it is not', () => {
    const { slots, due, taken } = setUp(2);
    const a = due('a', '10.0.0.1');
    due('b', '10.0.0.1');
    due('c', '10.0.0.2');
    due('d', '10.0.0.3');
    expect(taken()).toEqual(['a', 'c']);
    slots.release(a.host, 'steady');
    expect(taken()).toEqual(['b']);
  });

  it('keeps the order of arrival where a busy host meets full slots', () => {
    const { slots, due, taken } = setUp(1);
    const a = due('a', '10.0.0.1');
    const other = due('other', '10.0.0.2');
    expect(taken()).toEqual(['a']);
    const b = due('b', '10.0.0.1');
    due('c', '10.0.0.1');
    slots.release(a.host, 'steady');
    expect(taken()).toEqual(['other']);
    slots.release(other.host, 'steady');
    expect(taken()).toEqual(['b']);
    slots.release(b.host, 'steady');
    expect(taken()).toEqual(['c']);
  });

  it('calls the next one of a host when the one called before is removed in its lane', () => {
    const { slots, due, taken } = setUp(2);
    const [a, blocker] = [due('a', '10.0.0.1'), due('blocker', '10.0.0.2', 'doubtful')];
    expect(taken()).toEqual(['a', 'blocker']);
    slots.release(blocker.host, 'doubtful');
    const b = due('b', '10.0.0.1', 'doubtful');
    due('c', '10.0.0.1', 'doubtful');
    expect(taken()).toEqual([]);
    slots.release(a.host, 'steady');
    b.gone = true;
    expect(taken()).toEqual(['c']);
  });
});
