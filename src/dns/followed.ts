import { believedDenials, nothingKnown } from '../core/names.ts';
import type { Answer, NameState, Question } from '../core/names.ts';
import type { RefreshBounds } from '../engine/ports.ts';
import type { AgendaItem } from './agenda.ts';

/** One question that somebody follows. */
export interface Followed extends AgendaItem {
  readonly question: Question;
  readonly key: string;
  readonly owners: Map<string, RefreshBounds>;
  /** Of all owners the least of each. */
  bounds: RefreshBounds;
  state: NameState;
  /** A query is in flight. */
  asking: boolean;
  /** When the last answer came, monotonic; undefined: none yet. */
  heardAt: number | undefined;
  /** What that answer says of how long it holds. */
  ttlMs: number;
  /** Uniform in [0, 1), drawn anew for each answer. */
  lot: number;
}

export const newFollowed = (
  question: Question,
  key: string,
  bounds: RefreshBounds,
  now: number,
): Followed => ({
  question,
  key,
  owners: new Map(),
  bounds,
  state: nothingKnown,
  asking: false,
  heardAt: undefined,
  ttlMs: 0,
  lot: 0,
  lane: 'unheard',
  at: now,
  order: 0,
  slot: -1,
});

/** Adds the owner, or gives it other bounds. Says whether the bounds of the question are others now. */
export function join(followed: Followed, owner: string, bounds: RefreshBounds): boolean {
  const before = followed.bounds;
  const own = followed.owners.get(owner);
  followed.bounds = followed.owners.size === 0 ? bounds : leastOf(before, bounds);
  followed.owners.set(owner, bounds);
  if (own !== undefined && !sameBounds(own, bounds)) rebound(followed);
  return !sameBounds(before, followed.bounds);
}

/** Takes the owner away. Says whether the bounds of the question are others now. */
export function leave(followed: Followed, owner: string): boolean {
  const before = followed.bounds;
  followed.owners.delete(owner);
  if (followed.owners.size > 0) rebound(followed);
  return !sameBounds(before, followed.bounds);
}

export const sameBounds = (a: RefreshBounds, b: RefreshBounds): boolean =>
  a.minMs === b.minMs && a.maxMs === b.maxMs;

const leastOf = (a: RefreshBounds, b: RefreshBounds): RefreshBounds => ({
  minMs: Math.min(a.minMs, b.minMs),
  maxMs: Math.min(a.maxMs, b.maxMs),
});

/** The bounds must be the least already, or less. Ends at the first owner that has the same: mostly all have. */
function rebound(followed: Followed): void {
  let least: RefreshBounds = { minMs: Infinity, maxMs: Infinity };
  for (const bounds of followed.owners.values()) {
    if (sameBounds(bounds, followed.bounds)) return;
    least = leastOf(least, bounds);
  }
  followed.bounds = least;
}

/** What an answer does to when and how the question is asked next; `learn` says what it does to what is known. */
export function hear(followed: Followed, answer: Answer, now: number, lot: number): void {
  followed.heardAt = now;
  followed.lot = lot;
  followed.ttlMs = answer.kind === 'failed' ? 0 : answer.ttlMs;
  followed.lane = answer.kind === 'failed' ? 'suspect' : 'steady';
}

/**
 * Questions that are due within this time are due at the same instant: one waking of the process for all of them takes a
 * quarter off what a question costs.
 */
const gridMs = 20;

/**
 * When to ask again, from when the last answer came. `ttl` is clamped to the bounds.
 *
 * | last answer                       | after            | why                                                    |
 * |-----------------------------------|------------------|--------------------------------------------------------|
 * | records                           | 0.9 to 1 x ttl   | the next one is there before this one expires          |
 * | none, and that is settled         | 0.9 to 1 x ttl   | RFC 2308 gives it a time to live too                   |
 * | none, and records are in doubt    | 1 to 1.1 x min   | three in a row decide, spaced by min at least          |
 * | failed                            | 1 to 1.1 x min   |                                                        |
 *
 * Then the nearest instant of the grid: the one before where an answer expires, the one after where a time must pass.
 */
export function dueAt({ heardAt, ttlMs, lot, state, bounds: { minMs, maxMs }, at }: Followed): number {
  if (heardAt === undefined) return at;
  const holds = state.miss === undefined || (state.miss.kind === 'none' && isSettled(state));
  if (!holds) return Math.ceil((heardAt + minMs * (1 + 0.1 * lot)) / gridMs) * gridMs;
  const expiresAt = heardAt + Math.min(maxMs, Math.max(minMs, ttlMs)) * (0.9 + 0.1 * lot);
  return Math.floor(expiresAt / gridMs) * gridMs;
}

/** Another "no" would change nothing. */
const isSettled = ({ gone, origin, denials }: NameState): boolean =>
  denials >= believedDenials && (gone || origin === 'nothing');
