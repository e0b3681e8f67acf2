import type { Condition, Status } from '../../api/external-backend.ts';
import { parseStatus } from '../../api/parse.ts';
import type { Action } from '../../core/kubernetes/action.ts';
import type { OperatorError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { sameStatus } from '../../core/status/status.ts';
import { withoutTargets } from '../../core/status/status-size.ts';
import { perform } from './apply.ts';
import { eventsWhileTracked, type TrackedBackend } from './backend-tracker.ts';
import type { BackendEvent, EventSink, Writer } from '../ports.ts';

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
  recordReadyEvent(events, raw, conditionOf('Ready', previous), conditionOf('Ready', status));
  recordPrimaryEvents(events, raw, previous, status);
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
  const note = `the API server refused the status because the object would be too large${error === undefined ? '; status.targets is left out' : ''}: remove annotations, or split the targets over several ExternalBackends`;
  events.record(raw, { type: 'Warning', reason: 'StatusTooLarge', action: 'Reconcile', note });
  return error === undefined ? [] : [error];
}

/** Records an Event when `Ready` becomes false, or false for another reason, and when it is true again. */
function recordReadyEvent(
  events: EventSink,
  raw: KubeObject,
  before: Condition | undefined,
  after: Condition | undefined,
): void {
  if (after === undefined || (before?.reason === after.reason && before.message === after.message)) return;
  if (after.status === 'True' && before?.status !== 'False') return;
  const type = after.status === 'True' ? 'Normal' : 'Warning';
  events.record(raw, { type, reason: after.reason, action: 'Reconcile', note: after.message });
}

/** Records one Event for each change of the primary, and one when a second primary appears. */
function recordPrimaryEvents(
  events: EventSink,
  raw: KubeObject,
  previous: Status | undefined,
  status: Status,
): void {
  const action = 'Switch';
  const change = primaryChangeEvent(previous?.primary, status.primary);
  if (change !== undefined) events.record(raw, { ...change, action });
  const rivalry = conditionOf('Degraded', status);
  if (rivalry?.reason === 'TwoPrimaries' && conditionOf('Degraded', previous)?.reason !== 'TwoPrimaries')
    events.record(raw, { type: 'Warning', reason: 'TwoPrimaries', action, note: rivalry.message });
}

/**
 * | primary before | after                                     | Event                       |
 * |----------------|-------------------------------------------|-----------------------------|
 * | none           | one                                       | Normal PrimaryChanged       |
 * | one            | another                                   | Normal PrimaryChanged       |
 * | one            | none                                      | Warning PrimaryLost         |
 * | one            | one of its addresses was added or removed | none: it is the same server |
 */
function primaryChangeEvent(
  before: string | undefined,
  after: string | undefined,
): Pick<BackendEvent, 'type' | 'reason' | 'note'> | undefined {
  if (before === after) return undefined;
  const was = `(previous primary: ${before})`;
  if (after === undefined)
    return {
      type: 'Warning',
      reason: 'PrimaryLost',
      note: `no ready address reports role Primary ${was}`,
    };
  const [old, now] = [before, after].map((text) => text?.split(', ') ?? []);
  if (now?.some((ip) => old?.includes(ip))) return undefined;
  const note = before === undefined ? `${after} is the primary` : `${after} is the primary now ${was}`;
  return { type: 'Normal', reason: 'PrimaryChanged', note };
}

const conditionOf = (type: string, status: Status | undefined): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);
