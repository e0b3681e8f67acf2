import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Counter } from 'prom-client';
import type { HealthState } from '../api/external-backend.ts';
import { allErrorReasons } from '../core/errors.ts';
import { threadEnds, type ThreadEnd } from '../engine/prober-thread.ts';
import type { RunTally } from '../engine/run-tally.ts';
import { BackendSeries, type Figures } from './backend-series.ts';
import { metricsTable } from './metrics-table.ts';
import type { MetricName } from './metrics-table.ts';
import { possibleVerdicts } from './possible-verdicts.ts';
import { countRuns } from './run-series.ts';
import { entries, makeSeries } from './series.ts';

export interface MetricsOptions {
  readonly version: string;
  readonly nodeVersion: string;
  /** Ready and total addresses of each backend. */
  readonly perBackend: boolean;
  readonly maxBackends: number;
}

/** Numbers that are read at a scrape and never in between. */
export interface Sources {
  readonly checks?: () => number;
  readonly probers?: () => number;
  readonly checksQuarantined?: () => number;
  readonly checksCostly?: () => number;
  /** Longest delay of each thread that probes since the last call, in milliseconds, by its name. */
  readonly proberDelays?: () => readonly (readonly [string, number])[];
  /** Factors by which periods are stretched, by namespace. */
  readonly probeSlowdowns?: () => ReadonlyMap<string, number>;
  readonly queueDepth?: () => number;
  readonly requestsInFlight?: () => number;
  readonly namespacesNotServed?: () => number;
  /** Questions that are followed. */
  readonly dnsNames?: () => number;
  /** Questions that are due and wait. */
  readonly dnsWaiting?: () => number;
  /** Age of the oldest answer in use; undefined: there is none. */
  readonly dnsOldestAnswerSeconds?: () => number | undefined;
}

export interface ApiRequest {
  readonly verb: string;
  readonly resource: string;
  /** HTTP status, or the reason where no answer came. */
  readonly code: string;
  readonly durationMs: number;
}

const eventResults = ['written', 'dropped', 'failed'] as const;

const dnsResults = ['Records', 'NoSuchName', 'NoAddress', 'Failed'] as const;

/** Gauges that are sources' numbers at a scrape; 0 where there is none. */
const sampled = {
  checks: 'external_backend_checks',
  probers: 'external_backend_probers',
  checksQuarantined: 'external_backend_checks_quarantined',
  checksCostly: 'external_backend_checks_costly',
  dnsNames: 'external_backend_dns_names',
  dnsWaiting: 'external_backend_dns_questions_waiting',
  dnsOldestAnswerSeconds: 'external_backend_dns_oldest_answer_age_seconds',
  queueDepth: 'external_backend_queue_depth',
  requestsInFlight: 'external_backend_api_requests_in_flight',
  namespacesNotServed: 'external_backend_namespaces_not_served',
} as const satisfies Record<Exclude<keyof Sources, 'proberDelays' | 'probeSlowdowns'>, MetricName>;

/** What the parts of the operator report. Every method is cheap enough to be called where the thing happens. */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #series = makeSeries();
  readonly #backends: BackendSeries;
  #sources: Sources = {};
  /** Namespaces that have a series of their slowdown. */
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
    for (const result of dnsResults) this.#series.external_backend_dns_questions_total.at(result);
    for (const [name, { labels }] of entries(metricsTable)) if (labels.length === 0) this.#series[name].at();
    for (const reason of ['Ok', ...allErrorReasons])
      this.#series.external_backend_reconciles_total.at(reason);
    this.#series.external_backend_build_info.at(version, nodeVersion).value = 1;
  }

  /** Also exports the process's own figures, and samples the event loop's lag from now on. */
  includeProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of unwanted) this.#registry.removeSingleMetric(name);
  }

  sampleAtScrape(sources: Sources): void {
    this.#sources = { ...this.#sources, ...sources };
  }

  /** Probe runs are counted by these, and read at a scrape. */
  includeRuns(tallies: readonly RunTally[]): void {
    this.#runs = [...this.#runs, ...tallies];
  }

  /** What came of one question to the name servers. */
  asked(result: (typeof dnsResults)[number], durationMs: number): void {
    this.#series.external_backend_dns_questions_total.at(result).value++;
    this.#series.external_backend_dns_question_duration_seconds.at().observe(durationMs / 1000);
  }

  proberRestarted(cause: ThreadEnd): void {
    this.#series.external_backend_prober_restarts_total.at(cause).value++;
  }

  turned(to: HealthState, reason: string): void {
    this.#series.external_backend_health_transitions_total.at(to, reason).value++;
  }

  /** What a backend has. Beyond `maxBackends` a backend is only counted, until others are forgotten. */
  published(namespace: string, name: string, figures: Figures): void {
    if (this.#options.perBackend) this.#backends.published(namespace, name, figures);
  }

  /** A probe saw a certificate; `expiresAt` in milliseconds of Unix time. Not counted for a backend without series. */
  certified(namespace: string, name: string, address: string, expiresAt: number): void {
    this.#backends.certified(namespace, name, address, expiresAt);
  }

  /** The backend is gone: so are its series. */
  forgotten(namespace: string, name: string): void {
    this.#backends.forgotten(namespace, name);
  }

  /** `Ok` or the reason of the error; how long the run took and how long it had been due before. */
  reconciled(reason: string, durationMs: number, queuedMs: number): void {
    this.#series.external_backend_reconciles_total.at(reason).value++;
    this.#series.external_backend_reconcile_duration_seconds.at().observe(durationMs / 1000);
    this.#series.external_backend_queue_latency_seconds.at().observe(queuedMs / 1000);
  }

  /** A watch is counted when it has begun, and not timed: it ends when it ends. */
  requested({ verb, resource, code, durationMs }: ApiRequest): void {
    this.#series.external_backend_api_requests_total.at(verb, resource, code).value++;
    if (verb === 'watch') return;
    this.#series.external_backend_api_request_duration_seconds.at(verb, resource).observe(durationMs / 1000);
  }

  /** Counts an Event by its result. */
  recorded(result: (typeof eventResults)[number]): void {
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

  /** Prometheus' text format, 0.0.4. */
  text(): Promise<string> {
    const sources = this.#sources;
    const sample = (name: keyof typeof sampled): void => {
      this.#series[sampled[name]].at().value = sources[name]?.() ?? 0;
    };
    for (const name of Object.keys(sampled) as (keyof typeof sampled)[]) sample(name);
    countRuns(this.#series, this.#runs);
    for (const [name, ms] of sources.proberDelays?.() ?? [])
      this.#series.external_backend_prober_delay_seconds.at(name).value = ms / 1000;
    this.#sampleSlowdowns(sources.probeSlowdowns?.() ?? new Map());
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

/** Lists of Node's internals, of which some break Prometheus' own rules (a gauge must not end in `_total`). */
const unwanted = ['resources', 'handles', 'requests'].flatMap((what) => [
  `nodejs_active_${what}`,
  `nodejs_active_${what}_total`,
]);

/** The registry asks a metric for its name and its `get()`, which the type of prom-client does not say. */
function register(registry: Registry, instrument: { readonly name: string; get(): object }): void {
  registry.registerMetric(instrument as unknown as Counter);
}
