import { describe, expect, it } from '@jest/globals';
import { effectiveRecords } from '../../../src/core/resolution/effective-records.ts';
import {
  applyAnswer,
  emptyNameState,
  questionKey,
  sameRecords,
  withPublishedRecords,
} from '../../../src/core/resolution/name-state.ts';
import {
  WALL,
  after,
  at,
  denied,
  failed,
  good,
  published,
  records,
  step,
  trusted,
} from '../support/name-answers.ts';
import type { Answer, Records } from '../../../src/core/resolution/name-state.ts';
import type { ServiceRecord } from '../../../src/core/resolution/srv-records.ts';

describe('an answer and the records before it', () => {
  it.each([
    ['records replace nothing', [good], ['10.0.0.1']],
    ['records replace others at once', [good, records('10.0.0.2')], ['10.0.0.2']],
    ['records replace part of others', [records('10.0.0.1', '10.0.0.2'), records('10.0.0.2')], ['10.0.0.2']],
    ['records come back after a believed denial', [good, trusted, trusted, trusted, good], ['10.0.0.1']],
    ['one denial takes nothing away', [good, trusted], ['10.0.0.1']],
    ['two denials take nothing away', [good, trusted, trusted], ['10.0.0.1']],
    ['three denials from a server that answers other names take all away', [good, trusted, trusted, trusted], []],
    ['a denial of either sort counts', [good, trusted, denied(Infinity, 'NoAddress'), trusted], []],
    ['denials from a server that never answered anything take nothing away', [good, ...Array<Answer>(9).fill(denied())], ['10.0.0.1']],
    ['denials from a server that answered others before the first of them only take nothing away', [good, ...Array<Answer>(9).fill(denied(step - 1))], ['10.0.0.1']],
    ['denials from a server that answered others just then take all away', [good, denied(), denied(), denied(step)], []],
    ['a fourth denial that is vouched for is believed', [good, denied(), denied(), denied(), trusted], []],
    ['a failure takes nothing away', [good, failed()], ['10.0.0.1']],
    ['any number of failures takes nothing away', [good, ...Array<Answer>(50).fill(failed())], ['10.0.0.1']],
    ['a failure in between makes denials count from anew', [good, trusted, trusted, failed(), trusted, trusted], ['10.0.0.1']],
    ['three denials after that failure are believed', [good, trusted, failed(), trusted, trusted, trusted], []],
    ['records in between make denials count from anew', [good, trusted, trusted, good, trusted, trusted], ['10.0.0.1']],
    ['a failure after a believed denial brings nothing back', [good, trusted, trusted, trusted, failed()], []],
  ] as const)('%s', (_, answers, left) => expect(after(answers).addresses).toEqual(left)); // prettier-ignore

  it('changes restored records in the same way', () => {
    expect(after([failed(), trusted, trusted], published).addresses).toEqual(['10.0.0.1']);
    expect(after([trusted, trusted, trusted], published).addresses).toEqual([]);
    expect(after([records('10.0.0.2')], published)).toMatchObject({
      addresses: ['10.0.0.2'],
      origin: 'answer',
    });
  });

  it('keeps when these records were first received and last confirmed', () => {
    const state = after([good, good, good]);
    expect(state).toMatchObject({
      changedWall: WALL,
      confirmedAt: 2 * step,
      confirmedWall: WALL + 2 * step,
    });
  });

  it('uses records again that return after a confirmed negative answer', () => {
    const state = after([good, trusted, trusted, trusted, good]);
    expect(state).toMatchObject({
      changedWall: WALL + 4 * step,
      isConfirmedNegative: false,
      removedAddresses: [],
    });
  });
});

describe('restored records', () => {
  const others: Records = { addresses: ['10.0.0.9'], services: [] };

  it.each([
    ['is put in where nothing is known', emptyNameState, true],
    ['is put in where the servers have only failed', after([failed()]), true],
    ['is put in where a denial is not believed yet', after([trusted]), true],
    ['overrides no answer', after([good]), false],
    ['overrides no believed denial', after([trusted, trusted, trusted]), false],
    ['overrides nothing that was put in before', published, false],
  ])('%s', (_, state, taken) => {
    expect(withPublishedRecords(state, others, at(1)).addresses.includes('10.0.0.9')).toBe(taken);
  });
});

describe('an address that leaves the answer', () => {
  it('is kept with its time, the latest last', () => {
    const state = after([records('10.0.0.1', '10.0.0.2'), records('10.0.0.2'), records('10.0.0.3')]);
    expect(state.removedAddresses).toEqual([
      { ip: '10.0.0.1', at: step },
      { ip: '10.0.0.2', at: 2 * step },
    ]);
  });

  it('is no longer kept as removed when it comes back', () => {
    expect(after([good, records('10.0.0.2'), good]).removedAddresses).toEqual([
      { ip: '10.0.0.2', at: 2 * step },
    ]);
  });

  it('is kept also after a confirmed negative answer', () => {
    expect(after([good, trusted, trusted, trusted]).removedAddresses).toEqual([
      { ip: '10.0.0.1', at: 3 * step },
    ]);
  });

  it('is kept among the last 256', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
    const { removedAddresses } = after([records(...many), good]);
    expect(removedAddresses).toHaveLength(256);
    expect(removedAddresses.at(-1)?.ip).toBe(many.at(-1));
  });
});

describe('expired records', () => {
  it('remain expired while servers alternate between failures and negative answers', () => {
    const options = { staleMs: 30_000, keepMs: 0 };
    let [state, rules] = [after([good]), new Set<string>()];
    for (let i = 1; i <= 200; i++) {
      const now = i * step;
      state = applyAnswer(state, i % 2 === 0 ? denied() : failed(), at(now));
      if (now >= step + options.staleMs) rules = rules.add(effectiveRecords(state, options, now).state);
    }
    expect([...rules]).toEqual(['Expired']);
  });
});

describe('records', () => {
  const service: ServiceRecord = { host: 'a.example', port: 27017, priority: 0, weight: 5 };
  const of = (services: readonly ServiceRecord[]): Records => ({ addresses: [], services });

  it('are the same in any order, and however their fields are ordered', () => {
    const other = { ...service, host: 'b.example' };
    const turned = { weight: 5, priority: 0, port: 27017, host: 'a.example' };
    expect(sameRecords(of([service, other]), of([other, turned]))).toBe(true);
  });

  it.each(['port', 'priority', 'weight'] as const)('differ by the %s of a service', (field) =>
    expect(sameRecords(of([service]), of([{ ...service, [field]: 1 }]))).toBe(false),
  );

  it('have a key of type and name', () => {
    expect(questionKey({ name: 'db.example', type: 'AAAA' })).toBe('AAAA db.example');
  });
});
