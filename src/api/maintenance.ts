import { z } from 'zod';
import { listMap, matches, withRules, type Rule } from './rule.ts';
import { dnsLabel } from './patterns.ts';

export const maintenanceActions = ['Drain', 'Freeze', 'Quiet'] as const;

/** RFC 3339 with seconds. A date that does not exist, such as 30 February, is reported in the status. */
const rfc3339 =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$';

const isInstant = new RegExp(rfc3339);

/** Returns true for a text that the schema accepts as an instant. */
export const isInstantText = (text: string): boolean => isInstant.test(text);

const instant = (field: string) =>
  withRules(z.string().max(64), [
    matches(
      rfc3339,
      `${field} must be a time of RFC 3339 with seconds and zone, such as 2026-12-01T03:00:00Z`,
    ),
  ]);

/** Returns a pattern for a list of values, ranges and steps of cron. */
const listOf = (value: string): string => {
  const item = `(\\*|(${value})(-(${value}))?)(/[1-9][0-9]?)?`;
  return `${item}(,${item})*`;
};

/** Returns a pattern for words in upper and lower case: RE2 and JavaScript have no common flag for that. */
const anyCase = (...words: readonly string[]): string =>
  words
    .map((word) => Array.from(word, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`).join(''))
    .join('|');

const months = anyCase(...'jan feb mar apr may jun jul aug sep oct nov dec'.split(' '));
const weekdays = anyCase(...'sun mon tue wed thu fri sat'.split(' '));

const fiveFields = [
  listOf('[0-5]?[0-9]'),
  listOf('[01]?[0-9]|2[0-3]'),
  listOf('0?[1-9]|[12][0-9]|3[01]'),
  listOf(`0?[1-9]|1[0-2]|${months}`),
  listOf(`[0-7]|${weekdays}`),
].join(' +');

const schedule = `^(@daily|@weekly|@monthly|${fiveFields})$`;
const withZone = '^(CRON_)?TZ=';
const sixFields = '^[^ =]+( +[^ ]+){5}$';

const scheduleRules: readonly Rule<string>[] = [
  {
    holds: (text) => !new RegExp(withZone).test(text),
    cel: `!self.matches('${withZone}')`,
    message: 'schedule has a time zone: write timeZone: Europe/Berlin in place of TZ= or CRON_TZ=',
  },
  {
    holds: (text) => !new RegExp(sixFields).test(text),
    cel: `!self.matches('${sixFields}')`,
    message: 'schedule has six fields: remove the first one, the seconds',
  },
  {
    holds: (text) => [withZone, sixFields, schedule].some((pattern) => new RegExp(pattern).test(text)),
    cel: `self.matches('${withZone}') || self.matches('${sixFields}') || self.matches(${JSON.stringify(schedule)})`,
    message:
      'schedule must have the five fields of cron (minute, hour, day of month, month, day of week), such as 0 2 * * sun, or be @daily, @weekly or @monthly',
  },
];

const windowShape = z
  .object({
    name: withRules(z.string().max(63), [
      matches(dnsLabel, 'name must be a DNS label: lower-case letters, digits and -, such as sunday-patch'),
    ]).describe('Name of the window, in the status, Events and metrics.'),
    schedule: withRules(z.string().max(128), scheduleRules)
      .optional()
      .describe(
        'Times at which the window begins, as a schedule of cron with five fields, in timeZone, or @daily, @weekly or @monthly. If day of month and day of week are both restricted, one of them suffices. A time that is skipped when clocks are set forward begins at the first instant after the gap. A time that occurs twice when clocks are set back begins at the first of the two.',
      ),
    start: instant('start')
      .optional()
      .describe('The one time at which the window begins, in RFC 3339, such as 2026-12-01T02:00:00Z.'),
    durationSeconds: z
      .int32()
      .min(60)
      .max(604_800)
      .describe('Length of the window. It may begin again before it ends. 60 to 604800 (7 days).'),
    timeZone: withRules(z.string().max(64), [
      matches(
        '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*$',
        'timeZone must be the name of a time zone, such as Europe/Berlin or UTC',
      ),
    ])
      .default('UTC')
      .describe(
        'Time zone of schedule: a name of the IANA database, such as Europe/Berlin. The status reports a name that does not exist (MaintenanceInvalid), and the window is off.',
      ),
    from: instant('from').optional().describe('Time before which the window is never active, in RFC 3339.'),
    until: instant('until')
      .optional()
      .describe('Time from which on the window is never active, in RFC 3339.'),
    targets: z.array(z.string().min(1).max(253)).min(1).max(512).optional().meta({
      description:
        'Hosts of targets to which the window applies, as in targets[].host. Default: all targets.',
      'x-kubernetes-list-type': 'atomic',
    }),
    action: z
      .enum(maintenanceActions)
      .default('Freeze')
      .describe(
        'Effect of the window. Freeze: probes and the status continue, and the health of an address neither removes nor adds it. A change of its role still does. After the window, full thresholds of new verdicts are needed. Drain: the targets leave the Services as with drain: true, except that the last ready addresses of a Service stay (MaintenanceHeld). Quiet: as usual, but Events are of type Normal. If several windows apply to a target, Drain comes before Freeze, and Freeze before Quiet.',
      ),
    description: z
      .string()
      .max(255)
      .optional()
      .describe('Text for people. The Events of the window contain it.'),
  })
  .describe('One maintenance window.');

const windowRules: readonly Rule<z.output<typeof windowShape>>[] = [
  {
    holds: ({ schedule: repeated, start }) => (repeated === undefined) !== (start === undefined),
    cel: 'has(self.schedule) != has(self.start)',
    message: 'write either schedule or start',
    field: 'schedule',
  },
];

export const maintenanceWindowSchema = withRules(windowShape, windowRules);

export const maintenanceSchema = listMap(
  z
    .array(maintenanceWindowSchema)
    .max(16)
    .describe(
      'Maintenance windows, by name. The annotation externalbackend.io/maintenance has the same effect by hand. Up to 16 entries.',
    ),
  'maintenance',
  ['name'],
);
