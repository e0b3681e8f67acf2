import { Distribution, Instrument } from './instrument.ts';
import type { Cell } from './instrument.ts';
import { metricsTable } from './metrics-table.ts';
import type { MetricDefinition, MetricName } from './metrics-table.ts';

/** Instruments of all metrics of the table, by name. */
export type Series = {
  readonly [N in MetricName]: Instrument<
    (typeof metricsTable)[N]['type'] extends 'histogram' ? Distribution : Cell
  >;
};

export const entries = (
  table: Readonly<Record<MetricName, MetricDefinition>>,
): [MetricName, MetricDefinition][] => Object.entries(table) as [MetricName, MetricDefinition][];

export function makeSeries(): Series {
  const made = entries(metricsTable).map(([name, definition]) => {
    const make = (): Cell | Distribution =>
      definition.type === 'histogram' ? new Distribution(definition.buckets ?? []) : { value: 0 };
    return [name, new Instrument<Cell | Distribution>(name, definition, make)];
  });
  return Object.fromEntries(made) as Series;
}
