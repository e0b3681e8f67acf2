import type { MaintenanceAction } from '../../api/external-backend.ts';
import type { Calendar } from './calendar.ts';
import { unknownHosts } from './hosts.ts';
import { parseInstant } from './parse-instant.ts';
import { singleSpan, type MaintenanceWindow } from './window.ts';

/** Longest text that is parsed, and the most entries. */
const MAX_CHARACTERS = 4096;
const MAX_ENTRIES = 16;

const example = 'Drain 10.20.0.11 until 2026-12-01T03:00:00Z';

/**
 * Parses the text of the annotation `externalbackend.io/maintenance`: entries that are separated by semicolons. Each
 * has an action, hosts of targets (none: all targets) and an end.
 *
 *     Drain 10.20.0.11 until 2026-12-01T03:00:00Z; Freeze until 2026-12-01T04:00:00Z
 *
 * A wrong entry is left out, and affects no other. The window of the second entry has the name `annotation-2`.
 *
 * @param hosts of the targets of the spec
 */
export function calendarOfAnnotation(text: string | undefined, hosts: readonly string[]): Calendar {
  if (text === undefined) return { windows: [], problems: [] };
  if (text.length > MAX_CHARACTERS) return refused(`it is longer than ${MAX_CHARACTERS} characters`);
  const entries = text.split(';').map((entry) => entry.trim());
  const given = entries.filter((entry) => entry !== '');
  if (given.length === 0) return refused(`it is empty: write, for example, ${example}, or remove it`);
  if (given.length > MAX_ENTRIES) return refused(`it has more than ${MAX_ENTRIES} entries`);
  const parsed = given.map((entry, i) => windowOf(entry, given.length === 1 ? name : `${name}-${i + 1}`));
  return {
    windows: parsed.filter((each) => typeof each !== 'string'),
    problems: parsed.flatMap((each) => {
      if (typeof each === 'string') return refused(each).problems;
      return unknownHosts(each.targets, hosts).map((why) => `${about}: ${why}`);
    }),
  };
}

const name = 'annotation';
const about = 'annotation externalbackend.io/maintenance';

const refused = (why: string): Calendar => ({
  windows: [],
  problems: [`${about} is ignored: ${why}`],
});

const isAction = (word: string | undefined): word is MaintenanceAction =>
  word === 'Drain' || word === 'Freeze' || word === 'Quiet';

/** Returns the window of an entry, or why there is none. */
function windowOf(entry: string, named: string): MaintenanceWindow | string {
  const [action, ...words] = entry.split(/[\s,]+/);
  const quoted = JSON.stringify(entry.length > 80 ? `${entry.slice(0, 80)} ...` : entry);
  if (!isAction(action)) return `${quoted} does not begin with Drain, Freeze or Quiet`;
  const [word, end = ''] = words.slice(-2);
  const until = parseInstant(end);
  if (word !== 'until' || until === undefined) return `${quoted} has no end: write, for example, ${example}`;
  const targets = words.slice(0, -2);
  const whole = { name: named, action, targets: targets.length > 0 ? targets : undefined };
  const { spanAt, nextAfter } = singleSpan(-Infinity, until);
  return { ...whole, nextAfter, spanAt: (instant) => spanAt(instant) && { since: undefined, until } };
}
