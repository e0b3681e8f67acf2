import { group } from '../../api/external-backend.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import type { BackendEvent } from '../../core/events/backend-event.ts';
import { microTime } from '../client/micro-time.ts';
import { resources } from '../client/resources.ts';

/** One Event object: the first occurrence and its repeats. */
export interface EventSeries {
  readonly key: string;
  /** `namespace/name` of the backend. */
  readonly backend: string;
  readonly namespace: string;
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  count: number;
  /** Count in the API server; 0: the object does not exist. */
  written: number;
  /** Number of temporary refusals. */
  refusals: number;
  /** Time of the last occurrence, monotonic (`lastAt`) and wall (`lastWall`). */
  lastAt: number;
  lastWall: number;
  /** True while it waits or is in flight. */
  queued: boolean;
}

const maxNoteBytes = 1_024;
const maxInstanceChars = 128;

/**
 * Returns the key of the series of an Event: its type, reason, action and address (without an address its
 * note).
 */
export const seriesKey = ({ metadata }: KubeObject, event: BackendEvent): string =>
  [metadata.uid, event.type, event.reason, event.action, event.about ?? event.note].join('\n');

/** Creates a series from its first Event. `name` is unique; `wall` is the time of the occurrence. */
export function newSeries(
  backend: KubeObject,
  event: BackendEvent,
  by: { readonly name: string; readonly instance: string; readonly wall: number },
): EventSeries {
  const { namespace, name: regarded, uid } = backend.metadata;
  const { name, instance, wall } = by;
  const body = {
    apiVersion: resources.Event.apiVersion,
    kind: resources.Event.kind,
    metadata: { name, namespace },
    eventTime: microTime(wall),
    reportingController: `${group}/operator`,
    reportingInstance: instance.slice(0, maxInstanceChars),
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: cut(event.note),
    regarding: { apiVersion: backend.apiVersion, kind: backend.kind, namespace, name: regarded, uid },
  };
  const none = { count: 0, written: 0, refusals: 0, lastAt: 0, lastWall: 0, queued: false };
  const key = seriesKey(backend, event);
  return { key, backend: `${namespace}/${regarded}`, namespace, name, body, ...none };
}

/** Returns the field `series` of an Event. The API server requires a count of at least two. */
export function repeatsOf({ count, lastWall }: EventSeries): Readonly<Record<string, unknown>> {
  return { count, lastObservedTime: microTime(lastWall) };
}

/** Cuts a note to 1,024 bytes, without half a character at the end. */
function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= maxNoteBytes) return note;
  return `${new TextDecoder().decode(bytes.subarray(0, maxNoteBytes - 6)).replace(/\uFFFD$/u, '')}…`;
}
