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
    const fields = fieldsOf(text);
    return isPossible(fields)
      ? { next: (wall) => nextTime(fields, wall) }
      : { problem: `${text} matches no day of any year` };
  } catch (error) {
    return {
      problem: `${text} is not a schedule: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Values of one field; undefined: any value. */
type Values = ReadonlySet<number> | undefined;

interface Fields {
  /** Ascending. */
  readonly minutes: readonly number[];
  /** Ascending. */
  readonly hours: readonly number[];
  readonly days: Values;
  /** 1 to 12. */
  readonly months: Values;
  /** 0 to 6, from Sunday on. */
  readonly weekdays: Values;
}

/**
 * Returns the values of the fields as `cron` understands them. Its search is not used for the times: it takes 0.2 ms,
 * and is not pure, because it compares what it finds with the present date.
 */
function fieldsOf(text: string): Fields {
  const texts = text.split(/\s+/);
  const [, ...fields] = new CronTime(text, 'UTC').toJSON();
  const [minutes, hours, days, months, weekdays] = fields.map((field, i) => {
    const own = texts.length === fields.length ? (texts[i] ?? '*') : '*';
    return field === '*' ? wholeOf(own, i) : new Set(field.split(',').map(Number));
  });
  const sorted = (values: Values, count: number): readonly number[] =>
    [...(values ?? Array.from({ length: count }, (_, i) => i))].toSorted((a, b) => a - b);
  return { minutes: sorted(minutes, 60), hours: sorted(hours, 24), days, months, weekdays };
}

/** Lowest and highest value of each field, and an instant that has the highest. `cron` must not reach this year. */
const ranges = [
  { low: 0, high: 59, at: Date.UTC(1200, 0, 1, 0, 59) },
  { low: 0, high: 23, at: Date.UTC(1200, 0, 1, 23) },
  { low: 1, high: 31, at: Date.UTC(1200, 0, 31) },
  { low: 1, high: 12, at: Date.UTC(1200, 11, 1) },
  // A Saturday.
  { low: 0, high: 6, at: Date.UTC(1200, 0, 1) },
] as const;

/** Returns the values of a field that `cron` prints as `*`. It does so too if only the highest one is missing. */
function wholeOf(text: string, i: number): Values {
  const range = ranges[i];
  if (text === '*' || range === undefined) return undefined;
  const { low, high, at } = range;
  const alone = ['*', '*', '*', '*', '*'].with(i, text).join(' ');
  const hasHighest =
    new CronTime(alone, 'UTC').getNextDateFrom(new Date(at - 1_000), 'UTC').toMillis() === at;
  return hasHighest ? undefined : new Set(Array.from({ length: high - low }, (_, n) => low + n));
}

/** Most days of each month: February has 29 in some years. */
const daysOf = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Returns false if no date has the months and days of the fields, such as the 30th of February. */
function isPossible({ days, months, weekdays }: Fields): boolean {
  if (days === undefined || weekdays !== undefined) return true;
  const first = Math.min(...days);
  return daysOf.some((length, month) => first <= length && months?.has(month + 1) !== false);
}

/** Returns the first time of the schedule after a wall time. */
function nextTime(fields: Fields, wall: number): number {
  const after = Math.floor(wall / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  let day = Math.floor(after / DAY_MS) * DAY_MS;
  const today = isDay(fields, day) ? firstIn(fields, after - day) : undefined;
  if (today !== undefined) return day + today;
  do day += DAY_MS;
  while (!isDay(fields, day));
  return day + (fields.hours[0] ?? 0) * HOUR_MS + (fields.minutes[0] ?? 0) * MINUTE_MS;
}

function isDay({ days, months, weekdays }: Fields, day: number): boolean {
  const date = new Date(day);
  if (months?.has(date.getUTCMonth() + 1) === false) return false;
  const isOfMonth = days?.has(date.getUTCDate());
  const isOfWeek = weekdays?.has(date.getUTCDay());
  return isOfMonth === undefined || isOfWeek === undefined
    ? (isOfMonth ?? isOfWeek ?? true)
    : isOfMonth || isOfWeek;
}

/** Returns the first time of a day that is not before another one, in milliseconds from midnight. */
function firstIn({ hours, minutes }: Fields, from: number): number | undefined {
  const [hour, minute] = [Math.floor(from / HOUR_MS), Math.floor((from % HOUR_MS) / MINUTE_MS)];
  const same = hours.includes(hour) ? minutes.find((each) => each >= minute) : undefined;
  if (same !== undefined) return hour * HOUR_MS + same * MINUTE_MS;
  const later = hours.find((each) => each > hour);
  return later === undefined ? undefined : later * HOUR_MS + (minutes[0] ?? 0) * MINUTE_MS;
}
