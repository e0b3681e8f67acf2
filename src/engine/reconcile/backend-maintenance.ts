import type { Backend } from '../../api/external-backend.ts';
import { calendarOfAnnotation } from '../../core/maintenance/maintenance-annotation.ts';
import { calendarOf, type Calendar } from '../../core/maintenance/calendar.ts';
import {
  actionFor,
  maintenanceAt,
  noMaintenance,
  type MaintenanceState,
} from '../../core/maintenance/maintenance-state.ts';
import { annotations } from '../../core/kubernetes/ownership.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';

/** The clock may be set while a timer runs, and the machine may sleep: the windows are examined again after this time. */
const EXAMINE_MS = 600_000;

/**
 * Maintenance windows of one backend. The spec is parsed once for each generation and annotation, and the windows are
 * searched once between two edges.
 */
export class BackendMaintenance {
  #generation: number | undefined;
  #text: string | undefined;
  #calendar: Calendar | undefined;
  #cached: { readonly from: number; readonly state: MaintenanceState } | undefined;

  /** @param wall Unix time in milliseconds */
  at({ metadata }: KubeObject, { spec, generation }: Backend, wall: number): MaintenanceState {
    const text = metadata.annotations?.[annotations.maintenance];
    if (spec.maintenance === undefined && text === undefined) return noMaintenance;
    if (this.#calendar === undefined || generation !== this.#generation || text !== this.#text) {
      const hosts = spec.targets.map(({ host }) => host);
      const calendars = [calendarOf(spec.maintenance ?? [], hosts), calendarOfAnnotation(text, hosts)];
      this.#calendar = {
        windows: calendars.flatMap(({ windows }) => windows),
        problems: calendars.flatMap(({ problems }) => problems),
      };
      this.#generation = generation;
      this.#text = text;
      this.#cached = undefined;
    }
    const known = this.#cached;
    if (known !== undefined && wall >= known.from && wall < (known.state.edgeAt ?? Infinity))
      return known.state;
    const state = maintenanceAt(this.#calendar, wall);
    this.#cached = { from: wall, state };
    return state;
  }
}

/** Returns the milliseconds until the windows must be examined again; undefined: no window will begin or end. */
export const untilEdgeMs = ({ edgeAt }: MaintenanceState, wall: number): number | undefined =>
  edgeAt === undefined ? undefined : Math.max(1, Math.min(edgeAt - wall, EXAMINE_MS));

/** Returns the backend with the action that applies to each of its targets. */
export function withMaintenance(backend: Backend, state: MaintenanceState): Backend {
  if (state.active.length === 0) return backend;
  const targets = backend.spec.targets.map((target) => {
    const maintenance = actionFor(state, target.host);
    return maintenance === undefined ? target : { ...target, maintenance };
  });
  return { ...backend, spec: { ...backend.spec, targets } };
}
