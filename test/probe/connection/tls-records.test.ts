import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RecordCounter } from '../../../src/probe/connection/tls-records.ts';

const record = (length: number): Buffer =>
  Buffer.concat([Buffer.of(23, 3, 3, length >> 8, length & 0xff), Buffer.alloc(length, 0x17)]);

it('Records are counted once each, however their bytes arrive', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 20 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 999 }), (bodies, size) => {
      const bytes = Buffer.concat(bodies.map(record));
      const counter = new RecordCounter();
      let count = 0;
      for (let at = 0; at < bytes.length; at += size) count += counter.count(bytes.subarray(at, at + size));
      expect(count).toBe(bodies.length);
    }),
  );
});
