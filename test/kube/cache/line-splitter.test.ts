import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LineSplitter } from '../../../src/kube/cache/line-splitter.ts';

describe('LineSplitter', () => {
  it('finds the same lines however the bytes are split', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat({ max: 20 }), { minLength: 1 }), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''));
        const splitter = new LineSplitter();
        const found: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
          found.push(...splitter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(found).toEqual(lines);
        expect(splitter.midLine).toBe(false);
      }),
    );
  });

  it('reports that a line has not ended', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from('{"a":1}\n{"b"'))).toEqual(['{"a":1}']);
    expect(splitter.midLine).toBe(true);
  });
});
