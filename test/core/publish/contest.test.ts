import { describe, expect, it } from '@jest/globals';
import {
  contestText,
  heldMs,
  isContested,
  overMs,
  afterRepair,
  type Contest,
} from '../../../src/core/publish/contest.ts';

/** Makes one repair at each of these times, in seconds. */
function repairedAt(...seconds: readonly number[]): Contest | undefined {
  return seconds.reduce<Contest | undefined>(
    (contest, second, i) => afterRepair(contest, { version: `${i}`, manager: 'argocd' }, second * 1000),
    undefined,
  );
}

describe('a contest', () => {
  it.each([
    ['no repair', [], false],
    ['five repairs in five seconds', [1, 2, 3, 4, 5], false],
    ['six repairs in six seconds', [1, 2, 3, 4, 5, 6], true],
    ['six repairs in a minute', [0, 12, 24, 36, 48, 60], true],
    ['six repairs in more than a minute', [0, 13, 25, 37, 49, 61], false],
    ['ten repairs, one in each half minute', [0, 30, 60, 90, 120, 150, 180, 210, 240, 270], false],
  ])('begins and ends by the number of repairs: %s', (_, seconds, contested) => {
    expect(isContested(repairedAt(...seconds))).toBe(contested);
  });

  it('delays the next repair by 1 s, then twice as long each time, at most a minute', () => {
    const holds = [6, 7, 8, 9, 10, 11, 12, 13, 14].map((count) => {
      const seconds = Array.from({ length: count }, (_, i) => i + 1);
      return heldMs(repairedAt(...seconds), count * 1000) / 1000;
    });
    expect(holds).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('keeps its delay when repairs become rare, and ends a minute after the last repair', () => {
    const contest = repairedAt(1, 2, 3, 4, 5, 6, 66, 126);
    expect(isContested(contest)).toBe(true);
    expect([
      heldMs(contest, 126_500),
      contest && overMs(contest, 150_000),
      contest && overMs(contest, 186_000),
    ]).toEqual([3_500, 36_000, 0]);
  });

  it('counts a repair that is retried only once', () => {
    const edit = { version: '1', manager: 'argocd' };
    let contest: Contest | undefined;
    for (let i = 0; i < 20; i += 1) contest = afterRepair(contest, edit, i);
    expect(isContested(contest)).toBe(false);
  });

  it('names the clients and the fields in its message', () => {
    const contest = repairedAt(1, 2, 3, 4, 5, 6);
    const text = contest && contestText('Service db', new Map([['spec.ports', contest]]), true);
    expect(text).toContain('Service db: argocd repeatedly changes spec.ports');
  });
});
