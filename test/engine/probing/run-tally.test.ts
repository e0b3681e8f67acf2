import { expect, it } from '@jest/globals';
import { RunTally } from '../../../src/engine/probing/run-tally.ts';
import { down, up } from '../../support/builders/verdicts.ts';

it('A tally reads the counts of another one in the same memory', () => {
  const memory = new SharedArrayBuffer(RunTally.bytes);
  const [writer, reader] = [new RunTally(memory), new RunTally(memory)];
  writer.ran('grpc', up, 3);
  writer.ran('grpc', down, 40_000);
  writer.late(2_000);
  expect(reader.rows().map(({ kind, reason, results }) => [kind, reason, results])).toEqual([
    ['grpc', 'Connected', { up: 1, down: 0, inconclusive: 0 }],
    ['grpc', 'Refused', { up: 0, down: 1, inconclusive: 0 }],
  ]);
  expect(reader.rows()[1]?.durations).toMatchObject({ sum: 40 });
  expect(reader.rows()[1]?.durations.counts.at(-1)).toBe(1);
  expect(reader.lateness()).toMatchObject({ sum: 2 });
});

it('A tally is the sum of those that are added to it', () => {
  const [one, two, sum] = [new RunTally(), new RunTally(), new RunTally()];
  one.ran('tls', up, 1);
  two.ran('tls', up, 2);
  sum.add(one);
  sum.add(two);
  expect(sum.rows()).toMatchObject([{ kind: 'tls', results: { up: 2 } }]);
  expect(sum.rows()[0]?.durations.sum).toBeCloseTo(0.003);
});
