import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { calendarOf, type MaintenanceEntry } from '../../../src/core/maintenance/calendar.ts';
import { actionFor, maintenanceAt } from '../../../src/core/maintenance/maintenance-state.ts';
import { wallTimeOf } from '../../../src/core/maintenance/wall-time.ts';

const hosts = ['10.20.0.11', '10.20.0.12', '10.20.0.13'];

const minute = 60_000;
const hour = 60 * minute;

const entry = (more: Partial<MaintenanceEntry> = {}): MaintenanceEntry => ({
  name: 'patch',
  action: 'Freeze',
  durationSeconds: 3600,
  timeZone: 'UTC',
  ...(more.start === undefined && { schedule: '0 2 * * *' }),
  ...more,
});

const text = (instant: number | undefined): string | undefined =>
  instant === undefined ? undefined : new Date(instant).toISOString().replace(/:00\.000Z$/, 'Z');

/** Returns the active windows at an instant, and what comes next, as text. */
const at = (instant: string, ...entries: readonly MaintenanceEntry[]): readonly string[] => {
  const { active, next } = maintenanceAt(calendarOf(entries, hosts), Date.parse(instant));
  return [
    ...active.map(({ action, name, since, until }) => `${action} ${name} ${text(since)} to ${text(until)}`),
    ...(next === undefined ? [] : [`next ${next.name} ${text(next.start)}`]),
  ];
};

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a window', () => {
  it.each([
    ['2026-11-29T01:59:59.999Z', 'next patch 2026-11-29T02:00Z'],
    ['2026-11-29T02:00:00Z', 'Freeze patch 2026-11-29T02:00Z to 2026-11-29T03:00Z'],
    ['2026-11-29T02:59:59.999Z', 'Freeze patch 2026-11-29T02:00Z to 2026-11-29T03:00Z'],
    ['2026-11-29T03:00:00Z', 'next patch 2026-11-30T02:00Z'],
  ])('of a daily schedule is at %s: %s', (instant, expected) => {
    expect(at(instant, entry())).toEqual([expected]);
  });

  it('that begins before midnight ends after it, also at the end of a month and of a year', () => {
    const late = entry({ schedule: '0 22 31 12 *', durationSeconds: 6 * 3600 });
    const expected = 'Freeze patch 2026-12-31T22:00Z to 2027-01-01T04:00Z';
    expect(at('2027-01-01T03:59:00Z', late)).toEqual([expected]);
    expect(at('2027-01-01T04:00:00Z', late)).toEqual(['next patch 2027-12-31T22:00Z']);
  });

  it('with a start occurs once', () => {
    const single = entry({ start: '2026-11-29T12:00:00+02:00' });
    expect(at('2026-11-29T09:00:00Z', single)).toEqual(['next patch 2026-11-29T10:00Z']);
    expect(at('2026-11-29T10:30:00Z', single)).toEqual([
      'Freeze patch 2026-11-29T10:00Z to 2026-11-29T11:00Z',
    ]);
    expect(at('2026-11-29T11:00:00Z', single)).toEqual([]);
  });

  it('is cut by from and until', () => {
    const cut = entry({ from: '2026-11-29T02:30:00Z', until: '2026-11-30T02:15:00Z' });
    expect(at('2026-11-28T02:10:00Z', cut)).toEqual(['next patch 2026-11-29T02:30Z']);
    expect(at('2026-11-29T02:29:00Z', cut)).toEqual(['next patch 2026-11-29T02:30Z']);
    expect(at('2026-11-29T02:30:00Z', cut)).toEqual(['Freeze patch 2026-11-29T02:30Z to 2026-11-29T03:00Z']);
    expect(at('2026-11-30T02:14:00Z', cut)).toEqual(['Freeze patch 2026-11-30T02:00Z to 2026-11-30T02:15Z']);
    expect(at('2026-11-30T02:15:00Z', cut)).toEqual([]);
  });

  it('that begins again before it ends is one window', () => {
    const office = entry({ schedule: '0,30 9-12 * * *', durationSeconds: 3600 });
    const expected = 'Freeze patch 2026-11-29T09:00Z to 2026-11-29T13:30Z';
    expect(at('2026-11-29T09:00:00Z', office)).toEqual([expected]);
    expect(at('2026-11-29T11:10:00Z', office)).toEqual([expected]);
    expect(at('2026-11-29T13:29:00Z', office)).toEqual([expected]);
    expect(at('2026-11-29T13:30:00Z', office)).toEqual(['next patch 2026-11-30T09:00Z']);
  });

  it('that is longer than its period has neither begin nor end', () => {
    const always = entry({ schedule: '@daily', durationSeconds: 2 * 86_400 });
    expect(at('2026-11-29T11:10:00Z', always)).toEqual(['Freeze patch undefined to undefined']);
  });

  it('in a gap of the clock begins at its end, and in a repeated hour begins once', () => {
    const night = { schedule: '30 2 * * *', timeZone: 'Europe/Berlin' };
    expect(at('2026-03-29T01:10:00Z', entry(night))).toEqual([
      'Freeze patch 2026-03-29T01:00Z to 2026-03-29T02:00Z',
    ]);
    expect(at('2026-10-25T00:30:00Z', entry(night))).toEqual([
      'Freeze patch 2026-10-25T00:30Z to 2026-10-25T01:30Z',
    ]);
    expect(at('2026-10-25T01:30:00Z', entry(night))).toEqual(['next patch 2026-10-26T01:30Z']);
  });

  it.each([
    [{ timeZone: 'Mars/Olympus' }, 'timeZone Mars/Olympus is no zone of the IANA database'],
    [{ schedule: '0 0 30 2 *' }, 'matches no day of any year'],
    [{ schedule: '99 0 * * *' }, 'out of range'],
    [{ from: '2026-02-30T00:00:00Z' }, 'the date 2026-02-30T00:00:00Z does not exist'],
    [{ from: '2026-12-01T00:00:00Z', until: '2026-11-01T00:00:00Z' }, 'until is not after from'],
  ])('with %j is off, and no other window is', (more, why) => {
    const calendar = calendarOf([entry({ ...more, name: 'wrong' }), entry()], hosts);
    expect(calendar.problems).toEqual([expect.stringContaining(why)]);
    expect(calendar.problems.join()).toContain('maintenance window wrong is off');
    expect(maintenanceAt(calendar, Date.parse('2026-11-29T02:00:00Z')).active).toMatchObject([
      { name: 'patch' },
    ]);
  });

  it('is active at the same times in whatever year the process runs', () => {
    const entries = [
      entry({ schedule: '30 1 * * *', timeZone: 'America/New_York' }),
      entry({ schedule: '0 0 29 2 *', durationSeconds: 604_800 }),
      entry({ schedule: '*/20 * * * *', durationSeconds: 60, timeZone: 'Australia/Lord_Howe' }),
    ];
    const instants = [
      '2026-11-01T05:40:00Z',
      '2026-11-01T06:40:00Z',
      '2028-03-03T00:00:00Z',
      '2036-02-29T00:00:00Z',
    ];
    const all = () => instants.map((instant) => at(instant, ...entries));
    const now = all();
    for (const year of [1970, 1990, 2026, 2036, 2200]) {
      jest.spyOn(Date, 'now').mockReturnValue(Date.UTC(year, 9, 15));
      expect(all()).toEqual(now);
    }
  });
});

describe('a host of a window', () => {
  const at = Date.parse('2026-11-29T02:30:00Z');

  it('may be written in any spelling of the host of a target', () => {
    const given = entry({ targets: ['FD00:0:0::1', 'DB.example.com.'] });
    const calendar = calendarOf([given], ['fd00::1', 'db.Example.com', '10.20.0.11']);
    expect(calendar.problems).toEqual([]);
    const actions = ['fd00::1', 'db.Example.com', '10.20.0.11'].map((host) =>
      actionFor(maintenanceAt(calendar, at), host),
    );
    expect(actions).toEqual(['Freeze', 'Freeze', undefined]);
  });

  it('that no target has is reported, and the window applies to its other hosts', () => {
    const calendar = calendarOf([entry({ targets: ['10.20.0.11', '10.20.0.99'] })], hosts);
    expect(calendar.problems).toEqual([
      'maintenance window patch: no target of the spec has the host 10.20.0.99',
    ]);
    expect(actionFor(maintenanceAt(calendar, at), '10.20.0.11')).toBe('Freeze');
  });
});

describe('windows that overlap', () => {
  const drain = entry({ name: 'drain', action: 'Drain', targets: ['10.20.0.11'] });
  const quiet = entry({ name: 'quiet', action: 'Quiet', durationSeconds: 7200 });
  const freeze = entry({ name: 'freeze', targets: ['10.20.0.11', '10.20.0.12'] });

  it('are listed with the strongest action first', () => {
    const { active } = maintenanceAt(
      calendarOf([quiet, freeze, drain], hosts),
      Date.parse('2026-11-29T02:30:00Z'),
    );
    expect(active.map(({ name }) => name)).toEqual(['drain', 'freeze', 'quiet']);
  });

  it.each([
    ['2026-11-29T02:30:00Z', '10.20.0.11', 'Drain'],
    ['2026-11-29T02:30:00Z', '10.20.0.12', 'Freeze'],
    ['2026-11-29T02:30:00Z', '10.20.0.13', 'Quiet'],
    ['2026-11-29T03:30:00Z', '10.20.0.11', 'Quiet'],
    ['2026-11-29T04:00:00Z', '10.20.0.11', undefined],
  ])('at %s apply to %s as %s', (instant, host, expected) => {
    const state = maintenanceAt(calendarOf([quiet, freeze, drain], hosts), Date.parse(instant));
    expect(actionFor(state, host)).toBe(expected);
  });
});

/** Returns the spans of an entry between two instants by walking through the minutes, without `cron`. */
function walked(
  { minutes, hours, entry: { timeZone, durationSeconds, from, until } }: Drawn,
  first: number,
  last: number,
): readonly boolean[] {
  const zone = wallTimeOf(timeZone);
  if (zone === undefined) throw new Error(`${timeZone} is no zone`);
  const isStart = (wall: number) =>
    hours.includes(new Date(wall).getUTCHours()) && minutes.includes(new Date(wall).getUTCMinutes());
  const [begin, end] = [
    Date.parse(from ?? '1970-01-01T00:00:00Z'),
    Date.parse(until ?? '2200-01-01T00:00:00Z'),
  ];
  const durationMs = durationSeconds * 1000;
  let latest = zone.wallAt(first - durationMs - 48 * hour);
  let endsAt = -Infinity;
  const found: boolean[] = [];
  for (let instant = first - durationMs - 48 * hour; instant <= last; instant += minute) {
    const shown = zone.wallAt(instant);
    for (let wall = latest + minute; wall <= shown; wall += minute)
      if (isStart(wall)) endsAt = instant + durationMs;
    latest = Math.max(latest, shown);
    if (instant >= first) found.push(instant < endsAt && instant >= begin && instant < end);
  }
  return found;
}

interface Drawn {
  readonly entry: MaintenanceEntry;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
}

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
];

/** Days on which one of the zones changes its clock, and one on which none does. */
const days = [
  '2026-03-08',
  '2026-03-29',
  '2026-04-05',
  '2026-09-06',
  '2026-10-04',
  '2026-10-25',
  '2026-11-01',
  '2026-12-31',
];

const some = (high: number) =>
  fc.uniqueArray(fc.integer({ min: 0, max: high }), { minLength: 1, maxLength: 3 });

const drawn: fc.Arbitrary<Drawn & { readonly day: number }> = fc
  .record({
    ...{
      minutes: some(59),
      hours: some(5),
      timeZone: fc.constantFrom(...zones),
      day: fc.constantFrom(...days),
    },
    durationSeconds: fc
      .oneof(fc.integer({ min: 1, max: 180 }), fc.integer({ min: 1, max: 3000 }))
      .map((n) => n * 60),
    bounds: fc.tuple(
      ...[0, 1].map(() => fc.option(fc.integer({ min: -600, max: 2400 }), { nil: undefined })),
    ),
  })
  .map(({ minutes, hours, day, bounds: [from, until], ...rest }) => {
    const start = Date.parse(`${day}T00:00:00Z`);
    const bound = (minutesAfter: number | undefined) =>
      minutesAfter === undefined ? undefined : new Date(start + minutesAfter * minute).toISOString();
    const schedule = `${minutes.join()} ${hours.join()} * * *`;
    const whole = { ...rest, schedule, from: bound(from), until: bound(until) };
    return { minutes, hours, day: start, entry: entry(whole) };
  });

describe('the windows of any schedule', () => {
  it('are active at exactly the minutes that a walk through two days around a change of clocks shows', () => {
    fc.assert(
      fc.property(drawn, (given) => {
        const calendar = calendarOf([given.entry], hosts);
        const [first, last] = [given.day - 12 * hour, given.day + 36 * hour];
        const expected = walked(given, first, last);
        const minutes = expected.flatMap((is, i) =>
          is !== expected[i - 1] || i % 97 === 0 ? [i - 1, i] : [],
        );
        const found = minutes.map((i) => maintenanceAt(calendar, first + i * minute).active.length === 1);
        expect(found.slice(1)).toEqual(minutes.slice(1).map((i) => expected[i]));
      }),
      { numRuns: 8 },
    );
  });

  it('change at no instant before the next edge, and their state is the same at each', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 0, max: 2880 }), (given, offset) => {
        const calendar = calendarOf([given.entry], hosts);
        const instant = given.day - 12 * hour + offset * minute;
        const state = maintenanceAt(calendar, instant);
        const { edgeAt } = state;
        const until = Math.min(edgeAt ?? Infinity, instant + 24 * hour);
        for (const between of [instant + 1, (instant + until) / 2, until - 1])
          expect(maintenanceAt(calendar, between).active).toEqual(state.active);
        if (edgeAt === undefined || state.active[0]?.until === undefined) return;
        expect(edgeAt).toBeGreaterThan(instant);
        expect(maintenanceAt(calendar, edgeAt).active).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});

it.each([
  ['* * * * *', 60],
  ['* * * * *', 3600],
  ['*/7 * * * *', 86_400],
] as const)(
  'sixteen windows of %s for %i s are found at an edge within 50 ms of CPU time',
  (schedule, durationSeconds) => {
    const entries = Array.from({ length: 16 }, (_, i) =>
      entry({ name: `w${i}`, schedule, durationSeconds, timeZone: 'Europe/Berlin' }),
    );
    const calendar = calendarOf(entries, hosts);
    const took = Array.from({ length: 5 }, (_, i) => {
      const { user } = process.cpuUsage();
      maintenanceAt(calendar, Date.parse('2026-11-29T02:00:00Z') + i * minute);
      return (process.cpuUsage().user - user) / 1000;
    });
    expect(Math.min(...took)).toBeLessThan(50);
  },
);
