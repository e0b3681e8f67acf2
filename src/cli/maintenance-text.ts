import type { MaintenanceAction } from '../api/external-backend.ts';
import { hostKey } from '../core/maintenance/hosts.ts';
import { calendarOfAnnotation } from '../core/maintenance/maintenance-annotation.ts';
import { timestamp } from '../core/status/text.ts';
import { CommandError } from './usage-error.ts';

export const maintenanceAnnotation = 'externalbackend.io/maintenance';

export interface MaintenanceRequest {
  readonly action: MaintenanceAction;
  /** Undefined: all targets. */
  readonly host: string | undefined;
  /** Unix time in milliseconds. */
  readonly until: number;
}

const entriesOf = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** Returns the window of one entry, as the operator reads it; undefined: it ignores the entry. */
const windowIn = (entry: string) => calendarOfAnnotation(entry, []).windows[0];

/** True for an entry that has ended. One that the operator ignores has not: its author must see it. */
const hasEnded = (entry: string, wall: number): boolean => {
  const window = windowIn(entry);
  return window !== undefined && window.spanAt(wall) === undefined;
};

const isFor = (entry: string, action: MaintenanceAction, host: string | undefined): boolean => {
  const window = windowIn(entry);
  if (window?.action !== action) return false;
  if (host === undefined || window.targets === undefined) return host === window.targets;
  const [only, ...others] = window.targets;
  return others.length === 0 && hostKey(only ?? '') === hostKey(host);
};

/**
 * Returns the text of the annotation with one entry more. Entries that have ended are left out, and one of the same action and
 * host is replaced. Throws if the operator would not accept it, for the reason that the operator would report.
 *
 * @param hosts of the targets of the spec
 */
export function withEntry(
  text: string | undefined,
  { action, host, until }: MaintenanceRequest,
  hosts: readonly string[],
  wall: number,
): string {
  const entry = `${action}${host === undefined ? '' : ` ${host}`} until ${timestamp(until)}`;
  const [problem] = calendarOfAnnotation(entry, hosts).problems;
  if (problem !== undefined) throw new CommandError(`${problem}\nThe targets are ${hosts.join(', ')}`);
  const kept = entriesOf(text).filter((each) => !hasEnded(each, wall) && !isFor(each, action, host));
  const joined = [...kept, entry].join('; ');
  const { windows, problems } = calendarOfAnnotation(joined, hosts);
  if (windows.length === 0) throw new CommandError(problems.join('; '));
  return joined;
}

/**
 * Returns the text of the annotation without the drains of a host, or without any drain; undefined: nothing is left. Throws if
 * there is none, or if the host is drained with others, so that the entry must be written again.
 */
export function withoutDrain(
  text: string | undefined,
  host: string | undefined,
  wall: number,
): string | undefined {
  const entries = entriesOf(text).filter((entry) => !hasEnded(entry, wall));
  const ends = (entry: string): boolean =>
    host === undefined ? windowIn(entry)?.action === 'Drain' : isFor(entry, 'Drain', host);
  const kept = entries.filter((entry) => !ends(entry));
  if (kept.length === entries.length) {
    const which = host === undefined ? 'no drain' : `no drain of ${host} alone`;
    throw new CommandError(
      `the annotation ${maintenanceAnnotation} has ${which}: it is ${JSON.stringify(text ?? '')}. Windows of spec.maintenance end by their schedule`,
    );
  }
  return kept.length === 0 ? undefined : kept.join('; ');
}
