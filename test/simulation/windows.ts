import type { MaintenanceAction, Spec } from '../../src/api/external-backend.ts';
import { calendarOfAnnotation } from '../../src/core/maintenance/maintenance-annotation.ts';
import { calendarOf } from '../../src/core/maintenance/calendar.ts';
import {
  actionFor,
  maintenanceAt,
  type MaintenanceState,
} from '../../src/core/maintenance/maintenance-state.ts';

/** Action that applies to a host; undefined: none. */
export type ActionOf = (host: string) => MaintenanceAction | undefined;

/** The windows of one spec and annotation, over time. `core/maintenance` is tested by itself. */
export class Windows {
  readonly #stateAt: (wall: number) => MaintenanceState;
  #last: MaintenanceState | undefined;
  #lastFrom = 0;

  constructor({ maintenance = [], targets }: Spec, annotation: string | undefined) {
    const hosts = targets.map(({ host }) => host);
    const calendars = [calendarOf(maintenance, hosts), calendarOfAnnotation(annotation, hosts)];
    const calendar = { windows: calendars.flatMap(({ windows }) => windows), problems: [] };
    this.#stateAt = (wall) => maintenanceAt(calendar, wall);
  }

  /** @param wall Unix time in milliseconds */
  at(wall: number): ActionOf {
    const state = this.#state(wall);
    return (host) => actionFor(state, host);
  }

  /** Returns the actions that applied to a host at any time in a span, in their order, each with its begin. */
  between(
    host: string,
    from: number,
    to: number,
  ): readonly { readonly at: number; readonly action: MaintenanceAction | undefined }[] {
    const found = [{ at: from, action: this.at(from)(host) }];
    for (let { edgeAt } = this.#stateAt(from); edgeAt !== undefined && edgeAt <= to;) {
      found.push({ at: edgeAt, action: this.at(edgeAt)(host) });
      ({ edgeAt } = this.#stateAt(edgeAt));
    }
    return found;
  }

  #state(wall: number): MaintenanceState {
    const known = this.#last;
    if (known !== undefined && wall >= this.#lastFrom && wall < (known.edgeAt ?? Infinity)) return known;
    this.#lastFrom = wall;
    return (this.#last = this.#stateAt(wall));
  }
}
