import { isInstantText } from '../../api/maintenance.ts';

/** Days of the month that `Date.parse` moves to the next month. */
const dateOf = (text: string): string => text.slice(0, 10);

/** Returns the instant of an RFC 3339 text in milliseconds; undefined if it has another form, or no such date exists. */
export function parseInstant(text: string | undefined): number | undefined {
  if (text === undefined || !isInstantText(text)) return undefined;
  const day = Date.parse(`${dateOf(text)}T00:00:00Z`);
  const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(dateOf(text));
  return exists ? Date.parse(text) : undefined;
}
