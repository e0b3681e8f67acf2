import type { ResolutionRule } from '../api/status.ts';
import { toldMiss, type NameState, type Records } from './names.ts';

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
 * What of the records known stands, and by which rule.
 *
 * | last answer            | a good answer before | staleMs passed | stands          | rule      |
 * |------------------------|----------------------|----------------|-----------------|-----------|
 * | records                | -                    | -              | these           | Answered  |
 * | none yet               | no, but published    | -              | the published   | Published |
 * | none yet               | no                   | -              | nothing         | Pending   |
 * | none, believed         | any                  | -              | nothing         | NoSuchName, NoAddress |
 * | none, not believed yet | yes (or published)   | -              | the last good   | Doubted   |
 * | none, not believed yet | no                   | -              | nothing         | Doubted   |
 * | failed                 | yes (or published)   | no             | the last good   | Stale     |
 * | failed                 | yes (or published)   | yes            | nothing         | Expired   |
 * | failed                 | no                   | -              | nothing         | Failed    |
 * | failed                 | that there is nothing | -             | nothing         | NoSuchName, NoAddress |
 *
 * The first miss after a good answer (or after what was published) is not told: the rule stays as it was.
 */
export function standing(state: NameState, options: StandingOptions, now: number): Standing {
  const rule = ruleOf(state, options, now);
  const none = rule === 'Expired' || state.gone;
  const kept = state.departed.filter(({ at }) => now - at < options.keepMs);
  const expiry = options.staleMs > 0 && rule === 'Stale' ? [state.missedAt + options.staleMs] : [];
  const ends = [...expiry, ...kept.map(({ at }) => at + options.keepMs)];
  return {
    addresses: none ? [] : state.addresses,
    services: none ? [] : state.services,
    rule,
    kept: kept.map(({ ip }) => ip),
    resolvedWall: resolvedWall(state, rule),
    error: toldMiss(state),
    nextAt: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

function ruleOf(state: NameState, { staleMs }: StandingOptions, now: number): ResolutionRule {
  const { miss, origin, gone, goneReason, missedAt } = state;
  if (gone) return goneReason;
  if (miss === undefined || toldMiss(state) === undefined)
    return ({ nothing: 'Pending', published: 'Published', answer: 'Answered' } as const)[origin];
  if (miss.kind === 'none') return 'Doubted';
  if (origin === 'nothing') return 'Failed';
  return staleMs > 0 && now - missedAt >= staleMs ? 'Expired' : 'Stale';
}

function resolvedWall(state: NameState, rule: ResolutionRule): number | undefined {
  if (state.origin !== 'answer') return undefined;
  return rule === 'Answered' ? state.changedWall : state.confirmedWall;
}
