import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shortHash } from '../../../src/core/kubernetes/short-hash.ts';

describe('shortHash', () => {
  it('fits into a name, is the same for the same text, and differs for another', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(shortHash(a)).toMatch(/^[0-9a-z]{1,11}$/);
        expect(shortHash(a) === shortHash(b)).toBe(a === b);
      }),
    );
  });

  it('has no collision among 20,000 texts that differ in one number', () => {
    expect(new Set(Array.from({ length: 20_000 }, (_, n) => shortHash(`uid ${n}`))).size).toBe(20_000);
  });
});
