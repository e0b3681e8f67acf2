import type { MaintenanceAction } from '../../api/external-backend.ts';
import type { Schedule } from './schedule.ts';
import type { WallTime } from './wall-time.ts';

/** One span of time in which a window is active. All times are Unix time in milliseconds. */
export interface ActiveSpan {
  /** Start; undefined: it is not known, or too many spans follow each other without a gap. */
  readonly since: number | undefined;
  /** End, exclusive; undefined: too many spans follow each other without a gap. */
  readonly until: number | undefined;
}

/** A window of `spec.maintenance`, or of the annotation. */
export interface MaintenanceWindow {
  readonly name: string;
  readonly action: MaintenanceAction;
  /** Hosts of targets, as in the spec; undefined: all. */
  readonly targets: readonly string[] | undefined;
  readonly description?: string | undefined;
  /** Returns the span that contains an instant; undefined: the window is not active then. */
  readonly spanAt: (instant: number) => ActiveSpan | undefined;
  /** Returns the start of the first span after an instant at which the window is not active; undefined: none. */
  readonly nextAfter: (instant: number) => number | undefined;
}

export type Occurrences = Pick<MaintenanceWindow, 'spanAt' | 'nextAfter'>;

/** A single span. */
export const singleSpan = (start: number, end: number): Occurrences => ({
  spanAt: (instant) => (instant >= start && instant < end ? { since: start, until: end } : undefined),
  nextAfter: (instant) => (instant < start ? start : undefined),
});

/** Bounds the search for the ends of spans that follow each other without a gap. */
const MAX_JOINED = 12;

/** Starts of a schedule are whole minutes. */
const MINUTE_MS = 60_000;

/** Spans of a length that begin at the times of a schedule. Spans without a gap between them are one. */
export function repeatedSpans({ next }: Schedule, zone: WallTime, durationMs: number): Occurrences {
  const startAfter = (instant: number): number => firstStart(instant, next, zone);
  /** Returns the last start at or before an instant, no further back than a duration; undefined: there is none. */
  const lastStart = (instant: number): number | undefined => {
    const first = startAfter(instant - durationMs);
    if (first > instant) return undefined;
    const minute = Math.floor(instant / MINUTE_MS) * MINUTE_MS;
    // Searches from the end: twice as far back each time, and then by halves.
    let [low, high] = [first, minute + MINUTE_MS];
    for (let backMs = 0; high - backMs > first; backMs = 2 * backMs + MINUTE_MS) {
      const start = startAfter(minute - backMs - 1);
      if (start <= instant) {
        low = start;
        break;
      }
      high = minute - backMs;
    }
    while (high - low > MINUTE_MS) {
      const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
      const start = startAfter(middle - 1);
      if (start <= instant) low = start;
      else high = middle;
    }
    return low;
  };
  const endFrom = (start: number): number | undefined => {
    let last = start;
    for (let i = 0; i < MAX_JOINED; i += 1) {
      const later = lastStart(last + durationMs);
      if (later === undefined) return last + durationMs;
      last = later;
    }
    return undefined;
  };
  const beginOf = (start: number): number | undefined => {
    let first = start;
    for (let i = 0; i < MAX_JOINED; i += 1) {
      const earlier = startAfter(first - durationMs - 1);
      if (earlier >= first) return first;
      first = earlier;
    }
    return undefined;
  };
  return {
    spanAt: (instant) => {
      const start = lastStart(instant);
      if (start === undefined || instant >= start + durationMs) return undefined;
      return { since: beginOf(start), until: endFrom(start) };
    },
    nextAfter: startAfter,
  };
}

/** Returns the first start after an instant. Wall times in a gap share one instant. */
function firstStart(instant: number, next: Schedule['next'], zone: WallTime): number {
  let wall = next(zone.wallAt(instant));
  for (;;) {
    const start = zone.instantOf(wall);
    if (start > instant) return start;
    wall = next(wall);
  }
}

/** Cuts the spans to the time from `from` (inclusive) to `until` (exclusive). */
export const within = (
  { spanAt, nextAfter }: Occurrences,
  from = -Infinity,
  until = Infinity,
): Occurrences => ({
  spanAt: (instant) => {
    const span = instant >= from && instant < until ? spanAt(instant) : undefined;
    if (span === undefined) return undefined;
    return { since: atLeast(span.since, from), until: atMost(span.until, until) };
  },
  nextAfter: (instant) => {
    if (instant >= until) return undefined;
    const start =
      instant < from && spanAt(from) !== undefined ? from : nextAfter(Math.max(instant, from - 1));
    return start !== undefined && start < until ? start : undefined;
  },
});

const atLeast = (since: number | undefined, from: number): number | undefined =>
  Number.isFinite(from) ? Math.max(since ?? from, from) : since;

const atMost = (end: number | undefined, until: number): number | undefined =>
  Number.isFinite(until) ? Math.min(end ?? until, until) : end;
