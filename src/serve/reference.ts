import { metricsTable } from './metrics-table.ts';
import type { MetricDefinition } from './metrics-table.ts';

/** Returns the content of docs/metrics.md. */
export function metricsMarkdown(): string {
  const definitions: readonly [string, MetricDefinition][] = Object.entries(metricsTable);
  const rows = definitions.map(
    ([name, { type, labels, help }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return [
    '<!-- Generated from src/serve/metrics-table.ts. Do not edit: run `make generate`. -->',
    '',
    '# Metrics',
    '',
    'At `/metrics`, in the text format of Prometheus. Alerts: [operations](operations.md#metrics-and-alerts). Access:',
    '[who may read the metrics](operations.md#who-may-read-the-metrics). In addition to the metrics below there are the',
    'figures of the process (`process_*`) and of Node.js (`nodejs_*`), for example the lag of the event loop since the last',
    'scrape (`nodejs_eventloop_lag_p99_seconds`).',
    '',
    '| name | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
