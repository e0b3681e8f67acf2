import { durationBounds, latenessBounds } from '../engine/run-tally.ts';

/**
 * Every metric of the operator, as data: the registry and docs/metrics.md are made from it.
 * Counters end in `_total`, times are seconds; label values are the words of the code (verdict reasons, error reasons).
 * The process's own figures (`process_*`, `nodejs_*`) come from prom-client.
 */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in seconds; of histograms only. */
  readonly buckets?: readonly number[];
}

const dnsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const workBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const metricsTable = {
  external_backend_probe_results_total: {
    type: 'counter',
    help: 'Probe runs by handler, result (up, down, inconclusive) and reason.',
    labels: ['handler', 'result', 'reason'],
  },
  external_backend_probe_duration_seconds: {
    type: 'histogram',
    help: 'How long probe runs took.',
    labels: ['handler', 'reason'],
    buckets: durationBounds,
  },
  external_backend_probe_lateness_seconds: {
    type: 'histogram',
    help: 'How much later than planned probe runs began.',
    labels: [],
    buckets: latenessBounds,
  },
  external_backend_probers: {
    type: 'gauge',
    help: 'Threads that probe now; 0 where the thread that leads does.',
    labels: [],
  },
  external_backend_prober_restarts_total: {
    type: 'counter',
    help: 'Threads that probe which were replaced by a new one, by cause: Stalled (did not answer for --probe-worker-stall), OutOfMemory or Failed.',
    labels: ['cause'],
  },
  external_backend_prober_delay_seconds: {
    type: 'gauge',
    help: 'Longest delay of the event loop of a thread that probes since the last scrape, of those at its beats, four a second.',
    labels: ['prober'],
  },
  external_backend_checks_quarantined: {
    type: 'gauge',
    help: 'Checks that are probed apart from the others, or not now, because a thread ended twice while it probed them.',
    labels: [],
  },
  external_backend_probe_slowdown: {
    type: 'gauge',
    help: 'Factor by which the periods of the probes of a namespace are longer than in its specs, because these ask for more than --max-probe-rate-per-namespace. Only namespaces that are slowed.',
    labels: ['namespace'],
  },
  external_backend_checks: {
    type: 'gauge',
    help: 'Address and port pairs that are probed now.',
    labels: [],
  },
  external_backend_health_transitions_total: {
    type: 'counter',
    help: 'Changes of the health of an address, by the new state and the reason.',
    labels: ['to', 'reason'],
  },
  external_backend_dns_questions_total: {
    type: 'counter',
    help: 'Questions to the name servers by result: Records, NoSuchName, NoAddress or Failed.',
    labels: ['result'],
  },
  external_backend_dns_question_duration_seconds: {
    type: 'histogram',
    help: 'How long questions to the name servers took, all attempts included.',
    labels: [],
    buckets: dnsBuckets,
  },
  external_backend_dns_names: {
    type: 'gauge',
    help: 'Questions (a host name and a record type) that are followed now.',
    labels: [],
  },
  external_backend_dns_questions_waiting: {
    type: 'gauge',
    help: 'Questions that are due and wait now, because as many as may be are asked already or --dns-max-qps is used up.',
    labels: [],
  },
  external_backend_dns_oldest_answer_age_seconds: {
    type: 'gauge',
    help: 'How long ago the oldest answer in use was confirmed; 0 where there is none.',
    labels: [],
  },
  external_backend_addresses: {
    type: 'gauge',
    help: 'Addresses that the targets of a backend have.',
    labels: ['namespace', 'name'],
  },
  external_backend_ready_addresses: {
    type: 'gauge',
    help: 'Addresses of a backend that are published as ready.',
    labels: ['namespace', 'name'],
  },
  external_backend_primary_info: {
    type: 'gauge',
    help: 'Always 1; its labels are a backend and the address that its Services of role Primary lead to. Absent where there is none.',
    labels: ['namespace', 'name', 'address'],
  },
  external_backend_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'When the first of the certificates that tls probes saw at the addresses of a backend ends, in seconds of Unix time.',
    labels: ['namespace', 'name'],
  },
  external_backend_backends_without_series: {
    type: 'gauge',
    help: 'Backends of a namespace beyond its share of --metrics-max-backends, which have no series of their own. Absent where there is none.',
    labels: ['namespace'],
  },
  external_backend_queue_depth: {
    type: 'gauge',
    help: 'Backends that wait to be reconciled now.',
    labels: [],
  },
  external_backend_queue_latency_seconds: {
    type: 'histogram',
    help: 'How long backends waited from the moment they were due until their reconcile began.',
    labels: [],
    buckets: workBuckets,
  },
  external_backend_reconcile_duration_seconds: {
    type: 'histogram',
    help: 'How long reconciles took.',
    labels: [],
    buckets: workBuckets,
  },
  external_backend_reconciles_total: {
    type: 'counter',
    help: 'Reconciles by outcome: Ok or the reason of the error.',
    labels: ['reason'],
  },
  external_backend_api_requests_total: {
    type: 'counter',
    help: 'Requests to the API server by verb, resource and HTTP code, or the reason where no answer came.',
    labels: ['verb', 'resource', 'code'],
  },
  external_backend_api_request_duration_seconds: {
    type: 'histogram',
    help: 'How long requests to the API server took, watches left out.',
    labels: ['verb', 'resource'],
    buckets: workBuckets,
  },
  external_backend_api_requests_in_flight: {
    type: 'gauge',
    help: 'Requests to the API server that run now.',
    labels: [],
  },
  external_backend_events_total: {
    type: 'counter',
    help: 'Kubernetes Events by result: written, dropped (newer ones took their place, or they were out of date) or failed (refused).',
    labels: ['result'],
  },
  external_backend_watch_restarts_total: {
    type: 'counter',
    help: 'Watches that ended and were begun again, by resource and reason.',
    labels: ['resource', 'reason'],
  },
  external_backend_namespaces_not_served: {
    type: 'gauge',
    help: 'Namespaces (of --namespaces; the whole cluster counts as one) that the operator cannot read now, for example because a Role is missing.',
    labels: [],
  },
  external_backend_leader: {
    type: 'gauge',
    help: 'Whether this replica leads: it holds the Lease, and the API server answers. 1 or 0.',
    labels: [],
  },
  external_backend_build_info: {
    type: 'gauge',
    help: 'Always 1; its labels are the version of the operator and of Node.js.',
    labels: ['version', 'node'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metricsTable;
