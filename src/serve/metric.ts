import type { MetricDefinition } from './metrics-table.ts';

/** Value of one series of a counter or gauge. The caller keeps it, so that counting is one addition. */
export interface Counter {
  value: number;
}

/** One series of a histogram. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** Number of values in each bucket, not cumulative. The last bucket has the values above the last bound. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? Infinity)) index++;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  /** Replaces all observations. `counts` has one number for each bucket, not cumulative. */
  replace(counts: readonly number[], sum: number): void {
    for (const index of this.#counts.keys()) this.#counts[index] = counts[index] ?? 0;
    this.#sum = sum;
  }

  samples(name: string, labels: Labels): readonly Sample[] {
    const samples: Sample[] = [];
    let count = 0;
    for (const [index, inBucket] of this.#counts.entries()) {
      count += inBucket;
      const le = String(this.#bounds[index] ?? '+Inf');
      samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
    }
    samples.push({ metricName: `${name}_sum`, labels, value: this.#sum });
    samples.push({ metricName: `${name}_count`, labels, value: count });
    return samples;
  }
}

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

/**
 * All series of one metric. The classes of prom-client hash a label object for each record (1 µs and more, measured).
 * A verdict makes three records, and there are 3,000 verdicts a second, so the series are plain cells that callers keep.
 */
export class MetricVec<T extends Counter | Histogram> {
  readonly name: string;
  readonly #definition: MetricDefinition;
  readonly #make: () => T;
  readonly #series = new Map<string, { readonly labels: Labels; readonly cell: T }>();

  constructor(name: string, definition: MetricDefinition, make: () => T) {
    this.name = name;
    this.#definition = definition;
    this.#make = make;
  }

  /** Returns the series with these label values, in the order of the definition. Creates it if it is new. */
  at(...values: readonly string[]): T {
    const key = values.join('\0');
    const known = this.#series.get(key);
    if (known !== undefined) return known.cell;
    const labels = Object.fromEntries(
      this.#definition.labels.map((label, index) => [label, values[index] ?? '']),
    );
    const cell = this.#make();
    this.#series.set(key, { labels, cell });
    return cell;
  }

  remove(...values: readonly string[]): void {
    this.#series.delete(values.join('\0'));
  }

  /** Returns the metric in the form that the registry of prom-client reads. */
  get() {
    const values = [...this.#series.values()].flatMap(({ labels, cell }) =>
      cell instanceof Histogram
        ? cell.samples(this.name, labels)
        : [{ metricName: this.name, labels, value: cell.value }],
    );
    return { name: this.name, help: this.#definition.help, type: this.#definition.type, values };
  }
}
