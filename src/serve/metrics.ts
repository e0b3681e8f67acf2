import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Counter } from 'prom-client';
import { allErrorReasons, type OperatorError } from '../core/errors.ts';
import { eventResults, type EventResult } from '../core/events/backend-event.ts';
import type { Health } from '../core/health/state.ts';
import { questionResults, type QuestionResult } from '../core/resolution/resolution-states.ts';
import { formatHostPort, type Check } from '../core/probing/check.ts';
import type { Observer } from '../engine/engine.ts';
import { threadEnds, type ThreadEnd } from '../engine/workers/prober-thread.ts';
import type { RunTally } from '../engine/probing/run-tally.ts';
import type { BackendFigures } from '../engine/reconcile/backend-figures.ts';
import { BackendSeries } from './backend-series.ts';
import { metricsTable } from './metrics-table.ts';
import { possibleVerdicts } from './possible-verdicts.ts';
import { countRuns } from './run-series.ts';
import { metricEntries, createMetricSet } from './metric-set.ts';
import { sampledMetrics, type SampledParts } from './sampled-metrics.ts';

export interface MetricsOptions {
  readonly version: string;
  readonly nodeVersion: string;
  /** Ready and total addresses of each backend. */
  readonly perBackend: boolean;
  readonly maxBackends: number;
}

/** Result of one request to the API server. */
export interface RequestResult {
  readonly verb: string;
  readonly resource: string;
  /** HTTP status, or the reason if there was no response. */
  readonly code: string;
  readonly durationMs: number;
}

/**
 * Counts what the parts of the operator report. It is the observer of each part: the methods have the names that the
 * parts call, and are cheap enough for the place where the event happens.
 */
export class Metrics implements Observer {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #series = createMetricSet();
  readonly #backends: BackendSeries;
  #parts: SampledParts = {};
  /** Namespaces with a series of their slowdown. */
  #slowed: readonly string[] = [];
  #runs: readonly RunTally[] = [];

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#backends = new BackendSeries(this.#series, options.maxBackends);
    for (const instrument of Object.values(this.#series)) register(this.#registry, instrument);
    this.#initialise();
  }

  /** Creates at 0 the counters whose labels are closed sets, so that `rate()` and alerts see the first increase. */
  #initialise(): void {
    const { version, nodeVersion } = this.#options;
    const {
      external_backend_probe_results_total: results,
      external_backend_health_transitions_total: turns,
    } = this.#series;
    for (const { handler, result, reason } of possibleVerdicts) {
      results.at(handler, result, reason);
      if (result !== 'inconclusive') turns.at(result === 'up' ? 'healthy' : 'unhealthy', reason);
    }
    for (const result of eventResults) this.#series.external_backend_events_total.at(result);
    for (const cause of threadEnds) this.#series.external_backend_prober_restarts_total.at(cause);
    for (const result of questionResults) this.#series.external_backend_dns_queries_total.at(result);
    for (const [name, { labels }] of metricEntries(metricsTable))
      if (labels.length === 0) this.#series[name].at();
    for (const reason of ['Ok', ...allErrorReasons])
      this.#series.external_backend_reconciles_total.at(reason);
    this.#series.external_backend_build_info.at(version, nodeVersion).value = 1;
  }

  /** Adds the metrics of the process, and samples the lag of the event loop from now on. */
  includeProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of unwanted) this.#registry.removeSingleMetric(name);
  }

  /** Adds parts whose figures are read at a scrape. */
  sampleAtScrape(parts: SampledParts): void {
    this.#parts = { ...this.#parts, ...parts };
  }

  /** Adds tallies that count probe runs. They are read at a scrape. */
  includeRuns(tallies: readonly RunTally[]): void {
    this.#runs = [...this.#runs, ...tallies];
  }

  /** Counts one DNS question. */
  dnsQueried(result: QuestionResult, durationMs: number): void {
    this.#series.external_backend_dns_queries_total.at(result).value++;
    this.#series.external_backend_dns_query_duration_seconds.at().observe(durationMs / 1000);
  }

  proberRestarted(cause: ThreadEnd): void {
    this.#series.external_backend_prober_restarts_total.at(cause).value++;
  }

  healthChanged({ state, reason }: Pick<Health, 'state' | 'reason'>): void {
    this.#series.external_backend_health_transitions_total.at(state, reason).value++;
  }

  /**
   * Sets the figures of a backend; undefined removes its series. Beyond `maxBackends` a backend is only counted,
   * until others are removed.
   */
  backendFigures(key: string, figures: BackendFigures | undefined): void {
    if (figures === undefined) this.#backends.remove(key);
    else if (this.#options.perBackend) this.#backends.set(key, figures);
  }

  /** Records a certificate that a probe received. Ignored for a backend without series. */
  certificateSeen(key: string, check: Check, expiresAt: number): void {
    this.#backends.setCertificate(key, formatHostPort(check), expiresAt);
  }

  /** Counts a reconcile. */
  reconciled(error: Pick<OperatorError, 'reason'> | undefined, durationMs: number, queuedMs: number): void {
    this.#series.external_backend_reconciles_total.at(error?.reason ?? 'Ok').value++;
    this.#series.external_backend_reconcile_duration_seconds.at().observe(durationMs / 1000);
    this.#series.external_backend_queue_latency_seconds.at().observe(queuedMs / 1000);
  }

  /** Counts a request. A watch is counted when it has begun, and has no duration. */
  apiRequested({ verb, resource, code, durationMs }: RequestResult): void {
    this.#series.external_backend_api_requests_total.at(verb, resource, code).value++;
    if (verb === 'watch') return;
    this.#series.external_backend_api_request_duration_seconds.at(verb, resource).observe(durationMs / 1000);
  }

  /** Counts an Event by its result. */
  eventRecorded(result: EventResult): void {
    this.#series.external_backend_events_total.at(result).value++;
  }

  watchRestarted(resource: string, reason: string): void {
    this.#series.external_backend_watch_restarts_total.at(resource, reason).value++;
  }

  leading(leads: boolean): void {
    this.#series.external_backend_leader.at().value = leads ? 1 : 0;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Returns all metrics in the text format of Prometheus, version 0.0.4. */
  text(): Promise<string> {
    const { engine, pool } = this.#parts;
    for (const name of Object.keys(sampledMetrics) as (keyof typeof sampledMetrics)[])
      this.#series[name].at().value = sampledMetrics[name](this.#parts) ?? 0;
    countRuns(this.#series, this.#runs);
    for (const [name, ms] of pool?.takeDelays() ?? [])
      this.#series.external_backend_prober_delay_seconds.at(name).value = ms / 1000;
    this.#sampleSlowdowns(engine?.slowedNamespaces() ?? new Map());
    this.#backends.sample();
    return this.#registry.metrics();
  }

  #sampleSlowdowns(slowed: ReadonlyMap<string, number>): void {
    const gauge = this.#series.external_backend_probe_slowdown;
    for (const namespace of this.#slowed) if (!slowed.has(namespace)) gauge.remove(namespace);
    for (const [namespace, factor] of slowed) gauge.at(namespace).value = factor;
    this.#slowed = [...slowed.keys()];
  }
}

/** Metrics of Node's internals, some of which break the rules of Prometheus (a gauge must not end in `_total`). */
const unwanted = ['resources', 'handles', 'requests'].flatMap((what) => [
  `nodejs_active_${what}`,
  `nodejs_active_${what}_total`,
]);

/** Registers an instrument. The registry needs a name and `get()` only; the type of prom-client requires more. */
function register(registry: Registry, instrument: { readonly name: string; get(): object }): void {
  registry.registerMetric(instrument as unknown as Counter);
}
