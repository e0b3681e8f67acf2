import { CronTime } from 'cron';

/** Times of a schedule on the clock of its zone: see `WallTime`. */
export interface Schedule {
  /** Returns the first time after a wall time. */
  readonly next: (wall: number) => number;
}

/** A schedule that cannot be used, and why. */
export interface UnusableSchedule {
  readonly problem: string;
}

/**
 * Parses a schedule of cron: five fields, @daily, @weekly or @monthly. If the day of the month and the day of the
 * week are both restricted, one of them suffices (crontab(5)).
 *
 * @param text has the form that the schema of `spec.maintenance[].schedule` requires
 */
export function parseSchedule(text: string): Schedule | UnusableSchedule {
  try {
    const next = timesOf(text);
    return isPossible(text.split(/\s+/)) ? { next } : { problem: `${text} matches no day of any year` };
  } catch (error) {
    return {
      problem: `${text} is not a schedule: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** The calendar repeats itself after 400 years. */
const CYCLE_MS = 146_097 * 86_400_000;

/**
 * `cron` is given times in UTC only, because it is not pure where clocks change, and times far in the past, because it
 * compares what it finds with the present date plus eight years.
 */
function timesOf(text: string): Schedule['next'] {
  const time = new CronTime(text, 'UTC');
  return (wall) => {
    const shift = (Math.floor(wall / CYCLE_MS) + 2) * CYCLE_MS;
    return time.getNextDateFrom(new Date(wall - shift), 'UTC').toMillis() + shift;
  };
}

/** The shortest month has this many days in each year. */
const MONTH_DAYS = 28;

/** Most days of each month: February has 29 in some years. */
const daysOf = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Returns false if no date has the months and days of the fields, such as the 30th of February. `cron` accepts such
 * a schedule, and then searches for centuries.
 */
function isPossible([, , days, months, weekdays]: readonly string[]): boolean {
  if (days === undefined || months === undefined || weekdays === undefined) return true;
  const first = new Date(timesOf(`0 0 ${days} 1 *`)(Date.UTC(2000, 0, 1) - 1)).getUTCDate();
  if (first <= MONTH_DAYS || !isEveryWeekday(weekdays)) return true;
  const nextMonth = timesOf(`0 0 1 ${months} *`);
  return daysOf.some((length, month) => {
    const start = Date.UTC(2000, month, 1);
    return first <= length && nextMonth(start - 1) === start;
  });
}

/** The first of January 2000 is a Saturday. */
function isEveryWeekday(weekdays: string): boolean {
  const next = timesOf(`0 0 * * ${weekdays}`);
  const days = Array.from({ length: 7 }, (_, day) => Date.UTC(2000, 0, 1 + day));
  return days.every((day) => next(day - 1) === day);
}
