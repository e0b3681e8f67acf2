/**
 * Class of a probe for the scheduler, by its verdicts so far:
 *
 * | class     | a check that                                                        | expected use of its slot  |
 * |-----------|---------------------------------------------------------------------|---------------------------|
 * | `steady`  | answered last time                                                  | for a moment              |
 * | `suspect` | failed, fewer than failureThreshold times in a row; or was published before this process started, and has not been probed yet | possibly until its timeout |
 * | `new`     | has no verdict yet                                                  | possibly until its timeout |
 * | `dead`    | failed failureThreshold times in a row, or with its first verdict   | until its timeout         |
 */
export type ProbeClass = 'steady' | 'suspect' | 'new' | 'dead';

export const probeClasses: readonly ProbeClass[] = ['steady', 'suspect', 'new', 'dead'];

export type CountByClass = Record<ProbeClass, number>;

export const noCounts = (): CountByClass => ({ steady: 0, suspect: 0, new: 0, dead: 0 });

/** Properties of a backend that the slots use. */
export interface ProbeOwner {
  readonly namespace: string;
  /** Runs that took a slot at its turn. */
  readonly running: CountByClass;
}

/** One of this many slots is reserved for a class. */
const RESERVED_PART = 16;

/**
 * A namespace may use this many times the slots that it leaves free for its class. A backend may use this
 * many times those that its namespace may still take.
 */
const FACTOR = 8;

/**
 * Shares of `--max-concurrent-probes`, so that no class, no namespace and no backend can use all slots:
 *
 * | class    | at most                                                              |
 * |----------|----------------------------------------------------------------------|
 * | any      | all slots                                                            |
 * | not steady | half of all (at least one), whatever the number of silent checks   |
 * | steady   | all except an eighth, which is always left to the others             |
 * | `suspect`, `new` | a sixteenth each is reserved for them                        |
 * | `dead`   | a sixteenth (at least one) while `suspect` or `new` ones wait        |
 * | one namespace | eight times what is left for its class: eight ninths if it is alone |
 * | one backend | eight times what is left for its class and its namespace           |
 *
 * The last rows are the dynamic threshold of shared buffers (Choudhury and Hahne, 1998): a namespace that is
 * added later finds a free slot at once, whatever the others use and for how long, and so does a backend in
 * its namespace. With fewer than 16 slots nothing is reserved. If all slots are taken, classes, namespaces
 * and backends take turns.
 */
export class ProbeShares {
  readonly #max: number;
  readonly #reserved: number;
  readonly #running = noCounts();
  /** Runs by namespace. A namespace without runs is absent. */
  readonly #namespaces = new Map<unknown, CountByClass>();

  constructor(maxConcurrent: number) {
    this.#max = maxConcurrent;
    this.#reserved = Math.floor(maxConcurrent / RESERVED_PART);
  }

  /**
   * Returns how many slots the class may still take.
   *
   * @param otherWaits true when `suspect` or `new` checks wait
   */
  room(wanted: ProbeClass, otherWaits: boolean): number {
    const { steady, suspect, dead } = this.#running;
    const unsteady = suspect + this.#running.new + dead;
    const free = this.#max - steady - unsteady;
    if (wanted === 'steady') return free - Math.max(0, 2 * this.#reserved - unsteady);
    const unused = (other: 'suspect' | 'new') =>
      other === wanted ? 0 : Math.max(0, this.#reserved - this.#running[other]);
    const half = Math.max(1, this.#max >> 1);
    const room = Math.min(free, half - unsteady - unused('suspect') - unused('new'));
    return wanted === 'dead' && otherWaits ? Math.min(room, Math.max(1, this.#reserved) - dead) : room;
  }

  /** Returns true when the namespace may take one of `room` slots of the class. */
  allowsNamespace(namespace: unknown, wanted: ProbeClass, room: number): boolean {
    return this.#left(namespace, wanted, room) > 0;
  }

  /** Returns true when the backend may take one, given that its namespace may. */
  allows({ namespace, running }: ProbeOwner, wanted: ProbeClass, room: number): boolean {
    return running[wanted] < FACTOR * Math.min(room, this.#left(namespace, wanted, room));
  }

  take({ namespace, running }: ProbeOwner, taken: ProbeClass): void {
    const ofNamespace = this.#namespaces.get(namespace) ?? noCounts();
    this.#namespaces.set(namespace, ofNamespace);
    for (const counts of [this.#running, ofNamespace, running]) counts[taken] += 1;
  }

  release({ namespace, running }: ProbeOwner, taken: ProbeClass): void {
    const ofNamespace = this.#namespaces.get(namespace) ?? noCounts();
    for (const counts of [this.#running, ofNamespace, running]) counts[taken] -= 1;
    if (probeClasses.every((kind) => ofNamespace[kind] === 0)) this.#namespaces.delete(namespace);
  }

  #left(namespace: unknown, wanted: ProbeClass, room: number): number {
    return FACTOR * room - (this.#namespaces.get(namespace)?.[wanted] ?? 0);
  }
}
