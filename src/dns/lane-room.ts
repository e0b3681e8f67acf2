import { HeldShares } from '../util/held-shares.ts';

/** By the last answers: `steady` answered, `unsure` did not answer yet or failed once since, `suspect` failed again. */
export type Lane = 'steady' | 'unsure' | 'suspect';

export const lanes: readonly Lane[] = ['steady', 'unsure', 'suspect'];

export interface LaneLimits {
  /** Queries at a time: resolvers lose bursts. */
  readonly maxInFlight: number;
  /** Most of these for names that failed twice in a row. */
  readonly maxSuspects: number;
}

/**
 * How many questions of a lane, and of a namespace in it, may be asked at a time:
 *
 * | lane    | last answers                   | slots                                         |
 * |---------|--------------------------------|-----------------------------------------------|
 * | steady  | records or a denial            | all                                           |
 * | unsure  | none yet; one failure          | all but a quarter, together with the suspects |
 * | suspect | two failures in a row, or more | `maxSuspects`                                 |
 *
 * So a quarter of the slots is left for names that answer, whatever the number of dead names. In each lane namespaces
 * have shares (`HeldShares`).
 */
export class LaneRoom {
  readonly #limits: LaneLimits;
  readonly #running: Record<Lane, number> = { steady: 0, unsure: 0, suspect: 0 };
  readonly #held: Readonly<Record<Lane, HeldShares>> = {
    steady: new HeldShares(),
    unsure: new HeldShares(),
    suspect: new HeldShares(),
  };

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  /** Returns how many more questions of the lane may be asked now. */
  of(lane: Lane): number {
    const { maxInFlight, maxSuspects } = this.#limits;
    const { steady, unsure, suspect } = this.#running;
    const free = maxInFlight - steady - unsure - suspect;
    if (lane === 'steady') return free;
    const room = Math.min(free, Math.ceil(maxInFlight * 0.75) - unsure - suspect);
    return lane === 'unsure' ? room : Math.min(room, maxSuspects - suspect);
  }

  /** Returns true when the namespace may have one of `room` slots of the lane. */
  allows(lane: Lane, namespace: string, room: number): boolean {
    return this.#held[lane].allows(namespace, room);
  }

  take(lane: Lane, namespace: string): void {
    this.#running[lane] += 1;
    this.#held[lane].take(namespace);
  }

  release(lane: Lane, namespace: string): void {
    this.#running[lane] -= 1;
    this.#held[lane].release(namespace);
  }
}
