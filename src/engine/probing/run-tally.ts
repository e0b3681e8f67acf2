import { handlerKinds, type HandlerKind } from '../../core/probing/handler-kinds.ts';
import { reasons, type Reason } from '../../core/probing/reasons.ts';
import type { Verdict } from '../../core/probing/verdict.ts';

/** Upper bounds of the durations of runs, in seconds. */
export const durationBounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
/** Upper bounds of the delays of runs after their planned instants, in seconds. */
export const latenessBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

const kindIndex = indexOf(handlerKinds);
const reasonIndex = indexOf(reasons);
const results: Readonly<Record<Verdict['kind'], number>> = { up: 0, down: 1, inconclusive: 2 };

/**
 * Numbers of a distribution: its sum, then a count for each bucket. The last bucket is for values above all
 * bounds.
 */
const sizeOf = (bounds: readonly number[]): number => bounds.length + 2;
const RESULTS = 3;
const ROW = RESULTS + sizeOf(durationBounds);
const LATENESS = handlerKinds.length * reasons.length * ROW;

export interface TalliedDistribution {
  /** Number of values in each bucket, not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts of the runs of one kind of handler that ended with one reason. */
export interface TallyRow {
  readonly kind: HandlerKind;
  readonly reason: Reason;
  readonly results: Readonly<Record<Verdict['kind'], number>>;
  /** Seconds. */
  readonly durations: TalliedDistribution;
}

/**
 * Counts runs in memory of a fixed layout. One thread writes it, and others read it at any time, without
 * messages or waiting. The counts of a thread remain when it ends.
 */
export class RunTally {
  static readonly bytes = (LATENESS + sizeOf(latenessBounds)) * Float64Array.BYTES_PER_ELEMENT;
  readonly #numbers: Float64Array;

  constructor(memory: ArrayBufferLike = new ArrayBuffer(RunTally.bytes)) {
    this.#numbers = new Float64Array(memory);
  }

  ran(kind: HandlerKind, verdict: Pick<Verdict, 'kind' | 'reason'>, durationMs: number): void {
    const row = rowOf(kindIndex[kind], reasonIndex[verdict.reason]);
    this.#increase(row + results[verdict.kind], 1);
    this.#observe(row + RESULTS, durationBounds, durationMs / 1000);
  }

  /** Counts a run that began this much later than planned. */
  late(ms: number): void {
    this.#observe(LATENESS, latenessBounds, ms / 1000);
  }

  /** Adds the counts of another tally. */
  add(other: RunTally): void {
    for (const [index, value] of other.#numbers.entries()) if (value !== 0) this.#increase(index, value);
  }

  /** Returns the rows with at least one run. */
  rows(): readonly TallyRow[] {
    return handlerKinds.flatMap((kind, k) =>
      reasons.flatMap((reason, r) => {
        const row = rowOf(k, r);
        const [up = 0, down = 0, inconclusive = 0] = this.#numbers.subarray(row, row + RESULTS);
        if (up + down + inconclusive === 0) return [];
        const durations = this.#distribution(row + RESULTS, durationBounds);
        return [{ kind, reason, results: { up, down, inconclusive }, durations }];
      }),
    );
  }

  lateness(): TalliedDistribution {
    return this.#distribution(LATENESS, latenessBounds);
  }

  #increase(index: number, by: number): void {
    this.#numbers[index] = (this.#numbers[index] ?? 0) + by;
  }

  #observe(at: number, bounds: readonly number[], value: number): void {
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket++;
    this.#increase(at, value);
    this.#increase(at + 1 + bucket, 1);
  }

  #distribution(at: number, bounds: readonly number[]): TalliedDistribution {
    const [sum = 0, ...counts] = this.#numbers.subarray(at, at + sizeOf(bounds));
    return { sum, counts };
  }
}

const rowOf = (kind: number, reason: number): number => (kind * reasons.length + reason) * ROW;

function indexOf<K extends string>(names: readonly K[]): Readonly<Record<K, number>> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<K, number>;
}
