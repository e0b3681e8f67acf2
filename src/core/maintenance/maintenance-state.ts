import type { MaintenanceAction } from '../../api/external-backend.ts';
import type { Calendar } from './calendar.ts';
import { hostKey } from './hosts.ts';
import type { MaintenanceWindow } from './window.ts';

/** A window that is active. Times are Unix time in milliseconds; undefined: see `ActiveSpan`. */
export interface ActiveWindow extends Pick<MaintenanceWindow, 'name' | 'action' | 'targets' | 'description'> {
  readonly since: number | undefined;
  readonly until: number | undefined;
}

export interface ComingWindow extends Pick<MaintenanceWindow, 'name' | 'action'> {
  readonly start: number;
}

/** The windows of a backend at an instant. It is the same at each instant before `edgeAt`. */
export interface MaintenanceState {
  /** The strongest action first. */
  readonly active: readonly ActiveWindow[];
  /** The window that begins next; undefined while one is active, and if none begins any more. */
  readonly next: ComingWindow | undefined;
  /** Instant at which it changes; undefined: never. */
  readonly edgeAt: number | undefined;
  readonly problems: readonly string[];
}

export const noMaintenance: MaintenanceState = {
  active: [],
  next: undefined,
  edgeAt: undefined,
  problems: [],
};

/** Order of the actions for one target: the first one that is active decides. */
export const actionOrder: readonly MaintenanceAction[] = ['Drain', 'Freeze', 'Quiet'];

/** A window whose end is not known is examined again after this time. */
const EXAMINE_MS = 3_600_000;

/**
 * Returns the windows of a backend at an instant. A pure function: a restart in the middle of a window finds the same.
 *
 * @param instant Unix time in milliseconds
 */
export function maintenanceAt({ windows, problems }: Calendar, instant: number): MaintenanceState {
  const active: ActiveWindow[] = [];
  const coming: ComingWindow[] = [];
  for (const { name, action, targets, description, spanAt, nextAfter } of windows) {
    const span = spanAt(instant);
    if (span !== undefined) active.push({ name, action, targets, description, ...span });
    const start = span === undefined ? nextAfter(instant) : undefined;
    if (start !== undefined) coming.push({ name, action, start });
  }
  active.sort((a, b) => actionOrder.indexOf(a.action) - actionOrder.indexOf(b.action));
  coming.sort((a, b) => a.start - b.start);
  const ends = active.map(({ until }) => until ?? instant + EXAMINE_MS);
  const edges = [...ends, ...coming.map(({ start }) => start)];
  return {
    active,
    next: active.length === 0 ? coming[0] : undefined,
    edgeAt: edges.length > 0 ? Math.min(...edges) : undefined,
    problems,
  };
}

/**
 * Returns the action that applies to a target; undefined: none.
 *
 * | active for the target | action |
 * |-----------------------|--------|
 * | Drain, and any other  | Drain  |
 * | Freeze, and Quiet     | Freeze |
 * | Quiet                 | Quiet  |
 */
export const actionFor = (
  { active }: Pick<MaintenanceState, 'active'>,
  host: string,
): MaintenanceAction | undefined =>
  active.find(
    ({ targets }) => targets === undefined || targets.some((each) => hostKey(each) === hostKey(host)),
  )?.action;
