import { endpoints, type BadSample, type GoodSample } from './builders.ts';

const entry = (more: object = {}) => ({
  name: 'patch',
  schedule: '0 2 * * sun',
  durationSeconds: 3600,
  ...more,
});

const one = (more: object) => endpoints({ maintenance: [entry(more)] });

/** A window of another form than `entry`. */
const only = (window: object) => endpoints({ maintenance: [window] });

const field = (name: string): string => `spec.maintenance[0].${name}`;

const badSchedules: readonly (readonly [string, string])[] = [
  ['TZ=Europe/Berlin 0 2 * * *', 'schedule has a time zone: write timeZone'],
  ['CRON_TZ=UTC 0 2 * * *', 'schedule has a time zone: write timeZone'],
  ['0 0 2 * * *', 'schedule has six fields: remove the first one'],
  ['*/30 0 2 * * sun', 'schedule has six fields: remove the first one'],
  ['0 2 * *', 'schedule must have the five fields'],
  ['0 0 2 * * * 2026', 'schedule must have the five fields'],
  ['60 2 * * *', 'schedule must have the five fields'],
  ['0 24 * * *', 'schedule must have the five fields'],
  ['0 2 0 * *', 'schedule must have the five fields'],
  ['0 2 32 * *', 'schedule must have the five fields'],
  ['0 2 * 13 *', 'schedule must have the five fields'],
  ['0 2 * * 8', 'schedule must have the five fields'],
  ['0 2 * * sunday', 'schedule must have the five fields'],
  ['*/0 2 * * *', 'schedule must have the five fields'],
  ['0 2 L * *', 'schedule must have the five fields'],
  ['0 2 ? * *', 'schedule must have the five fields'],
  ['@hourly', 'schedule must have the five fields'],
  ['@every 1h', 'schedule must have the five fields'],
  ['', 'schedule must have the five fields'],
];

const badInstants: readonly string[] = [
  '2026-12-01',
  '2026-12-01T03:00Z',
  '2026-12-01T03:00:00',
  'tomorrow',
  '2026-13-01T03:00:00Z',
];

export const badMaintenance: readonly BadSample[] = [
  ...badSchedules.map(([schedule, message]) => ({
    name: `maintenance: the schedule ${JSON.stringify(schedule)}`,
    spec: one({ schedule }),
    field: field('schedule'),
    message,
  })),
  ...badInstants.map((start) => ({
    name: `maintenance: the start ${start}`,
    spec: only({ name: 'patch', start, durationSeconds: 60 }),
    field: field('start'),
    message: 'start must be a time of RFC 3339',
  })),
  ...['from', 'until'].map((name) => ({
    name: `maintenance: ${name} without a zone`,
    spec: one({ [name]: '2026-12-01T03:00:00' }),
    field: field(name),
    message: `${name} must be a time of RFC 3339`,
  })),
  {
    name: 'maintenance: schedule and start',
    spec: one({ start: '2026-12-01T03:00:00Z' }),
    field: field('schedule'),
    message: 'write either schedule or start',
  },
  {
    name: 'maintenance: neither schedule nor start',
    spec: only({ name: 'patch', durationSeconds: 60 }),
    field: field('schedule'),
    message: 'write either schedule or start',
  },
  {
    name: 'maintenance: 59 seconds',
    spec: one({ durationSeconds: 59 }),
    field: field('durationSeconds'),
    message: '>=60',
    server: '60',
  },
  {
    name: 'maintenance: more than 7 days',
    spec: one({ durationSeconds: 604_801 }),
    field: field('durationSeconds'),
    message: '<=604800',
    server: '604800',
  },
  {
    name: 'maintenance: no duration',
    spec: only({ name: 'patch', schedule: '0 2 * * *' }),
    field: field('durationSeconds'),
    message: 'expected number',
    server: 'Required value',
  },
  {
    name: 'maintenance: a name in capitals',
    spec: one({ name: 'Sunday' }),
    field: field('name'),
    message: 'name must be a DNS label',
  },
  {
    name: 'maintenance: an offset as a time zone',
    spec: one({ timeZone: '+01:00' }),
    field: field('timeZone'),
    message: 'timeZone must be the name of a time zone',
  },
  {
    name: 'maintenance: an unknown action',
    spec: one({ action: 'Stop' }),
    field: field('action'),
    message: 'Drain',
    server: 'Unsupported value',
  },
  {
    name: 'maintenance: an empty list of targets',
    spec: one({ targets: [] }),
    field: field('targets'),
    message: '>=1',
    server: 'at least 1',
  },
  {
    name: 'maintenance: two windows of one name',
    spec: endpoints({ maintenance: [entry(), entry()] }),
    field: 'spec.maintenance',
    message: 'two entries with the same name',
    server: 'Duplicate value',
  },
  {
    name: 'maintenance: 17 windows',
    spec: endpoints({ maintenance: Array.from({ length: 17 }, (_, i) => entry({ name: `w${i}` })) }),
    field: 'spec.maintenance',
    message: '<=16',
    server: 'at most 16',
  },
];

const goodSchedules: readonly string[] = [
  '@daily',
  '@weekly',
  '@monthly',
  '* * * * *',
  '0  2  * * *',
  '5,35 0-6,22-23 1-7 JAN,feb,3-12/2 Mon-fri',
  '*/15 */2 */3 */4 */2',
  '00 02 01 09 7',
  // Not possible, which the status reports.
  '0 0 30 2 *',
];

export const goodMaintenance: readonly GoodSample[] = [
  ...goodSchedules.map((schedule) => ({
    name: `maintenance: the schedule ${schedule}`,
    spec: one({ schedule }),
  })),
  { name: 'maintenance: no window', spec: endpoints({ maintenance: [] }) },
  {
    name: 'maintenance: every field',
    spec: one({
      ...{ action: 'Drain', timeZone: 'America/Argentina/Buenos_Aires', targets: ['10.20.0.11'] },
      ...{
        from: '2026-12-01T00:00:00+05:30',
        until: '2027-12-01T00:00:00.5Z',
        description: 'Text: "patches".',
      },
    }),
  },
  {
    name: 'maintenance: a start',
    spec: only({ name: 'patch', start: '2026-12-01T03:00:00Z', durationSeconds: 604_800, action: 'Quiet' }),
  },
  // Known only to the database of time zones, so the status reports it.
  { name: 'maintenance: a zone that does not exist', spec: one({ timeZone: 'Mars/Olympus' }) },
  {
    name: 'maintenance: 16 windows',
    spec: endpoints({ maintenance: Array.from({ length: 16 }, (_, i) => entry({ name: `w${i}` })) }),
  },
];
