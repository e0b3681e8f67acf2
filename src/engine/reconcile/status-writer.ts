import type { Status } from '../../api/external-backend.ts';
import { parseStatus } from '../../api/parse.ts';
import type { Action } from '../../core/kubernetes/action.ts';
import type { OperatorError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { sameStatus } from '../../core/status/status.ts';
import { withoutTargets } from '../../core/status/status-size.ts';
import { perform } from './apply.ts';
import { eventsWhileTracked, type TrackedBackend } from './backend-tracker.ts';
import { statusEvents, statusTooLargeEvent } from '../../core/events/status-events.ts';
import type { EventSink, Writer } from '../ports.ts';

export interface StatusWriterOptions {
  readonly writer: Writer;
  readonly events: EventSink;
}

/**
 * Writes a status if it differs from the stored one, and an Event if its `Ready` does. Returns the writes
 * that failed.
 */
export async function writeStatus(
  raw: KubeObject,
  previous: Status | undefined,
  status: Status,
  { writer, events }: StatusWriterOptions,
): Promise<readonly OperatorError[]> {
  if (sameStatus(previous, status)) return [];
  const { namespace, name, uid = '' } = raw.metadata;
  const action: Action = { op: 'status', ref: { kind: 'ExternalBackend', namespace, name, uid }, status };
  const error = await perform(writer, action);
  if (error !== undefined && isTooLarge(error))
    return writeSmallest(raw, previous, status, { writer, events });
  if (error !== undefined) return [error];
  recordChanges(events, raw, previous, status);
  return [];
}

/**
 * Writes the status of a tracked backend. If an earlier write was cancelled and is found to be stored, its
 * Events are recorded first.
 */
export async function writeTrackedStatus(
  raw: KubeObject,
  status: Status,
  tracked: TrackedBackend,
  options: StatusWriterOptions,
): Promise<readonly OperatorError[]> {
  const previous = parseStatus(raw);
  const events = eventsWhileTracked(tracked, options.events);
  const { abandoned } = tracked;
  tracked.abandoned = undefined;
  if (abandoned !== undefined && sameStatus(previous, abandoned.status))
    recordChanges(events, raw, abandoned.previous, abandoned.status);
  const errors = await writeStatus(raw, previous, status, { ...options, events });
  if (errors.some(({ reason }) => reason === 'Superseded')) tracked.abandoned = { previous, status };
  return errors;
}

/** Records the Events of a status that was written. */
function recordChanges(
  events: EventSink,
  raw: KubeObject,
  previous: Status | undefined,
  status: Status,
): void {
  for (const event of statusEvents(previous, status)) events.record(raw, event);
}

/**
 * Returns true if the object is too large, although the operator computed a status that should fit:
 * annotations and managed fields of other clients count too, and proxies have limits of their own.
 */
const isTooLarge = ({ status, message }: OperatorError): boolean =>
  status === 413 || /request is too large/.test(message);

/** Writes the status without the targets, and one Event about it. */
async function writeSmallest(
  raw: KubeObject,
  previous: Status | undefined,
  status: Status,
  { writer, events }: Pick<StatusWriterOptions, 'writer' | 'events'>,
): Promise<readonly OperatorError[]> {
  const smallest = withoutTargets(status);
  if (sameStatus(previous, smallest)) return [];
  const { namespace, name, uid = '' } = raw.metadata;
  const ref = { kind: 'ExternalBackend', namespace, name, uid } as const;
  const error = await perform(writer, { op: 'status', ref, status: smallest });
  events.record(raw, statusTooLargeEvent(error === undefined));
  return error === undefined ? [] : [error];
}
