import { allErrorReasons } from '../errors.ts';
import type { Reason } from '../probing/reasons.ts';
import { problemReasons } from '../publish/problems.ts';
import { readyReasons, type ReadyReason } from '../status/condition-reasons.ts';

/**
 * Reasons of Events about something else than the health or a warning of an address, or the condition Ready. In
 * the order of the table in docs/reasons.md, which has a row for each.
 */
export const otherEventReasons = [
  'TargetsRefused',
  'ExternalIPsRefused',
  'AliasSwitched',
  'NoneReadyKept',
  'NoneReadyAll',
  'TierSwitched',
  'FallbackEnded',
  'PrimaryChanged',
  'PrimaryLost',
  'TwoPrimaries',
  'OperatorIsolated',
  'UnreachableFromHere',
  'HealthChanged',
  'MaintenanceBegan',
  'MaintenanceEnded',
  'MaintenanceHeld',
  'CertificateExpiresSoon',
  'StatusTooLarge',
  'BareConnectToMysql',
] as const;

/** Reason of an Event: of an address, of the condition Ready, or any other. */
export type EventReason = Reason | ReadyReason | (typeof otherEventReasons)[number];

const ofReady: readonly string[] = [...readyReasons, ...Object.keys(problemReasons), ...allErrorReasons];

/** Returns true for a reason of the condition Ready. The type of a status does not have its reasons. */
export const isReadyReason = (reason: string): reason is ReadyReason => ofReady.includes(reason);
