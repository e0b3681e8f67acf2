import { HeldShares } from '../../util/held-shares.ts';

/**
 * Class of a question by its last results: `steady`: answered; `unsure`: not answered yet, or failed once
 * since the last answer; `suspect`: failed twice in a row or more often.
 */
export type QueryClass = 'steady' | 'unsure' | 'suspect';

export const queryClasses: readonly QueryClass[] = ['steady', 'unsure', 'suspect'];

export interface QueryLimits {
  /** Maximum number of questions in flight, because resolvers lose bursts. */
  readonly maxInFlight: number;
  /** Maximum number of these for questions in the class `suspect`. */
  readonly maxSuspects: number;
}

/**
 * Limits the questions in flight of each class, and of each namespace in a class:
 *
 * | class   | last results                   | slots                                            |
 * |---------|--------------------------------|--------------------------------------------------|
 * | steady  | records or a negative answer   | all                                              |
 * | unsure  | none yet; one failure          | all except a quarter, together with `suspect`    |
 * | suspect | two failures in a row, or more | `maxSuspects`                                    |
 *
 * So a quarter of the slots remains for names that are answered, whatever the number of names that are not.
 * In each class namespaces have shares (`HeldShares`).
 */
export class QueryShares {
  readonly #limits: QueryLimits;
  readonly #running: Record<QueryClass, number> = { steady: 0, unsure: 0, suspect: 0 };
  readonly #held: Readonly<Record<QueryClass, HeldShares>> = {
    steady: new HeldShares(),
    unsure: new HeldShares(),
    suspect: new HeldShares(),
  };

  constructor(limits: QueryLimits) {
    this.#limits = limits;
  }

  /** Returns how many more questions of the class may be sent now. */
  of(queryClass: QueryClass): number {
    const { maxInFlight, maxSuspects } = this.#limits;
    const { steady, unsure, suspect } = this.#running;
    const free = maxInFlight - steady - unsure - suspect;
    if (queryClass === 'steady') return free;
    const room = Math.min(free, Math.ceil(maxInFlight * 0.75) - unsure - suspect);
    return queryClass === 'unsure' ? room : Math.min(room, maxSuspects - suspect);
  }

  /** Returns true when the namespace may take one of `room` slots of the class. */
  allows(queryClass: QueryClass, namespace: string, room: number): boolean {
    return this.#held[queryClass].allows(namespace, room);
  }

  take(queryClass: QueryClass, namespace: string): void {
    this.#running[queryClass] += 1;
    this.#held[queryClass].take(namespace);
  }

  release(queryClass: QueryClass, namespace: string): void {
    this.#running[queryClass] -= 1;
    this.#held[queryClass].release(namespace);
  }
}
