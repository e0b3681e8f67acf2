import { group } from '../api/external-backend.ts';
import type { KubeObject } from '../core/objects.ts';
import type { BackendEvent } from '../engine/ports.ts';
import { microTime } from './micro-time.ts';
import { resources } from './resources.ts';

/** One Event object: the first sight and its repeats. */
export interface EventSeries {
  readonly key: string;
  /** `namespace/name` of the backend. */
  readonly backend: string;
  readonly namespace: string;
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  count: number;
  /** Count that the API server has; 0: the object does not exist. */
  written: number;
  /** Answers that refused it for now. */
  refusals: number;
  /** Time of the last occurrence, monotonic and wall. */
  lastAt: number;
  lastWall: number;
  /** It waits, or is under way. */
  queued: boolean;
}

const maxNoteBytes = 1_024;
const maxInstanceChars = 128;

/** Events of one key are one: of the same reason about the same thing, whatever the words. */
export const seriesKey = ({ metadata }: KubeObject, event: BackendEvent): string =>
  [metadata.uid, event.type, event.reason, event.action, event.about ?? event.note].join('\n');

/** The first Event of a series; `name` is unique, `wall` the time of the occurrence. */
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

/** The repeats of a series. The API server wants a count of two at least. */
export function repeatsOf({ count, lastWall }: EventSeries): Readonly<Record<string, unknown>> {
  return { count, lastObservedTime: microTime(lastWall) };
}

/** At most 1,024 bytes, and no half character. */
function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= maxNoteBytes) return note;
  return `${new TextDecoder().decode(bytes.subarray(0, maxNoteBytes - 6)).replace(/\uFFFD$/u, '')}…`;
}
