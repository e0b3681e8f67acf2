import type { Engine } from '../engine/engine.ts';
import type { MetricName } from './metrics-table.ts';

/** Parts of the operator whose figures are read at a scrape only. */
export interface SampledParts {
  readonly engine?: Pick<Engine, 'stats' | 'slowedNamespaces' | 'isIsolated'>;
  /** `takeDelays` returns the longest delay of each probe thread since the last call, in milliseconds, by name. */
  readonly pool?: { takeDelays(): readonly (readonly [string, number])[] };
  readonly client?: { readonly load: { readonly inFlight: number } };
  readonly cache?: { unreadable(): readonly string[] };
  readonly resolver?: {
    /** `oldestAnswerMs`: age of the oldest answer in use; undefined: there is none. */
    stats(): {
      readonly questions: number;
      readonly waiting: number;
      readonly oldestAnswerMs: number | undefined;
    };
  };
}

/** Gauges without labels that are read at a scrape. Undefined is shown as 0. */
export const sampledMetrics = {
  external_backend_checks: ({ engine }) => engine?.stats().checks,
  external_backend_checks_costly: ({ engine }) => engine?.stats().costly,
  external_backend_checks_quarantined: ({ engine }) => engine?.stats().quarantined,
  external_backend_isolated: ({ engine }) => (engine?.isIsolated === true ? 1 : 0),
  external_backend_probers: ({ engine }) => engine?.stats().workers,
  external_backend_queue_depth: ({ engine }) => engine?.stats().due,
  external_backend_dns_tracked_questions: ({ resolver }) => resolver?.stats().questions,
  external_backend_dns_questions_waiting: ({ resolver }) => resolver?.stats().waiting,
  external_backend_dns_oldest_answer_age_seconds: ({ resolver }) => seconds(resolver?.stats().oldestAnswerMs),
  external_backend_api_requests_in_flight: ({ client }) => client?.load.inFlight,
  external_backend_namespaces_not_served: ({ cache }) => cache?.unreadable().length,
} as const satisfies Partial<Record<MetricName, (parts: SampledParts) => number | undefined>>;

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
