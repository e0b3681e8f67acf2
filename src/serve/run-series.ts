import { RunTally } from '../engine/probing/run-tally.ts';
import type { MetricSet } from './metric-set.ts';

/** Sets the series of probe runs to the sum of what the tallies have counted. */
export function countRuns(series: MetricSet, tallies: readonly RunTally[]): void {
  const total = new RunTally();
  for (const tally of tallies) total.add(tally);
  for (const { kind, reason, results, durations } of total.rows()) {
    for (const [result, count] of Object.entries(results))
      if (count > 0) series.external_backend_probe_results_total.at(kind, result, reason).value = count;
    series.external_backend_probe_duration_seconds.at(kind, reason).replace(durations.counts, durations.sum);
  }
  const { counts, sum } = total.lateness();
  series.external_backend_probe_lateness_seconds.at().replace(counts, sum);
}
