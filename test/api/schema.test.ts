import { describe, expect, it } from '@jest/globals';
import { parseBackend, type SpecProblem } from '../../src/api/parse.ts';
import { badSamples, goodSamples } from './samples.ts';

const stored = (spec: unknown, name = 'orders-db') => ({
  metadata: { namespace: 'shop', name, uid: 'u', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec,
});

const problemsOf = (spec: unknown, name?: string): readonly SpecProblem[] => {
  const parsed = parseBackend(stored(spec, name));
  return parsed.ok ? [] : parsed.problems;
};

describe('the schema', () => {
  it.each(badSamples.filter(({ admissionOnly }) => admissionOnly === undefined))(
    'refuses $name with one problem',
    ({ spec, resourceName, field, message }) => {
      const problems = problemsOf(spec, resourceName);
      expect(problems.map(({ path }) => path)).toEqual([field]);
      expect(problems[0]?.message).toContain(message);
    },
  );

  it.each(badSamples.filter(({ admissionOnly }) => admissionOnly))(
    'parses $name in a stored resource, so that its servers are still probed',
    ({ spec, resourceName }) => {
      expect(problemsOf(spec, resourceName)).toEqual([]);
    },
  );

  it.each(goodSamples)('accepts $name', ({ spec, resourceName }) => {
    expect(problemsOf(spec, resourceName)).toEqual([]);
  });

  it('is tested with at least 250 refused and 110 accepted samples, all with different names', () => {
    expect(badSamples.length).toBeGreaterThanOrEqual(250);
    expect(goodSamples.length).toBeGreaterThanOrEqual(110);
    expect(new Set([...badSamples, ...goodSamples].map(({ name }) => name)).size).toBe(
      badSamples.length + goodSamples.length,
    );
  });
});
