import { hasFailed, failureText, type NameState, type Records } from './name-state.ts';
import type { ResolutionState } from './resolution-states.ts';

/** Records of one query that are in effect now. */
export interface EffectiveRecords extends Records {
  readonly state: ResolutionState;
  /** Addresses that were removed from the answer less than `keepMs` ago. */
  readonly kept: readonly string[];
  /** Wall-clock milliseconds; undefined while there has been no answer. */
  readonly resolvedWall: number | undefined;
  readonly error: string | undefined;
  /** Monotonic milliseconds at which some of this changes because time passes; undefined: never. */
  readonly nextAt: number | undefined;
}

export interface EffectiveRecordsOptions {
  /**
   * Time for which the last good answer remains in effect while the servers fail, counted from the first
   * result without records; 0: for ever.
   */
  readonly staleMs: number;
  readonly keepMs: number;
}

/**
 * Returns which of the known records are in effect, and the resolution state.
 *
 * | reported                                                | good answer before       | staleMs passed                        | in effect            | state                 |
 * |---------------------------------------------------------|--------------------------|---------------------------------------|----------------------|-----------------------|
 * | nothing                                                 | yes                      | -                                     | that answer          | Answered              |
 * | nothing                                                 | no, but restored records | -                                     | the restored records | Restored              |
 * | nothing                                                 | no                       | -                                     | none                 | Pending               |
 * | a negative answer, confirmed                            | any                      | -                                     | none                 | NoSuchName, NoAddress |
 * | a negative answer, not confirmed                        | yes (or restored)        | no, or no failure among these results | the last good answer | Unconfirmed           |
 * | a negative answer, not confirmed                        | no                       | -                                     | none                 | Unconfirmed           |
 * | a failure                                               | yes (or restored)        | no                                    | the last good answer | Stale                 |
 * | either, and one of the consecutive results is a failure | yes (or restored)        | yes                                   | none                 | Expired               |
 * | a failure                                               | no                       | -                                     | none                 | Failed                |
 * | a failure                                               | a confirmed negative one | -                                     | none                 | NoSuchName, NoAddress |
 *
 * So expired records do not appear and disappear when servers alternate between failures and negative
 * answers.
 */
export function effectiveRecords(
  state: NameState,
  options: EffectiveRecordsOptions,
  now: number,
): EffectiveRecords {
  const rule = stateOf(state, options, now);
  const none = rule === 'Expired' || state.isConfirmedNegative;
  const kept = state.removedAddresses.filter(({ at }) => now - at < options.keepMs);
  const expiry = mayExpire(state, options) && rule !== 'Expired' ? [state.failedAt + options.staleMs] : [];
  const ends = [...expiry, ...kept.map(({ at }) => at + options.keepMs)];
  return {
    addresses: none ? [] : state.addresses,
    services: none ? [] : state.services,
    state: rule,
    kept: kept.map(({ ip }) => ip),
    resolvedWall: resolvedWall(state, rule),
    error: state.reportedFailure && failureText(state.reportedFailure),
    nextAt: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

function stateOf(state: NameState, options: EffectiveRecordsOptions, now: number): ResolutionState {
  const { reportedFailure, origin, isConfirmedNegative, negativeReason, failedAt } = state;
  if (isConfirmedNegative) return negativeReason;
  if (reportedFailure === undefined)
    return ({ nothing: 'Pending', published: 'Restored', answer: 'Answered' } as const)[origin];
  if (mayExpire(state, options) && now - failedAt >= options.staleMs) return 'Expired';
  if (reportedFailure.kind === 'none') return 'Unconfirmed';
  return origin === 'nothing' ? 'Failed' : 'Stale';
}

const mayExpire = (state: NameState, { staleMs }: EffectiveRecordsOptions): boolean =>
  staleMs > 0 && state.origin !== 'nothing' && !state.isConfirmedNegative && hasFailed(state);

function resolvedWall(state: NameState, rule: ResolutionState): number | undefined {
  if (state.origin !== 'answer') return undefined;
  return rule === 'Answered' ? state.changedWall : state.confirmedWall;
}
