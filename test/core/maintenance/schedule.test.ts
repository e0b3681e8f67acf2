import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { parseSchedule, type Schedule } from '../../../src/core/maintenance/schedule.ts';

const scheduleOf = (text: string): Schedule => {
  const found = parseSchedule(text);
  if ('problem' in found) throw new Error(found.problem);
  return found;
};

const problemOf = (text: string): string | undefined => {
  const found = parseSchedule(text);
  return 'problem' in found ? found.problem : undefined;
};

const after = (text: string, wall: string): string =>
  new Date(scheduleOf(text).next(Date.parse(wall))).toISOString();

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a schedule', () => {
  it.each([
    ['0 2 * * *', '2026-11-29T02:00:00Z', '2026-11-30T02:00:00.000Z'],
    ['0 2 * * *', '2026-11-29T01:59:59.999Z', '2026-11-29T02:00:00.000Z'],
    ['30 23 * * sat', '2026-11-29T00:00:00Z', '2026-12-05T23:30:00.000Z'],
    ['0 4 * * 7', '2026-11-28T00:00:00Z', '2026-11-29T04:00:00.000Z'],
    ['0 0 1 1 *', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['0 0 29 2 *', '2096-03-01T00:00:00Z', '2104-02-29T00:00:00.000Z'],
    ['0 0 31 * *', '2026-01-31T00:00:00Z', '2026-03-31T00:00:00.000Z'],
    ['0 0 13 * fri', '2026-11-01T00:00:00Z', '2026-11-06T00:00:00.000Z'],
    ['*/15 9-17 * JAN-MAR 1-5', '2026-11-29T00:00:00Z', '2027-01-01T09:00:00.000Z'],
    ['0-58 * * * *', '2026-11-29T00:58:00Z', '2026-11-29T01:00:00.000Z'],
    ['0 0-22 * * *', '2026-11-29T22:00:00Z', '2026-11-30T00:00:00.000Z'],
    ['0 0 1-30 * *', '2026-12-30T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['0 0 1 1-11 *', '2026-11-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['0 0 * * 0-5', '2026-12-04T00:00:00Z', '2026-12-06T00:00:00.000Z'],
    ['0 0 * * 1-7', '2026-12-04T00:00:00Z', '2026-12-05T00:00:00.000Z'],
    ['0 0 31 * 0-5', '2026-12-04T00:00:00Z', '2026-12-06T00:00:00.000Z'],
    ['@daily', '2026-11-29T00:00:00Z', '2026-11-30T00:00:00.000Z'],
    ['@weekly', '2026-11-29T00:00:00Z', '2026-12-06T00:00:00.000Z'],
    ['@monthly', '2026-11-29T00:00:00Z', '2026-12-01T00:00:00.000Z'],
    ['0 0 * * *', '1969-12-31T12:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['0 0 * * *', '2399-12-31T12:00:00Z', '2400-01-01T00:00:00.000Z'],
  ])('%s after %s is %s', (text, wall, expected) => {
    expect(after(text, wall)).toBe(expected);
  });

  it.each([
    ['0 0 30 2 *', 'matches no day of any year'],
    ['0 0 30,31 FEB *', 'matches no day of any year'],
    ['0 0 31 4,6,9,11 *', 'matches no day of any year'],
    ['60 0 * * *', 'out of range'],
    ['0 0 * * fre', 'Unknown alias'],
    ['0 5-1 * * *', 'invalid range'],
    ['*/0 * * * *', 'step of zero'],
  ])('%s is refused, because it %s', (text, why) => {
    expect(problemOf(text)).toContain(why);
  });

  it.each(['0 0 29 2 *', '0 0 30 2 mon', '0 0 31 4,5 *', '0 0 30 1-12 *', '0 0 30 2 0-5'])(
    '%s is possible',
    (text) => {
      expect(problemOf(text)).toBeUndefined();
    },
  );

  it('is refused for the 30th of February within 100 ms of CPU time', () => {
    const { user } = process.cpuUsage();
    problemOf('0 0 30 2 *');
    expect((process.cpuUsage().user - user) / 1000).toBeLessThan(100);
  });

  it('has the same times in whatever year the process runs', () => {
    const texts = ['30 1 * * *', '0 0 29 2 *', '*/7 3 1-7 * sun'];
    const walls = ['1999-12-31T23:59:00Z', '2026-11-01T06:00:00Z', '2099-02-28T00:00:00Z'];
    const all = () => texts.map((text) => walls.map((wall) => after(text, wall)));
    const now = all();
    for (const year of [1970, 1990, 2026, 2036, 2200]) {
      jest.spyOn(Date, 'now').mockReturnValue(Date.UTC(year, 5, 15));
      expect(all()).toEqual(now);
    }
  });
});

/** Fields of cron, and the same as sets, computed without `cron`. */
const field = (low: number, high: number, last = high) =>
  fc.oneof(
    fc.constant({ text: '*', values: undefined }),
    fc
      .uniqueArray(fc.integer({ min: low, max: high }), { minLength: 1, maxLength: 4 })
      .map((values) => ({ text: values.join(','), values: new Set(values) })),
    fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high })).map(([a, b]) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const values = new Set(Array.from({ length: to - from + 1 }, (_, i) => from + i));
      return { text: `${from}-${to}`, values: values.size === last - low + 1 ? undefined : values };
    }),
  );

it('the first time after any time is the first minute that all fields of the schedule allow', () => {
  fc.assert(
    fc.property(
      ...[field(0, 59), field(0, 23), field(1, 28, 31), field(1, 12), field(0, 6)],
      fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2090, 0, 1) }),
      (minute, hour, day, month, weekday, wall) => {
        const text = [minute, hour, day, month, weekday].map((each) => each.text).join(' ');
        const found = scheduleOf(text).next(wall);
        const allows = ({ values }: { values: ReadonlySet<number> | undefined }, value: number) =>
          values === undefined || values.has(value);
        const isDay = (date: Date) => {
          const [one, other] = [allows(day, date.getUTCDate()), allows(weekday, date.getUTCDay())];
          const isEither = day.values !== undefined && weekday.values !== undefined;
          return allows(month, date.getUTCMonth() + 1) && (isEither ? one || other : one && other);
        };
        const isStart = (at: number) => {
          const date = new Date(at);
          return isDay(date) && allows(hour, date.getUTCHours()) && allows(minute, date.getUTCMinutes());
        };
        expect(isStart(found)).toBe(true);
        let at = Math.floor(wall / 60_000) * 60_000 + 60_000;
        while (!isStart(at))
          at = isDay(new Date(at)) ? at + 60_000 : (Math.floor(at / 86_400_000) + 1) * 86_400_000;
        expect(new Date(found).toISOString()).toBe(new Date(at).toISOString());
      },
    ),
    { numRuns: 150 },
  );
});
