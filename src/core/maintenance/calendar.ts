import { parseSchedule } from './schedule.ts';
import { wallTimeOf } from './wall-time.ts';
import { once, repeated, within, type MaintenanceWindow, type Occurrences } from './window.ts';

/** One entry of `spec.maintenance`, as the schema accepts it. */
export interface MaintenanceEntry extends Pick<MaintenanceWindow, 'name' | 'action'> {
  readonly schedule?: string | undefined;
  /** RFC 3339, as `from` and `until`. */
  readonly start?: string | undefined;
  readonly durationSeconds: number;
  readonly timeZone: string;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly targets?: readonly string[] | undefined;
}

/** The windows of a backend. Parsing takes milliseconds, so it is done once for each generation. */
export interface Calendar {
  readonly windows: readonly MaintenanceWindow[];
  /** Reasons why windows are not used. */
  readonly problems: readonly string[];
}

/** Parses the windows of a spec. A window that cannot be used is left out, and affects no other. */
export function calendarOf(entries: readonly MaintenanceEntry[]): Calendar {
  const parsed = entries.map((entry) => ({ entry, found: occurrencesOf(entry) }));
  return {
    windows: parsed.flatMap(({ entry: { name, action, targets }, found }) =>
      typeof found === 'string' ? [] : [{ name, action, targets, ...found }],
    ),
    problems: parsed.flatMap(({ entry, found }) =>
      typeof found === 'string' ? [`maintenance window ${entry.name} is off: ${found}`] : [],
    ),
  };
}

/** Returns the times of an entry, or why it has none. */
function occurrencesOf(entry: MaintenanceEntry): Occurrences | string {
  const durationMs = entry.durationSeconds * 1000;
  const [from, until] = [timeOf(entry.from), timeOf(entry.until)];
  if (entry.schedule === undefined) {
    const start = timeOf(entry.start);
    if (start === undefined) return 'it has neither schedule nor start';
    return within(once(start, start + durationMs), from, until);
  }
  const zone = wallTimeOf(entry.timeZone);
  if (zone === undefined)
    return `timeZone ${entry.timeZone} is no zone of the IANA database, such as Europe/Berlin`;
  const schedule = parseSchedule(entry.schedule);
  if ('problem' in schedule) return `schedule ${schedule.problem}`;
  return within(repeated(schedule, zone, durationMs), from, until);
}

const timeOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text);
