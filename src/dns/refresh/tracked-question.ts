import { negativeAnswersToConfirm, emptyNameState } from '../../core/resolution/name-state.ts';
import type { Answer, NameState, Question } from '../../core/resolution/name-state.ts';
import type { FollowOptions, RefreshBounds } from '../../engine/ports.ts';
import type { ScheduledQuery } from './query-scheduler.ts';

/** One question that backends follow. */
export interface TrackedQuestion extends ScheduledQuery {
  readonly question: Question;
  readonly key: string;
  readonly owners: Map<string, FollowOptions>;
  /** The smallest minimum and the smallest maximum of all owners. */
  bounds: RefreshBounds;
  state: NameState;
  /** True while a query is in flight. */
  isOutstanding: boolean;
  /** Instant of the last answer or failure, monotonic; undefined: none yet. */
  answeredAt: number | undefined;
  /** Time to live of that answer. */
  ttlMs: number;
  /** Number of failures in a row. */
  failures: number;
  /** Uniform in [0, 1), a new number for each answer. */
  jitter: number;
}

export const newTrackedQuestion = (
  question: Question,
  key: string,
  bounds: RefreshBounds,
  now: number,
): TrackedQuestion => ({
  question,
  key,
  owners: new Map(),
  bounds,
  state: emptyNameState,
  isOutstanding: false,
  answeredAt: undefined,
  ttlMs: 0,
  failures: 0,
  jitter: 0,
  queryClass: 'unsure',
  at: now,
  order: 0,
  slot: -1,
});

/** Adds the owner, or changes its bounds. Returns true when the bounds of the question have changed. */
export function addOwner(tracked: TrackedQuestion, owner: string, options: FollowOptions): boolean {
  const before = tracked.bounds;
  const own = tracked.owners.get(owner);
  tracked.bounds = tracked.owners.size === 0 ? options : leastOf(before, options);
  tracked.owners.set(owner, options);
  if (own !== undefined && !sameBounds(own, options)) recomputeBounds(tracked);
  return !sameBounds(before, tracked.bounds);
}

/** Removes the owner. Returns true when the bounds of the question have changed. */
export function removeOwner(tracked: TrackedQuestion, owner: string): boolean {
  const before = tracked.bounds;
  tracked.owners.delete(owner);
  if (tracked.owners.size > 0) recomputeBounds(tracked);
  return !sameBounds(before, tracked.bounds);
}

export const sameBounds = (a: RefreshBounds, b: RefreshBounds): boolean =>
  a.minMs === b.minMs && a.maxMs === b.maxMs;

const leastOf = (a: RefreshBounds, b: RefreshBounds): RefreshBounds => ({
  minMs: Math.min(a.minMs, b.minMs),
  maxMs: Math.min(a.maxMs, b.maxMs),
});

/**
 * Sets the bounds to the smallest of all owners. The present bounds must not be larger than these. Ends at
 * the first owner that has the present bounds, because mostly all owners have the same.
 */
function recomputeBounds(tracked: TrackedQuestion): void {
  let least: RefreshBounds = { minMs: Infinity, maxMs: Infinity };
  for (const bounds of tracked.owners.values()) {
    if (sameBounds(bounds, tracked.bounds)) return;
    least = leastOf(least, bounds);
  }
  tracked.bounds = least;
}

/** Number of failures in a row from which a question is `suspect`. One lost answer is not enough. */
const suspectFailures = 2;

/** Records an answer, and sets the class of the next query. `applyAnswer` changes the resolution state. */
export function recordAnswer(tracked: TrackedQuestion, answer: Answer, now: number, jitter: number): void {
  tracked.answeredAt = now;
  tracked.jitter = jitter;
  tracked.ttlMs = answer.kind === 'failed' ? 0 : answer.ttlMs;
  tracked.failures = answer.kind === 'failed' ? tracked.failures + 1 : 0;
  const { failures } = tracked;
  tracked.queryClass = failures === 0 ? 'steady' : failures < suspectFailures ? 'unsure' : 'suspect';
}

/**
 * Questions that are due within this time are due at the same instant. The process wakes up once for all of
 * them, which saves a quarter of the cost of a question.
 */
const gridMs = 20;

/**
 * Returns the instant of the next query. It is counted from the last answer, and is at least `min` later.
 * `ttl` is clamped to the bounds.
 *
 * | last answer                                       | after            | reason                                   |
 * |---------------------------------------------------|------------------|------------------------------------------|
 * | records                                           | 0.9 to 1 x ttl   | the next answer comes before this one expires |
 * | negative, and another one would change nothing    | 0.9 to 1 x ttl   | RFC 2308 gives it a time to live too     |
 * | one of these two, with a ttl of about min         | 1 to 1.1 x min, not after max | otherwise names stay synchronised |
 * | negative, while earlier records are still in use  | 1 to 1.1 x min   | three in a row decide, at least min apart |
 * | failed                                            | 1 to 1.1 x min   |                                          |
 *
 * The result is rounded to the grid: down where an answer expires, up where a time must pass.
 */
export function nextQueryAt({
  answeredAt,
  ttlMs,
  jitter,
  state,
  bounds: { minMs, maxMs },
  at,
}: TrackedQuestion): number {
  if (answeredAt === undefined) return at;
  const earliest = Math.ceil((answeredAt + minMs) / gridMs) * gridMs;
  const holds = state.lastFailure === undefined || (state.lastFailure.kind === 'none' && isSettled(state));
  if (!holds) return Math.ceil((answeredAt + minMs * (1 + 0.1 * jitter)) / gridMs) * gridMs;
  const holdsMs = Math.min(maxMs, Math.max(minMs * 1.1, ttlMs));
  const afterMs = Math.max(minMs, holdsMs * 0.9);
  const dueMs = afterMs + jitter * (holdsMs - afterMs);
  return Math.max(earliest, Math.floor((answeredAt + dueMs) / gridMs) * gridMs);
}

/** Returns true when another negative answer would change nothing. */
const isSettled = ({ isConfirmedNegative, origin, negativeAnswers }: NameState): boolean =>
  negativeAnswers >= negativeAnswersToConfirm && (isConfirmedNegative || origin === 'nothing');
