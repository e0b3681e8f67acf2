import { believedDenials, nothingKnown } from '../core/names.ts';
import type { Answer, NameState, Question } from '../core/names.ts';
import type { FollowOptions, RefreshBounds } from '../engine/ports.ts';
import type { AgendaItem } from './agenda.ts';

/** One question that has followers. */
export interface Followed extends AgendaItem {
  readonly question: Question;
  readonly key: string;
  readonly owners: Map<string, FollowOptions>;
  /** Of all owners the least of each. */
  bounds: RefreshBounds;
  state: NameState;
  /** A query is in flight. */
  asking: boolean;
  /** When the last answer came, monotonic; undefined: none yet. */
  heardAt: number | undefined;
  /** Time to live of that answer. */
  ttlMs: number;
  /** Answers in a row that were failures. */
  failures: number;
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
  failures: 0,
  lot: 0,
  lane: 'unsure',
  at: now,
  order: 0,
  slot: -1,
});

/** Adds the owner, or gives it other bounds. Says whether the bounds of the question are others now. */
export function join(followed: Followed, owner: string, options: FollowOptions): boolean {
  const before = followed.bounds;
  const own = followed.owners.get(owner);
  followed.bounds = followed.owners.size === 0 ? options : leastOf(before, options);
  followed.owners.set(owner, options);
  if (own !== undefined && !sameBounds(own, options)) rebound(followed);
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

/** Failures in a row from which on a name counts as dead: one lost answer is none of its faults. */
const suspectFailures = 2;

/** Sets when and in which lane the question is asked next, after an answer. What is known changes by `learn`. */
export function hear(followed: Followed, answer: Answer, now: number, lot: number): void {
  followed.heardAt = now;
  followed.lot = lot;
  followed.ttlMs = answer.kind === 'failed' ? 0 : answer.ttlMs;
  followed.failures = answer.kind === 'failed' ? followed.failures + 1 : 0;
  const { failures } = followed;
  followed.lane = failures === 0 ? 'steady' : failures < suspectFailures ? 'unsure' : 'suspect';
}

/**
 * Questions that are due within this time are due at the same instant: one waking of the process for all of them takes a
 * quarter off what a question costs.
 */
const gridMs = 20;

/**
 * When to ask again, from when the last answer came, and never before `min` has passed. `ttl` is clamped to the bounds.
 *
 * | last answer                       | after            | why                                                    |
 * |-----------------------------------|------------------|--------------------------------------------------------|
 * | records                           | 0.9 to 1 x ttl   | the next one is there before this one expires          |
 * | none, and that is settled         | 0.9 to 1 x ttl   | RFC 2308 gives it a time to live too                   |
 * | either, and that is about min     | 1 to 1.1 x min, not after max | asked in step, names stay in step         |
 * | none, and records are in doubt    | 1 to 1.1 x min   | three in a row decide, spaced by min at least          |
 * | failed                            | 1 to 1.1 x min   |                                                        |
 *
 * Then the nearest instant of the grid: the one before where an answer expires, the one after where a time must pass.
 */
export function dueAt({ heardAt, ttlMs, lot, state, bounds: { minMs, maxMs }, at }: Followed): number {
  if (heardAt === undefined) return at;
  const earliest = Math.ceil((heardAt + minMs) / gridMs) * gridMs;
  const holds = state.miss === undefined || (state.miss.kind === 'none' && isSettled(state));
  if (!holds) return Math.ceil((heardAt + minMs * (1 + 0.1 * lot)) / gridMs) * gridMs;
  const holdsMs = Math.min(maxMs, Math.max(minMs * 1.1, ttlMs));
  const afterMs = Math.max(minMs, holdsMs * 0.9);
  const dueMs = afterMs + lot * (holdsMs - afterMs);
  return Math.max(earliest, Math.floor((heardAt + dueMs) / gridMs) * gridMs);
}

/** Another "no" would change nothing. */
const isSettled = ({ gone, origin, denials }: NameState): boolean =>
  denials >= believedDenials && (gone || origin === 'nothing');
