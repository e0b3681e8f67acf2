import { expect, it } from '@jest/globals';
import { Quarantine } from '../../../src/engine/workers/quarantine.ts';

const minute = 60_000;
const day = 86_400_000;

it('A check is quarantined that was being probed at two ends of a thread, but not at one', () => {
  const quarantine = new Quarantine();
  expect(quarantine.recordStall(['a', 'b'], 0)).toEqual([]);
  expect(quarantine.recordStall(['b', 'c'], minute)).toEqual(['b']);
  expect(['a', 'b', 'c'].map((key) => quarantine.placementOf(key))).toEqual([
    'shared',
    'quarantine',
    'shared',
  ]);
  expect(quarantine.size).toBe(1);
});

it('The end of a thread does not count after a day', () => {
  const quarantine = new Quarantine();
  quarantine.recordStall(['a'], 0);
  expect(quarantine.advance(day)).toEqual([]);
  expect(quarantine.recordStall(['a'], day + 1)).toEqual([]);
  expect(quarantine.size).toBe(0);
});

it('A check that ran alone is not probed for a minute, then two, four, up to an hour', () => {
  const quarantine = new Quarantine();
  let now = 0;
  quarantine.recordStall(['a'], now);
  quarantine.recordStall(['a'], now);
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    expect(quarantine.recordStall(['a'], now)).toEqual(['a']);
    expect(quarantine.advance(now + minutes * minute - 1)).toEqual([]);
    expect(quarantine.placementOf('a')).toBe('held');
    now += minutes * minute;
    expect(quarantine.advance(now)).toEqual(['a']);
    expect(quarantine.placementOf('a')).toBe('quarantine');
  }
  expect(quarantine.advance(now + day)).toEqual(['a']);
  expect([quarantine.placementOf('a'), quarantine.size]).toEqual(['shared', 0]);
});
