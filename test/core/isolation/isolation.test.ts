import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import {
  isIsolationOver,
  decideIsolation,
  pathEvidence,
  type HostPath,
} from '../../../src/core/isolation/isolation.ts';

const SINCE = 100;
const never = -Infinity;
const limits = { sharePercent: 50, minHosts: 3 };

/** Evidence of a host, as one letter: `r` reached since then, `s` silent, `o` open (answered before, or never asked). */
type Letter = 'r' | 's' | 'o';

const instants: Readonly<Record<Letter, Pick<HostPath, 'reachedAt' | 'unreachedAt'>>> = {
  r: { reachedAt: SINCE, unreachedAt: SINCE - 1 },
  s: { reachedAt: SINCE - 1, unreachedAt: SINCE + 1 },
  o: { reachedAt: SINCE - 1, unreachedAt: never },
};

/** Returns paths of hosts that belong to as many backends, or to `backends`. */
const pathsOf = (letters: string, backends = letters.length): readonly HostPath[] =>
  letters.split('').map((letter, n) => ({
    host: `10.0.0.${n + 1}`,
    backends: [`uid-${n % backends}`],
    ...instants[letter as Letter],
  }));

describe('the evidence about a host', () => {
  it.each<[string, number, number, string]>([
    ['an answer since then', 100, never, 'reached'],
    ['an answer since then, after a silence', 101, 100, 'reached'],
    ['an answer and a silence of runs that began together', 100, 100, 'reached'],
    ['an answer before then alone', 99, never, 'open'],
    ['an answer before then, after a silence', 99, 98, 'open'],
    ['nothing', never, never, 'open'],
    ['a silence after an answer', 100, 101, 'silent'],
    ['a silence before then that no answer has ended', 97, 98, 'silent'],
    ['a silence alone', never, 90, 'silent'],
  ])('is by the start of the latest run: %s', (_, reachedAt, unreachedAt, evidence) => {
    expect(pathEvidence({ host: '10.0.0.1', backends: [], reachedAt, unreachedAt }, SINCE)).toBe(evidence);
  });
});

describe('the operator', () => {
  it.each<[string, string, number, string]>([
    ['all of three hosts are silent', 'sss', 3, 'isolated'],
    ['half of the hosts are silent', 'sssrrr', 6, 'isolated'],
    ['fewer than half are silent', 'sssrrrr', 7, 'clear'],
    ['two hosts are silent, and there are no more', 'ss', 2, 'clear'],
    ['one host is silent of many', `s${'r'.repeat(29)}`, 30, 'clear'],
    ['all hosts of one backend are silent', 'sssss', 1, 'clear'],
    ['the hosts of two backends are silent', 'sssss', 2, 'isolated'],
    ['one host is silent, and two have not answered yet', 'soo', 3, 'open'],
    ['half may be silent', 'srro', 4, 'clear'],
    ['half and three may be silent', 'ssrro', 5, 'open'],
    ['so many are silent that the open ones do not matter', 'ssso', 4, 'isolated'],
    ['no host was asked', '', 1, 'clear'],
  ])('is judged where %s', (_, letters, backends, state) => {
    expect(decideIsolation(pathsOf(letters, Math.max(1, backends)), SINCE, limits).state).toBe(state);
  });

  it.each<[string, string, boolean]>([
    ['all are silent', 'ssss', false],
    ['half are silent', 'ssrr', false],
    ['fewer than half are silent', 'srr', true],
    ['fewer than half of those with evidence are silent', 'sroo', false],
    ['none is silent', 'rr', true],
    ['no host is left', '', true],
  ])('is isolated until fewer than half are silent: %s', (_, letters, isOver) => {
    expect(isIsolationOver(pathsOf(letters), SINCE, limits)).toBe(isOver);
  });
});

/** The rule in its longest form, without an open host. */
function isIsolatedBy(paths: readonly HostPath[], sharePercent: number, minHosts: number): boolean {
  let silent = 0;
  const backends: Record<string, true> = {};
  for (const path of paths) {
    if (path.unreachedAt <= path.reachedAt) continue;
    silent += 1;
    for (const backend of path.backends) backends[backend] = true;
  }
  return (
    silent >= minHosts && silent / paths.length >= sharePercent / 100 && Object.keys(backends).length >= 2
  );
}

/** Returns all ways in which open hosts may turn out. */
function outcomes(paths: readonly HostPath[]): readonly (readonly HostPath[])[] {
  const at = paths.findIndex((path) => pathEvidence(path, SINCE) === 'open');
  const open = paths[at];
  if (open === undefined) return [paths];
  return (['r', 's'] as const).flatMap((letter) =>
    outcomes(paths.with(at, { ...open, ...instants[letter] })),
  );
}

const drawn = fc.array(
  fc.record({
    backends: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
    reachedAt: fc.constantFrom(never, SINCE - 2, SINCE, SINCE + 2),
    unreachedAt: fc.constantFrom(never, SINCE - 1, SINCE + 1, SINCE + 3),
  }),
  { maxLength: 8 },
);

it('an isolation is concluded, or ruled out, exactly when no answer that is outstanding can change it', () => {
  fc.assert(
    fc.property(
      drawn,
      fc.constantFrom(1, 30, 50, 67, 100),
      fc.integer({ min: 2, max: 4 }),
      (hosts, sharePercent, minHosts) => {
        const paths = hosts.map((each, n) => ({ host: String(n), ...each }));
        const results = outcomes(paths).map((each) => isIsolatedBy(each, sharePercent, minHosts));
        const expected = results.every(Boolean) ? 'isolated' : results.some(Boolean) ? 'open' : 'clear';
        expect(decideIsolation(paths, SINCE, { sharePercent, minHosts }).state).toBe(expected);
      },
    ),
  );
});
