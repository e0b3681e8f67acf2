import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { effectiveRecords } from '../../../src/core/resolution/effective-records.ts';
import {
  applyAnswer,
  emptyNameState,
  isVisibleChange,
  negativeAnswersToConfirm,
  sameRecords,
} from '../../../src/core/resolution/name-state.ts';
import { after, at, denied, failed, good, published, records, step } from '../support/name-answers.ts';
import type { Answer, NameState } from '../../../src/core/resolution/name-state.ts';

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
