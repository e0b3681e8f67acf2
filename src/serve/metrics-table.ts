import { durationBounds, latenessBounds } from '../engine/probing/run-tally.ts';

/**
 * A metric of the operator. The registry and docs/metrics.md follow from the table below.
 * Counters end in `_total`, and times are in seconds. Label values are the reasons of the code (verdicts, errors).
 * The figures of the process (`process_*`, `nodejs_*`) come from prom-client.
 */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in seconds, for histograms only. */
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
    help: 'Duration of probe runs.',
    labels: ['handler', 'reason'],
    buckets: durationBounds,
  },
  external_backend_probe_lateness_seconds: {
    type: 'histogram',
    help: 'Delay between the planned and the actual start of probe runs.',
    labels: [],
    buckets: latenessBounds,
  },
  external_backend_probers: {
    type: 'gauge',
    help: 'Number of probe threads; 0 if the main thread probes.',
    labels: [],
  },
  external_backend_prober_restarts_total: {
    type: 'counter',
    help: 'Probe threads that were replaced, by cause: Stalled (no answer for --probe-worker-stall), OutOfMemory or Failed.',
    labels: ['cause'],
  },
  external_backend_prober_delay_seconds: {
    type: 'gauge',
    help: 'Longest delay of the event loop of a probe thread since the last scrape, measured four times a second.',
    labels: ['prober'],
  },
  external_backend_checks_quarantined: {
    type: 'gauge',
    help: 'Checks in quarantine: probed separately, or not now, because a probe thread ended twice while it ran them.',
    labels: [],
  },
  external_backend_checks_costly: {
    type: 'gauge',
    help: 'Checks whose period is longer than in the spec, because their probes take more than 20 ms of CPU.',
    labels: [],
  },
  external_backend_isolated: {
    type: 'gauge',
    help: '1 while most hosts do not answer this replica, so that it removes no address because it is silent; else 0.',
    labels: [],
  },
  external_backend_probe_slowdown: {
    type: 'gauge',
    help: 'Factor by which the probe periods of a namespace are longer than in its specs, because these request more than --max-probe-rate-per-namespace. Absent for other namespaces.',
    labels: ['namespace'],
  },
  external_backend_checks: {
    type: 'gauge',
    help: 'Checks (an address and a port) that are probed.',
    labels: [],
  },
  external_backend_health_transitions_total: {
    type: 'counter',
    help: 'Changes of the health of addresses, by new state and reason.',
    labels: ['to', 'reason'],
  },
  external_backend_dns_queries_total: {
    type: 'counter',
    help: 'DNS questions by result: Records, NoSuchName, NoAddress or Failed.',
    labels: ['result'],
  },
  external_backend_dns_query_duration_seconds: {
    type: 'histogram',
    help: 'Duration of DNS questions, all attempts included.',
    labels: [],
    buckets: dnsBuckets,
  },
  external_backend_dns_tracked_questions: {
    type: 'gauge',
    help: 'DNS questions (a host name and a record type) that are followed.',
    labels: [],
  },
  external_backend_dns_questions_waiting: {
    type: 'gauge',
    help: 'DNS questions that are due and wait, because of the limit on questions at the same time or of --dns-max-qps.',
    labels: [],
  },
  external_backend_dns_oldest_answer_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest DNS answer in use, since it was last confirmed; 0 if there is none.',
    labels: [],
  },
  external_backend_addresses: {
    type: 'gauge',
    help: 'Addresses of all targets of a backend.',
    labels: ['namespace', 'name'],
  },
  external_backend_ready_addresses: {
    type: 'gauge',
    help: 'Addresses of a backend that are published as ready.',
    labels: ['namespace', 'name'],
  },
  external_backend_primary_info: {
    type: 'gauge',
    help: 'Always 1. The labels are a backend and the address to which its Services of role Primary lead. Absent if there is none.',
    labels: ['namespace', 'name', 'address'],
  },
  external_backend_fallback_active: {
    type: 'gauge',
    help: '1 while a Service has no ready address and publishes addresses that are not ready, because of whenNoneReady (the label policy: KeepLast or All). Absent otherwise.',
    labels: ['namespace', 'name', 'service', 'policy'],
  },
  external_backend_tier: {
    type: 'gauge',
    help: 'Priority of the servers that a Service uses (targets[].priority; 0 is the best). Absent while none is ready, and if all servers of the Service have the same priority.',
    labels: ['namespace', 'name', 'service'],
  },
  external_backend_maintenance_active: {
    type: 'gauge',
    help: 'Always 1. The labels are a backend, and the name and the action of a maintenance window that is active. Absent otherwise.',
    labels: ['namespace', 'name', 'window', 'action'],
  },
  external_backend_observing: {
    type: 'gauge',
    help: '1 while spec.observe of a backend is true: nothing is written, and the other series of the backend contain what would be published. Absent otherwise.',
    labels: ['namespace', 'name'],
  },
  external_backend_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'Earliest expiry of the certificates that tls probes saw at the addresses of a backend, in seconds of Unix time.',
    labels: ['namespace', 'name'],
  },
  external_backend_backends_without_series: {
    type: 'gauge',
    help: 'Backends of a namespace without series of their own, because they exceed its share of --metrics-max-backends. Absent if there is none.',
    labels: ['namespace'],
  },
  external_backend_queue_depth: {
    type: 'gauge',
    help: 'Backends that wait for a reconcile.',
    labels: [],
  },
  external_backend_queue_latency_seconds: {
    type: 'histogram',
    help: 'Time between the moment a backend was due and the start of its reconcile.',
    labels: [],
    buckets: workBuckets,
  },
  external_backend_reconcile_duration_seconds: {
    type: 'histogram',
    help: 'Duration of reconciles.',
    labels: [],
    buckets: workBuckets,
  },
  external_backend_reconciles_total: {
    type: 'counter',
    help: 'Reconciles by outcome: Ok, or the reason of the error.',
    labels: ['reason'],
  },
  external_backend_api_requests_total: {
    type: 'counter',
    help: 'Requests to the API server by verb, resource and HTTP code, or the reason if there was no answer.',
    labels: ['verb', 'resource', 'code'],
  },
  external_backend_api_request_duration_seconds: {
    type: 'histogram',
    help: 'Duration of requests to the API server, except watches.',
    labels: ['verb', 'resource'],
    buckets: workBuckets,
  },
  external_backend_api_requests_in_flight: {
    type: 'gauge',
    help: 'Requests to the API server in flight.',
    labels: [],
  },
  external_backend_events_total: {
    type: 'counter',
    help: 'Kubernetes Events by result: written, dropped (replaced by newer ones, or out of date) or failed (refused).',
    labels: ['result'],
  },
  external_backend_watch_restarts_total: {
    type: 'counter',
    help: 'Watches that ended and were restarted, by resource and reason.',
    labels: ['resource', 'reason'],
  },
  external_backend_namespaces_not_served: {
    type: 'gauge',
    help: 'Namespaces (of --namespaces; the whole cluster counts as one) that the operator cannot read, for example because a Role is missing.',
    labels: [],
  },
  external_backend_leader: {
    type: 'gauge',
    help: '1 if this replica leads (it holds the Lease, and the API server answers), else 0.',
    labels: [],
  },
  external_backend_build_info: {
    type: 'gauge',
    help: 'Always 1. The labels are the versions of the operator and of Node.js.',
    labels: ['version', 'node'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metricsTable;
