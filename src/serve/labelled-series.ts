import type { Counter, MetricVec } from './metric.ts';

interface LabelledValue {
  /** Labels in addition to namespace and name. */
  readonly labels: readonly string[];
  readonly value: number;
}

/** Series of one gauge that a backend has any number of, with labels of their own. */
export class LabelledSeries {
  readonly #gauge: MetricVec<Counter>;
  readonly #present = new Map<string, readonly LabelledValue[]>();

  constructor(gauge: MetricVec<Counter>) {
    this.#gauge = gauge;
  }

  /** Sets all series of a backend (`namespace/name`). */
  set(key: string, values: readonly LabelledValue[]): void {
    const owner = key.split('/');
    const texts = new Set(values.map(({ labels }) => labels.join()));
    for (const { labels } of this.#present.get(key) ?? [])
      if (!texts.has(labels.join())) this.#gauge.remove(...owner, ...labels);
    for (const { labels, value } of values) this.#gauge.at(...owner, ...labels).value = value;
    if (values.length > 0) this.#present.set(key, values);
    else this.#present.delete(key);
  }
}
