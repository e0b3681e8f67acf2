import type { MetricDefinition } from './metrics-table.ts';

/** One number of a counter or gauge. Kept by the caller, so that counting is an addition and nothing more. */
export interface Cell {
  value: number;
}

/** One distribution. */
export class Distribution {
  readonly #bounds: readonly number[];
  /** How many values fell into each bucket, the last one being everything above the last bound; not cumulative. */
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

  /** Replaces all that was observed. `counts` has one for each bucket, not cumulative. */
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
 * All series of one metric. prom-client's own classes hash a label object on every record (1 µs and more, measured);
 * a verdict records three times, 3,000 verdicts come in a second, and so the series are plain cells that callers keep.
 */
export class Instrument<T extends Cell | Distribution> {
  readonly name: string;
  readonly #definition: MetricDefinition;
  readonly #make: () => T;
  readonly #series = new Map<string, { readonly labels: Labels; readonly cell: T }>();

  constructor(name: string, definition: MetricDefinition, make: () => T) {
    this.name = name;
    this.#definition = definition;
    this.#make = make;
  }

  /** The series with these label values, in the order of the definition; made when it is new. */
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

  /** What prom-client's registry asks a metric for. */
  get() {
    const values = [...this.#series.values()].flatMap(({ labels, cell }) =>
      cell instanceof Distribution
        ? cell.samples(this.name, labels)
        : [{ metricName: this.name, labels, value: cell.value }],
    );
    return { name: this.name, help: this.#definition.help, type: this.#definition.type, values };
  }
}
