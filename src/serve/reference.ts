import { metricsTable } from './metrics-table.ts';
import type { MetricDefinition } from './metrics-table.ts';

/** docs/metrics.md. */
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
    'At `/metrics`, in the text format of Prometheus. What to watch and to alert on is in [operations](operations.md).',
    'Beside these there are the figures of the process (`process_*`) and of Node.js (`nodejs_*`), the lag of the event loop',
    'since the last scrape (`nodejs_eventloop_lag_p99_seconds`) among them.',
    '',
    '| name | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
