/** By the last answers: `steady` answered, `unsure` did not answer yet or failed once since, `suspect` failed again. */
export type Lane = 'steady' | 'unsure' | 'suspect';

export const lanes: readonly Lane[] = ['steady', 'unsure', 'suspect'];

export interface LaneLimits {
  /** Queries at a time: resolvers lose bursts. */
  readonly maxInFlight: number;
  /** Most of these for names that failed twice in a row. */
  readonly maxSuspects: number;
}

/** A namespace may hold this many times the slots that it leaves free for its lane. */
const namespaceFactor = 8;

/**
 * How many questions of a lane, and of a namespace in it, may be asked at a time:
 *
 * | lane    | last answers                   | slots                                         |
 * |---------|--------------------------------|-----------------------------------------------|
 * | steady  | records or a denial            | all                                           |
 * | unsure  | none yet; one failure          | all but a quarter, together with the suspects |
 * | suspect | two failures in a row, or more | `maxSuspects`                                 |
 *
 * In each lane a namespace may hold eight times what is left for the lane: eight ninths where it is alone. So a
 * quarter of the slots is left for names that answer, whatever the number of dead names, and a namespace that comes
 * later finds a free slot, whatever another one holds and for how long (the dynamic threshold of Choudhury and Hahne).
 */
export class LaneRoom {
  readonly #limits: LaneLimits;
  readonly #running: Record<Lane, number> = { steady: 0, unsure: 0, suspect: 0 };
  readonly #held: Readonly<Record<Lane, Map<string, number>>> = {
    steady: new Map(),
    unsure: new Map(),
    suspect: new Map(),
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
    return (this.#held[lane].get(namespace) ?? 0) < namespaceFactor * room;
  }

  take(lane: Lane, namespace: string): void {
    this.#running[lane] += 1;
    this.#held[lane].set(namespace, (this.#held[lane].get(namespace) ?? 0) + 1);
  }

  release(lane: Lane, namespace: string): void {
    this.#running[lane] -= 1;
    const held = (this.#held[lane].get(namespace) ?? 0) - 1;
    if (held > 0) this.#held[lane].set(namespace, held);
    else this.#held[lane].delete(namespace);
  }
}
