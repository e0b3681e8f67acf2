import { describe, expect, it } from '@jest/globals';

import { calendarOf, type Calendar } from '../../../src/core/maintenance/calendar.ts';
import { maintenanceAt } from '../../../src/core/maintenance/maintenance-state.ts';

const minute = 60_000;
const hour = 60 * minute;

/** Time zones with a day on which they change their clock, and others for comparison. */
const transitions = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['America/Santiago', '2026-04-05'],
  ['America/Santiago', '2026-09-06'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Asia/Kolkata', '2026-03-29'],
  ['UTC', '2026-02-28'],
  ['UTC', '2026-12-31'],
] as const;

interface Schedule {
  readonly text: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly durationMinutes: number;
}

const schedules: readonly Schedule[] = [
  { text: '0,30 0-4 * * *', minutes: [0, 30], hours: [0, 1, 2, 3, 4], durationMinutes: 20 },
  { text: '15 1,2 * * *', minutes: [15], hours: [1, 2], durationMinutes: 90 },
  { text: '45 23 * * *', minutes: [45], hours: [23], durationMinutes: 240 },
];

/** Returns what the clocks of a zone show, as if it were UTC. Only `Intl` is used, and no code of the operator. */
function clockOf(timeZone: string): (instant: number) => number {
  const digits = {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  } as const;
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, ...digits });
  return (instant) => Date.parse(`${format.format(instant).replace(' ', 'T')}:00Z`);
}

/** A change of the state of a window: the instant, and if the window is active from then on. */
type Edge = readonly [instant: string, isActive: boolean];

const edgeOf = (instant: number, isActive: boolean): Edge => [new Date(instant).toISOString(), isActive];

/** Returns the edges between two instants by a walk that looks at the clock of the zone each minute. */
function walk(
  { minutes, hours, durationMinutes }: Schedule,
  shows: (instant: number) => number,
  [from, last]: readonly [number, number],
): readonly Edge[] {
  const isStart = (wall: number): boolean =>
    hours.includes(new Date(wall).getUTCHours()) && minutes.includes(new Date(wall).getUTCMinutes());
  const found: Edge[] = [];
  // A window may have begun a day before.
  let instant = from - 36 * hour;
  let latest = shows(instant);
  let endsAt = -Infinity;
  let wasActive = false;
  for (instant += minute; instant <= last; instant += minute) {
    const shown = shows(instant);
    // Times that the clock skips begin at the first instant after the gap. Times that it repeats have begun before.
    for (let wall = latest + minute; wall <= shown; wall += minute)
      if (isStart(wall)) endsAt = instant + durationMinutes * minute;
    latest = Math.max(latest, shown);
    const isActive = instant < endsAt;
    if (instant > from && isActive !== wasActive) found.push(edgeOf(instant, isActive));
    wasActive = isActive;
  }
  return found;
}

/** Returns the edges between two instants from edge to edge, as the operator does. */
function edges(calendar: Calendar, [from, last]: readonly [number, number]): readonly Edge[] {
  const found: Edge[] = [];
  for (let state = maintenanceAt(calendar, from); (state.edgeAt ?? Infinity) <= last;) {
    const instant = state.edgeAt ?? last;
    state = maintenanceAt(calendar, instant);
    found.push(edgeOf(instant, state.active.length > 0));
  }
  return found;
}

describe('the windows of a schedule', () => {
  it.each(transitions)('in %s around %s are those of a walk through all minutes', (timeZone, day) => {
    const middle = Date.parse(`${day}T00:00:00Z`);
    const span = [middle - 24 * hour, middle + 42 * hour] as const;
    const shows = clockOf(timeZone);
    for (const schedule of schedules) {
      const durationSeconds = 60 * schedule.durationMinutes;
      const entry = {
        name: 'patch',
        action: 'Freeze',
        schedule: schedule.text,
        timeZone,
        durationSeconds,
      } as const;
      const expected = walk(schedule, shows, span);
      expect(expected.length).toBeGreaterThan(2);
      expect(edges(calendarOf([entry], []), span)).toEqual(expected);
    }
  });
});
