import { describe, expect, it } from '@jest/globals';
import { effectiveRecords } from '../../../src/core/resolution/effective-records.ts';
import { applyAnswer, emptyNameState, isVisibleChange } from '../../../src/core/resolution/name-state.ts';
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
import type { EffectiveRecords } from '../../../src/core/resolution/effective-records.ts';
import type { Answer, NameState } from '../../../src/core/resolution/name-state.ts';

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
