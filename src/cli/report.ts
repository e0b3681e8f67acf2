import type { Status } from '../api/external-backend.ts';
import type { ObjectMeta } from '../core/kubernetes/objects.ts';
import { timestamp } from '../core/status/text.ts';
import { isLeaderless, type Leader } from './leader.ts';
import type { Tone } from './terminal.ts';

/** An ExternalBackend as it is stored. Its status may have fields of a newer operator. */
export interface StoredBackend {
  readonly metadata: ObjectMeta;
  readonly spec: { readonly mode?: string; readonly targets?: readonly { readonly host: string }[] };
  readonly status?: Partial<Status>;
}

/** An Event about a backend, of events.k8s.io/v1. */
export interface BackendNotice {
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly eventTime?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly metadata: { readonly creationTimestamp?: string };
  readonly series?: { readonly count: number; readonly lastObservedTime: string } | null;
}

export interface ReportedEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly lastSeen: string;
  readonly count: number;
}

/**
 * Health of a backend, for the mark and the exit code.
 *
 * | verdict     | when                                                                  |
 * |-------------|-----------------------------------------------------------------------|
 * | Unknown     | the operator has not processed this generation, or reports Unknown      |
 * | Unavailable | Available is False                                                    |
 * | Degraded    | Available is True, and Ready is False or Degraded is True               |
 * | Available   | otherwise                                                             |
 */
export type BackendVerdict = 'Available' | 'Degraded' | 'Unavailable' | 'Unknown';

export interface ReportedBackend {
  readonly namespace: string;
  readonly name: string;
  readonly mode: string;
  readonly generation: number;
  /** True: the status describes this generation. */
  readonly current: boolean;
  readonly verdict: BackendVerdict;
  /** The stored status, with all of its fields. */
  readonly status: Partial<Status>;
  /** Absent in lists. */
  readonly events?: readonly ReportedEvent[];
}

export const reportKind = {
  apiVersion: 'cli.externalbackend.io/v1alpha1',
  kind: 'ExternalBackendReport',
} as const;

/** Output of `status -o json`. Fields are only added while the version is v1alpha1. */
export interface Report {
  readonly apiVersion: (typeof reportKind)['apiVersion'];
  readonly kind: (typeof reportKind)['kind'];
  /** Time at which the cluster was read. */
  readonly asOf: string;
  readonly leader: Leader;
  readonly items: readonly ReportedBackend[];
}

/** Returns the condition of a type; undefined if the status has none. */
export const statusCondition = ({ conditions }: Partial<Status>, type: string) =>
  conditions?.find((condition) => condition.type === type);

export function createReport(
  backends: readonly StoredBackend[],
  leader: Leader,
  wall: number,
  events?: readonly BackendNotice[],
): Report {
  const items = backends.map((backend) => ({
    ...reportedBackend(backend),
    ...(events !== undefined && { events: events.map(reportedEvent).toSorted(byTime) }),
  }));
  return { ...reportKind, asOf: timestamp(wall), leader, items };
}

function reportedBackend({ metadata, spec, status = {} }: StoredBackend): ReportedBackend {
  const generation = metadata.generation ?? 0;
  const current = (status.observedGeneration ?? -1) >= generation;
  return {
    ...{ namespace: metadata.namespace, name: metadata.name, mode: spec.mode ?? 'Endpoints' },
    ...{ generation, current, verdict: verdictOf(status, current), status },
  };
}

function verdictOf(status: Partial<Status>, current: boolean): BackendVerdict {
  const is = (type: string) => statusCondition(status, type)?.status;
  if (!current || is('Available') === undefined || is('Available') === 'Unknown') return 'Unknown';
  if (is('Available') === 'False') return 'Unavailable';
  return is('Ready') === 'False' || is('Degraded') === 'True' ? 'Degraded' : 'Available';
}

const reportedEvent = ({
  type,
  reason,
  note,
  series,
  eventTime,
  ...event
}: BackendNotice): ReportedEvent => ({
  ...{ type: type ?? '', reason: reason ?? '', message: note ?? '', count: series?.count ?? 1 },
  lastSeen:
    series?.lastObservedTime ??
    eventTime ??
    event.deprecatedLastTimestamp ??
    event.metadata.creationTimestamp ??
    '',
});

const byTime = (a: ReportedEvent, b: ReportedEvent): number =>
  Date.parse(a.lastSeen) - Date.parse(b.lastSeen);

export const toneOfVerdict: Readonly<Record<BackendVerdict, Tone>> = {
  Available: 'good',
  Degraded: 'warning',
  Unavailable: 'bad',
  Unknown: 'warning',
};

/** True if a person must look: a backend is not available, its status is not current, or no operator leads. */
export const hasFindings = ({ items, leader }: Report): boolean =>
  isLeaderless(leader) || items.some(({ verdict }) => verdict === 'Unavailable' || verdict === 'Unknown');
