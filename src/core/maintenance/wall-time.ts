/**
 * Clock of one time zone. A wall time is what a clock on the wall shows, as the milliseconds that this date and
 * time would have in UTC.
 */
export interface WallTime {
  /** Returns the wall time at an instant (Unix time in milliseconds). */
  wallAt(instant: number): number;
  /** Returns the first instant at which the clock shows this wall time or a later one. */
  instantOf(wall: number): number;
}

/** No offset of a time zone from UTC, and no change of an offset, is longer. */
const maxShiftMs = 26 * 3_600_000;

/** Shortest step of the search for a change of the offset. */
const RESOLUTION_MS = 1_000;

/**
 * Returns the clock of a zone of the IANA database; undefined if Node has no such zone. The database is that of
 * Node's ICU (`process.versions.tz`).
 *
 * | wall time                                   | instant                                        |
 * |---------------------------------------------|------------------------------------------------|
 * | occurs once                                 | this one                                       |
 * | is skipped (the clock is set forward)       | the first one after the gap                    |
 * | occurs twice (the clock is set back)        | the first one of the two                       |
 *
 * It does not depend on today's date. (`cron` 4.4.0 does: kelektiv/node-cron#1087.)
 */
export function wallTimeOf(timeZone: string): WallTime | undefined {
  if (timeZone === 'UTC') return { wallAt: (instant) => instant, instantOf: (wall) => wall };
  const format = formatOf(timeZone);
  if (format === undefined) return undefined;
  const offsetAt = (instant: number): number => shownBy(format, instant) - instant;
  return {
    wallAt: (instant) => instant + offsetAt(instant),
    instantOf: (wall) => firstInstant(wall, offsetAt),
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
      ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function shownBy(format: Intl.DateTimeFormat, instant: number): number {
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const whole = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return whole + (((instant % 1000) + 1000) % 1000);
}

/** At most one change of the offset within 52 hours is assumed. */
function firstInstant(wall: number, offsetAt: (instant: number) => number): number {
  const [from, to] = [wall - maxShiftMs, wall + maxShiftMs];
  const [before, after] = [offsetAt(from), offsetAt(to)];
  if (before === after) return wall - before;
  const change = changeBetween(from, to, offsetAt);
  if (wall - before < change) return wall - before;
  return Math.max(change, wall - after);
}

/** Returns the instant of the change of the offset between two instants with different offsets. */
function changeBetween(from: number, to: number, offsetAt: (instant: number) => number): number {
  const before = offsetAt(from);
  let [low, high] = [Math.floor(from / RESOLUTION_MS), Math.ceil(to / RESOLUTION_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * RESOLUTION_MS) === before) low = middle;
    else high = middle;
  }
  return high * RESOLUTION_MS;
}
