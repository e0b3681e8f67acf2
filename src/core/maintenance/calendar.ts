import { unknownHosts } from './hosts.ts';
import { parseInstant } from './parse-instant.ts';
import { parseSchedule } from './schedule.ts';
import { wallTimeOf } from './wall-time.ts';
import { singleSpan, repeatedSpans, within, type MaintenanceWindow, type Occurrences } from './window.ts';

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
  readonly description?: string | undefined;
}

/** The windows of a backend. Parsing takes milliseconds, so it is done once for each generation. */
export interface Calendar {
  readonly windows: readonly MaintenanceWindow[];
  /** Reasons why windows are not used. */
  readonly problems: readonly string[];
}

/**
 * Parses the windows of a spec. A window that cannot be used is left out, and affects no other.
 *
 * @param hosts of the targets of the spec. A host that is none of these is reported, and affects no other.
 */
export function calendarOf(entries: readonly MaintenanceEntry[], hosts: readonly string[]): Calendar {
  const parsed = entries.map((entry) => ({ entry, occurrences: occurrencesOf(entry) }));
  return {
    windows: parsed.flatMap(({ entry: { name, action, targets, description }, occurrences }) =>
      typeof occurrences === 'string' ? [] : [{ name, action, targets, description, ...occurrences }],
    ),
    problems: parsed.flatMap(({ entry: { name, targets }, occurrences }) =>
      typeof occurrences === 'string'
        ? [`maintenance window ${name} is off: ${occurrences}`]
        : unknownHosts(targets, hosts).map((text) => `maintenance window ${name}: ${text}`),
    ),
  };
}

/** Returns the times of an entry, or why it has none. */
function occurrencesOf(entry: MaintenanceEntry): Occurrences | string {
  const durationMs = entry.durationSeconds * 1000;
  const fields = [entry.start, entry.from, entry.until];
  const [start, from, until] = fields.map(parseInstant);
  const wrong = fields.find((text) => text !== undefined && parseInstant(text) === undefined);
  if (wrong !== undefined) return `the date ${wrong} does not exist`;
  if (from !== undefined && until !== undefined && from >= until) return 'until is not after from';
  if (start !== undefined) return within(singleSpan(start, start + durationMs), from, until);
  if (entry.schedule === undefined) return 'it has neither schedule nor start';
  const zone = wallTimeOf(entry.timeZone);
  if (zone === undefined)
    return `timeZone ${entry.timeZone} is no zone of the IANA database, such as Europe/Berlin`;
  const schedule = parseSchedule(entry.schedule);
  if ('problem' in schedule) return `schedule ${schedule.problem}`;
  return within(repeatedSpans(schedule, zone, durationMs), from, until);
}
