import type { Status } from '../../api/external-backend.ts';
import { lookUp } from '../look-up.ts';
import type { DegradedReason, ReadyReason } from '../status/condition-reasons.ts';
import { conditionOf } from '../status/status-parts.ts';
import type { BackendEvent } from './backend-event.ts';
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
const degradedActions: Readonly<Partial<Record<DegradedReason, string>>> = {
  TwoPrimaries: 'Switch',
  OperatorIsolated: 'Probe',
  UnreachableFromHere: 'Probe',
};

function degradedEvents(previous: Status | undefined, status: Status): readonly BackendEvent[] {
  const { reason = '', message: note = '' } = conditionOf('Degraded', status) ?? {};
  const action = lookUp(degradedActions, reason);
  if (action === undefined || conditionOf('Degraded', previous)?.reason === reason) return [];
  return [{ type: 'Warning', reason, action, note }];
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
  if (after === undefined || (before?.reason === after.reason && before.message === after.message)) return [];
  const isAdoption = [before?.reason, after.reason].includes('Adopting' satisfies ReadyReason);
  if (after.status === 'True' && before?.status !== 'False' && !isAdoption) return [];
  const type = after.status === 'True' ? 'Normal' : 'Warning';
  return [{ type, reason: after.reason, action: 'Reconcile', note: after.message }];
}

/** Returns the Event of a status that the API server refused because of its size. */
export const statusTooLargeEvent = (isWrittenSmaller: boolean): BackendEvent => ({
  type: 'Warning',
  reason: 'StatusTooLarge',
  action: 'Reconcile',
  note: `the API server refused the status because the object would be too large${isWrittenSmaller ? '; status.targets is left out' : ''}: remove annotations, or split the targets over several ExternalBackends`,
});
