import { HeldShares } from '../../util/held-shares.ts';

/**
 * Class of a question by its last results: `steady`: answered; `unsure`: not answered yet, or failed once
 * since the last answer; `suspect`: failed twice in a row or more often.
 */
export type QueryLane = 'steady' | 'unsure' | 'suspect';

export const lanes: readonly QueryLane[] = ['steady', 'unsure', 'suspect'];

export interface LaneLimits {
  /** Maximum number of questions in flight, because resolvers lose bursts. */
  readonly maxInFlight: number;
  /** Maximum number of these for questions in the lane `suspect`. */
  readonly maxSuspects: number;
}

/**
 * Limits the questions in flight of each lane, and of each namespace in a lane:
 *
 * | lane    | last results                   | slots                                            |
 * |---------|--------------------------------|--------------------------------------------------|
 * | steady  | records or a negative answer   | all                                              |
 * | unsure  | none yet; one failure          | all except a quarter, together with `suspect`    |
 * | suspect | two failures in a row, or more | `maxSuspects`                                    |
 *
 * So a quarter of the slots remains for names that are answered, whatever the number of names that are not.
 * In each lane namespaces have shares (`HeldShares`).
 */
export class LaneRoom {
  readonly #limits: LaneLimits;
  readonly #running: Record<QueryLane, number> = { steady: 0, unsure: 0, suspect: 0 };
  readonly #held: Readonly<Record<QueryLane, HeldShares>> = {
    steady: new HeldShares(),
    unsure: new HeldShares(),
    suspect: new HeldShares(),
  };

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  /** Returns how many more questions of the lane may be sent now. */
  of(lane: QueryLane): number {
    const { maxInFlight, maxSuspects } = this.#limits;
    const { steady, unsure, suspect } = this.#running;
    const free = maxInFlight - steady - unsure - suspect;
    if (lane === 'steady') return free;
    const room = Math.min(free, Math.ceil(maxInFlight * 0.75) - unsure - suspect);
    return lane === 'unsure' ? room : Math.min(room, maxSuspects - suspect);
  }

  /** Returns true when the namespace may take one of `room` slots of the lane. */
  allows(lane: QueryLane, namespace: string, room: number): boolean {
    return this.#held[lane].allows(namespace, room);
  }

  take(lane: QueryLane, namespace: string): void {
    this.#running[lane] += 1;
    this.#held[lane].take(namespace);
  }

  release(lane: QueryLane, namespace: string): void {
    this.#running[lane] -= 1;
    this.#held[lane].release(namespace);
  }
}
