import type { Status } from '../../api/external-backend.ts';
import type { BackendEvent } from './backend-event.ts';

/** Returns one Event for each change of the primary. */
export function primaryEvents(previous: Status | undefined, status: Status): readonly BackendEvent[] {
  const change = primaryChangeEvent(previous?.primary, status.primary);
  return change === undefined ? [] : [change];
}

/**
 * | primary before | after                                     | Event                       |
 * |----------------|-------------------------------------------|-----------------------------|
 * | none           | one                                       | Normal PrimaryChanged       |
 * | one            | another                                   | Normal PrimaryChanged       |
 * | one            | none                                      | Warning PrimaryLost         |
 * | one            | one of its addresses was added or removed | none: it is the same server |
 */
function primaryChangeEvent(before: string | undefined, after: string | undefined): BackendEvent | undefined {
  if (before === after) return undefined;
  const action = 'Switch';
  const was = `(previous primary: ${before})`;
  if (after === undefined) {
    const note = `no ready address reports role Primary ${was}`;
    return { type: 'Warning', reason: 'PrimaryLost', action, note };
  }
  const [old, now] = [before, after].map((text) => text?.split(', ') ?? []);
  if (now?.some((ip) => old?.includes(ip))) return undefined;
  const note = before === undefined ? `${after} is the primary` : `${after} is the primary now ${was}`;
  return { type: 'Normal', reason: 'PrimaryChanged', action, note };
}
