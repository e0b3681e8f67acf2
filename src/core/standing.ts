import type { ResolutionRule } from '../api/status.ts';
import { hasFailed, missText, type NameState, type Records } from './names.ts';

/** What stands of one question now. */
export interface Standing extends Records {
  readonly rule: ResolutionRule;
  /** Left the answer less than `keepMs` ago. */
  readonly kept: readonly string[];
  /** Wall milliseconds; undefined while there never was an answer. */
  readonly resolvedWall: number | undefined;
  readonly error: string | undefined;
  /** When something of this changes by the mere passing of time, monotonic. */
  readonly nextAt: number | undefined;
}

export interface StandingOptions {
  /** How long the last good answer stands while the servers fail, from the first miss on; 0: for ever. */
  readonly staleMs: number;
  readonly keepMs: number;
}

/**
 * Which of the known records are in use, and by which rule.
 *
 * | reported               | a good answer before  | staleMs passed | in use          | rule      |
 * |------------------------|-----------------------|----------------|-----------------|-----------|
 * | no miss                | yes                   | -              | it              | Answered  |
 * | no miss                | no, but published     | -              | the published   | Published |
 * | no miss                | no                    | -              | nothing         | Pending   |
 * | a denial, believed     | any                   | -              | nothing         | NoSuchName, NoAddress |
 * | a denial, not believed | yes (or published)    | no, or no failure in this row | the last good | Doubted |
 * | a denial, not believed | no                    | -              | nothing         | Doubted   |
 * | a failure              | yes (or published)    | no             | the last good   | Stale     |
 * | either, and a failure is in this row | yes (or published) | yes  | nothing         | Expired   |
 * | a failure              | no                    | -              | nothing         | Failed    |
 * | a failure              | that there is nothing | -              | nothing         | NoSuchName, NoAddress |
 *
 * So servers that fail and deny in turn do not make expired records come and go.
 */
export function standing(state: NameState, options: StandingOptions, now: number): Standing {
  const rule = ruleOf(state, options, now);
  const none = rule === 'Expired' || state.gone;
  const kept = state.departed.filter(({ at }) => now - at < options.keepMs);
  const expiry = mayExpire(state, options) && rule !== 'Expired' ? [state.missedAt + options.staleMs] : [];
  const ends = [...expiry, ...kept.map(({ at }) => at + options.keepMs)];
  return {
    addresses: none ? [] : state.addresses,
    services: none ? [] : state.services,
    rule,
    kept: kept.map(({ ip }) => ip),
    resolvedWall: resolvedWall(state, rule),
    error: state.reported && missText(state.reported),
    nextAt: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

function ruleOf(state: NameState, options: StandingOptions, now: number): ResolutionRule {
  const { reported, origin, gone, goneReason, missedAt } = state;
  if (gone) return goneReason;
  if (reported === undefined)
    return ({ nothing: 'Pending', published: 'Published', answer: 'Answered' } as const)[origin];
  if (mayExpire(state, options) && now - missedAt >= options.staleMs) return 'Expired';
  if (reported.kind === 'none') return 'Doubted';
  return origin === 'nothing' ? 'Failed' : 'Stale';
}

const mayExpire = (state: NameState, { staleMs }: StandingOptions): boolean =>
  staleMs > 0 && state.origin !== 'nothing' && !state.gone && hasFailed(state);

function resolvedWall(state: NameState, rule: ResolutionRule): number | undefined {
  if (state.origin !== 'answer') return undefined;
  return rule === 'Answered' ? state.changedWall : state.confirmedWall;
}
