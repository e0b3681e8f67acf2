import type { Status } from '../../api/external-backend.ts';
import type { ReadyReason } from '../status/condition-reasons.ts';
import { conditionOf } from '../status/status-parts.ts';
import type { BackendEvent } from './backend-event.ts';
import { isReadyReason } from './event-reasons.ts';
import { fallbackEvents } from './fallback-events.ts';
import { maintenanceEvents } from './maintenance-events.ts';
import { primaryEvents } from './primary-events.ts';
import { tierEvents } from './tier-events.ts';

/** Returns the Events of a status that replaced another one. */
export const statusEvents = (previous: Status | undefined, status: Status): readonly BackendEvent[] => [
  ...readyEvents(previous, status),
  ...primaryEvents(previous, status),
  ...fallbackEvents(previous, status),
  ...tierEvents(previous, status),
  ...degradedEvents(previous, status),
  ...maintenanceEvents(previous, status),
];

/** Reasons of `Degraded` that are an Event too when they begin, with the action of the Event. */
const degradedActions = [
  { reason: 'TwoPrimaries', action: 'Switch' },
  { reason: 'OperatorIsolated', action: 'Probe' },
  { reason: 'UnreachableFromHere', action: 'Probe' },
] as const;

function degradedEvents(previous: Status | undefined, status: Status): readonly BackendEvent[] {
  const degraded = conditionOf('Degraded', status);
  const event = degradedActions.find(({ reason }) => reason === degraded?.reason);
  if (event === undefined || conditionOf('Degraded', previous)?.reason === event.reason) return [];
  return [{ type: 'Warning', ...event, note: degraded?.message ?? '' }];
}

/**
 * | Ready before | after                              | Event   |
 * |--------------|------------------------------------|---------|
 * | any          | the same reason and message        | none    |
 * | False        | True                               | Normal  |
 * | any          | True, from or to Adopting          | Normal  |
 * | none, True   | True, any other                    | none    |
 * | any          | False, another reason or message   | Warning |
 */
function readyEvents(previous: Status | undefined, status: Status): readonly BackendEvent[] {
  const [before, after] = [conditionOf('Ready', previous), conditionOf('Ready', status)];
  if (after === undefined || !isReadyReason(after.reason)) return [];
  const { reason, message: note } = after;
  if (before?.reason === reason && before.message === note) return [];
  const isAdoption = [before?.reason, reason].includes('Adopting' satisfies ReadyReason);
  if (after.status === 'True' && before?.status !== 'False' && !isAdoption) return [];
  const type = after.status === 'True' ? 'Normal' : 'Warning';
  return [{ type, reason, action: 'Reconcile', note }];
}

/** Returns the Event of a status that the API server refused because of its size. */
export const statusTooLargeEvent = (isWrittenSmaller: boolean): BackendEvent => ({
  type: 'Warning',
  reason: 'StatusTooLarge',
  action: 'Reconcile',
  note: `the API server refused the status because the object would be too large${isWrittenSmaller ? '; status.targets is left out' : ''}: remove annotations, or split the targets over several ExternalBackends`,
});
