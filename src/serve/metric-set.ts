import { Histogram, MetricVec } from './metric.ts';
import type { Counter } from './metric.ts';
import { metricsTable } from './metrics-table.ts';
import type { MetricDefinition, MetricName } from './metrics-table.ts';

/** Instruments of all metrics of the table, by name. */
export type MetricSet = {
  readonly [N in MetricName]: MetricVec<
    (typeof metricsTable)[N]['type'] extends 'histogram' ? Histogram : Counter
  >;
};

export const metricEntries = (
  table: Readonly<Record<MetricName, MetricDefinition>>,
): [MetricName, MetricDefinition][] => Object.entries(table) as [MetricName, MetricDefinition][];

export function createMetricSet(): MetricSet {
  const made = metricEntries(metricsTable).map(([name, definition]) => {
    const make = (): Counter | Histogram =>
      definition.type === 'histogram' ? new Histogram(definition.buckets ?? []) : { value: 0 };
    return [name, new MetricVec<Counter | Histogram>(name, definition, make)];
  });
  return Object.fromEntries(made) as MetricSet;
}
