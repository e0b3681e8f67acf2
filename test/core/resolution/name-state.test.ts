import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  negativeAnswersToConfirm,
  isVisibleChange,
  applyAnswer,
  emptyNameState,
  questionKey,
  sameRecords,
  withPublishedRecords,
} from '../../../src/core/resolution/name-state.ts';
import type { Answer, NameState, Records } from '../../../src/core/resolution/name-state.ts';
import type { ServiceRecord } from '../../../src/core/resolution/srv-records.ts';
import { effectiveRecords } from '../../../src/core/resolution/effective-records.ts';
import type { EffectiveRecords } from '../../../src/core/resolution/effective-records.ts';

const WALL = 1_000_000;
const step = 5_000;

const records = (...addresses: string[]): Answer => ({
  kind: 'records',
  ttlMs: 60_000,
  addresses,
  services: [],
});
const failed = (message = '10.0.0.53 does not answer'): Answer => ({ kind: 'failed', message });
/** `vouchedAt`: time at which the server last answered another name. */
const denied = (serverAnsweredAt?: number, reason: 'NoSuchName' | 'NoAddress' = 'NoSuchName'): Answer => ({
  kind: 'none',
  reason,
  ttlMs: 60_000,
  ...(serverAnsweredAt === undefined ? {} : { serverAnsweredAt }),
});
const trusted = denied(Infinity);
const at = (now: number) => ({ now, wall: WALL + now });

/** Steps a state by answers that follow each other by one `step`, the first at 0. */
const after = (answers: readonly Answer[], from: NameState = emptyNameState): NameState =>
  answers.reduce((state, answer, i) => applyAnswer(state, answer, at(i * step)), from);

const published = withPublishedRecords(emptyNameState, { addresses: ['10.0.0.1'], services: [] }, at(0));
const good = records('10.0.0.1');

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

describe('the records in effect', () => {
  const gone = [good, trusted, trusted, trusted];
  const ip = ['10.0.0.1'];
  const options = { staleMs: 30_000, keepMs: 0 };
  const noAddress = denied(Infinity, 'NoAddress');
  const ofAnswers = (answers: readonly Answer[]): NameState => after(answers);

  it.each([
    ['records: these', ofAnswers([good]), 0, ip, 'Answered'],
    ['records after failures: these', ofAnswers([failed(), failed(), good]), 0, ip, 'Answered'],
    ['no answer yet, but published: the published', published, 0, ip, 'Restored'],
    ['no answer yet: nothing', emptyNameState, 0, [], 'Pending'],
    ['none, believed: nothing', ofAnswers(gone), 0, [], 'NoSuchName'],
    ['no address, believed: nothing', ofAnswers([good, noAddress, noAddress, noAddress]), 0, [], 'NoAddress'],
    ['none, believed, and never an answer before: nothing', ofAnswers([trusted, trusted, trusted]), 0, [], 'NoSuchName'],
    ['first negative answer: the last good one, not reported yet', ofAnswers([good, trusted]), 0, ip, 'Answered'],
    ['none, not believed yet: the last good', ofAnswers([good, trusted, trusted]), 0, ip, 'Unconfirmed'],
    ['first negative answer, with restored records: these, not reported yet', after([trusted], published), 0, ip, 'Restored'],
    ['none, not believed yet, but published: the published', after([trusted, trusted], published), 0, ip, 'Unconfirmed'],
    ['none, not believed yet, and never a good answer: nothing', ofAnswers([trusted]), 0, [], 'Unconfirmed'],
    ['first failure: the last good answer, not reported yet', ofAnswers([good, failed()]), 0, ip, 'Answered'],
    ['first failure, the last answer older than staleMs: not reported yet either', ofAnswers([good, failed()]), 40_000, ip, 'Answered'],
    ['failed: the last good', ofAnswers([good, failed(), failed()]), 0, ip, 'Stale'],
    ['failed, a moment before staleMs: the last good', ofAnswers([good, failed(), failed()]), step + 29_999, ip, 'Stale'],
    ['failed for staleMs: nothing', ofAnswers([good, failed(), failed()]), step + 30_000, [], 'Expired'],
    ['denied after failures, before staleMs: the last good', ofAnswers([good, failed(), failed(), denied()]), step + 29_999, ip, 'Unconfirmed'],
    ['denied after failures for staleMs: nothing', ofAnswers([good, failed(), failed(), denied()]), step + 30_000, [], 'Expired'],
    ['denied and never believed for staleMs: the last good', ofAnswers([good, denied(), denied(), denied()]), step + 30_000, ip, 'Unconfirmed'],
    ['first failure, with restored records: these, not reported yet', after([failed()], published), 0, ip, 'Restored'],
    ['failed, but published: the published', after([failed(), failed()], published), 0, ip, 'Stale'],
    ['failed for staleMs, though published: nothing', after([failed(), failed()], published), 30_000, [], 'Expired'],
    ['failed, and never a good answer: nothing', ofAnswers([failed()]), 0, [], 'Failed'],
    ['failed after there was nothing: nothing', ofAnswers([...gone, failed()]), 0, [], 'NoSuchName'],
    ['failed after there was no address: nothing', ofAnswers([good, noAddress, noAddress, noAddress, failed(), failed()]), 0, [], 'NoAddress'],
  ] as const)('%s', (_, state, now, addresses, rule) =>
    expect(effectiveRecords(state, options, now)).toMatchObject({ addresses, state: rule })); // prettier-ignore

  it('remain for ever with a staleMs of 0', () => {
    const state = after([good, failed(), failed()]);
    const forEver = effectiveRecords(state, { staleMs: 0, keepMs: 0 }, 1e12);
    expect(forEver).toMatchObject({ addresses: ip, state: 'Stale', nextAt: undefined });
  });

  it('count staleMs from the first result without records, not from the last answer', () => {
    const late = applyAnswer(applyAnswer(after([good]), failed(), at(290_000)), failed(), at(295_000));
    expect(effectiveRecords(late, options, 295_000)).toMatchObject({ state: 'Stale', nextAt: 320_000 });
    expect(effectiveRecords(late, options, 320_000).state).toBe('Expired');
  });

  it('report when they end because time passes', () => {
    const rotated = after([good, records('10.0.0.2')]);
    const kept = effectiveRecords(rotated, { staleMs: 0, keepMs: 10_000 }, step + 9_999);
    expect(kept).toMatchObject({ kept: ip, nextAt: step + 10_000 });
    const ended = effectiveRecords(rotated, { staleMs: 0, keepMs: 10_000 }, step + 10_000);
    expect(ended).toMatchObject({ kept: [], nextAt: undefined });
  });

  it('report since when they are in effect, and the error of the servers', () => {
    const tells = (answers: readonly Answer[]): Pick<EffectiveRecords, 'resolvedWall' | 'error'> => {
      const { resolvedWall, error } = effectiveRecords(after(answers), options, 0);
      return { resolvedWall, error };
    };
    expect(tells([])).toEqual({ resolvedWall: undefined, error: undefined });
    expect(tells([good, good])).toEqual({ resolvedWall: WALL, error: undefined });
    expect(tells([good, good, failed()])).toEqual({ resolvedWall: WALL, error: undefined });
    expect(tells([good, good, failed(), failed('b')])).toEqual({ resolvedWall: WALL + step, error: 'b' });
    expect(tells([trusted])).toEqual({ resolvedWall: undefined, error: 'no such name (NXDOMAIN)' });
    expect(tells([noAddress]).error).toBe('the name has no record of this type (NODATA)');
  });
});

describe('changes that need a reconcile', () => {
  const [down, same] = [failed(), good];
  it.each([
    ['a first answer', [], good, true],
    ['a first failure', [], down, true],
    ['the same failure again', [down], down, false],
    ['another failure', [down], failed('10.0.0.54: SERVFAIL'), true],
    ['the same records again', [good], same, false],
    ['the same records in another order', [records('10.0.0.1', '10.0.0.2')], records('10.0.0.2', '10.0.0.1'), false],
    ['other records', [good], records('10.0.0.2'), true],
    ['a first miss', [good], down, false],
    ['a second miss', [good, down], down, true],
    ['a third miss', [good, down, down], down, false],
    ['the same records after one miss', [good, down], same, false],
    ['the same records after misses that were told', [good, down, down], same, true],
    ['a denial that is believed', [good, trusted, trusted], trusted, true],
    ['the same denial after it was believed', [good, trusted, trusted, trusted], trusted, false],
  ] as const)('%s', (_, before, answer, news) => {
    const state = after(before);
    expect(isVisibleChange(state, applyAnswer(state, answer, at(99_999)))).toBe(news);
  }); // prettier-ignore

  it('include another error text or kind at most once a minute', () => {
    const silent = failed('no answer from 10.0.0.53 within 2 s');
    const unvouched = denied();
    const turns = Array.from({ length: 720 }, (_, i) => [down, silent, unvouched][i % 3] ?? down);
    let [state, news] = [after([good]), 0];
    turns.forEach((answer, i) => {
      const next = applyAnswer(state, answer, at((i + 1) * step));
      if (isVisibleChange(state, next)) news += 1;
      state = next;
    });
    // The second result without records, and a change for each minute of an hour.
    expect(news).toBeGreaterThan(50);
    expect(news).toBeLessThanOrEqual(61);
  });

  it('include the first change of the error at once', () => {
    const stale = after([good, down, down, down]);
    const doubted = applyAnswer(stale, denied(), at(4 * step));
    expect(isVisibleChange(stale, doubted)).toBe(true);
    expect(effectiveRecords(doubted, { staleMs: 0, keepMs: 0 }, 4 * step).state).toBe('Unconfirmed');
  });

  it('include the first answer to restored records', () => {
    expect(isVisibleChange(published, applyAnswer(published, good, at(1)))).toBe(true);
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

describe('any answers', () => {
  const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1');
  const answer = fc.oneof(
    fc.uniqueArray(address, { minLength: 1 }).map((all) => records(...all)),
    fc.tuple(fc.option(fc.nat(200_000), { nil: undefined }), fc.constantFrom('NoSuchName', 'NoAddress')).map(
      ([vouchedAt, reason]) => denied(vouchedAt, reason),
    ),
    fc.constantFrom(failed(), failed('SERVFAIL')),
  ); // prettier-ignore
  const answers = fc.array(answer, { maxLength: 40 });
  const start = fc.constantFrom(emptyNameState, published);

  /** Returns each step: the state before, the answer, the state after. */
  function walk(from: NameState, all: readonly Answer[]) {
    let before = from;
    return all.map((given, i) => {
      const now = i * step;
      const seen = { before, given, now, after: applyAnswer(before, given, at(now)) };
      before = seen.after;
      return seen;
    });
  }

  it('A failure never removes a record', () => {
    fc.assert(
      fc.property(start, answers, (from, all) => {
        for (const { before, given, after } of walk(from, all))
          if (given.kind === 'failed') expect(sameRecords(before, after)).toBe(true);
      }),
    );
  });

  it('Records are removed only by other records, or by three consecutive negative answers of a server that answers other names', () => {
    fc.assert(
      fc.property(start, answers, (from, all) => {
        walk(from, all).forEach(({ before, given, after }, i) => {
          if (sameRecords(before, after) || given.kind === 'records') return;
          const last = all.slice(i - negativeAnswersToConfirm + 1, i + 1);
          expect(last.map(({ kind }) => kind)).toEqual(['none', 'none', 'none']);
          const first = all.slice(0, i + 1).findLastIndex(({ kind }) => kind !== 'none') + 1;
          expect(given.kind === 'none' && given.serverAnsweredAt).toBeGreaterThanOrEqual(first * step);
          expect(after.addresses).toEqual([]);
        });
      }),
    );
  });

  it('Kept addresses were in an answer, are no longer in it, and are kept once', () => {
    fc.assert(
      fc.property(start, answers, fc.nat(100_000), fc.nat(100_000), (from, all, keepMs, staleMs) => {
        const ever = new Set(from.addresses);
        for (const { after, now } of walk(from, all)) {
          for (const ip of after.addresses) ever.add(ip);
          const { addresses, kept } = effectiveRecords(after, { keepMs, staleMs }, now);
          expect(kept.filter((ip) => addresses.includes(ip))).toEqual([]);
          expect(new Set(kept).size).toBe(kept.length);
          expect(kept.filter((ip) => !ever.has(ip))).toEqual([]);
        }
      }),
    );
  });

  it('A result that needs no reconcile changes nothing that a backend uses', () => {
    fc.assert(
      fc.property(start, answers, fc.nat(100_000), (from, all, staleMs) => {
        const seen = (state: NameState, now: number) => {
          const { state: how, error, addresses } = effectiveRecords(state, { staleMs, keepMs: 0 }, now);
          return { how, error, addresses: addresses.toSorted() };
        };
        for (const { before, after, now } of walk(from, all))
          if (!isVisibleChange(before, after)) expect(seen(after, now)).toEqual(seen(before, now));
      }),
    );
  });

  it('The records of the last answer are in effect, whatever came before', () => {
    fc.assert(
      fc.property(start, answers, (from, all) => {
        const state = after([...all, good], from);
        const stands = effectiveRecords(state, { staleMs: 1, keepMs: 0 }, 1e9);
        expect(stands).toMatchObject({ state: 'Answered', addresses: ['10.0.0.1'], error: undefined });
      }),
    );
  });
});
