import type { ErrorReason } from '../errors.ts';
import { warningConditions } from '../probing/reasons.ts';
import type { problemReasons } from '../publish/problems.ts';

// Reasons of the conditions, in the order of the tables in docs/reasons.md, which has a row for each.

/** Reasons of `Ready`, in addition to those of problems and of errors. */
export const readyReasons = [
  'Published',
  'Suspended',
  'Observing',
  'Invalid',
  'NamespaceExcluded',
  'Terminating',
  'TargetsRefused',
  'Missing',
] as const;

export const availableReasons = [
  'AddressesReady',
  'ProbeDisabled',
  'Alias',
  'NotProbedYet',
  'NotResolvedYet',
  'NotPublished',
  'NoReadyAddress',
  'NoneReadyKept',
  'NoneReadyAll',
  'Observing',
] as const;

/** The first one that applies is reported. */
export const degradedReasons = [
  'AllHealthy',
  'TwoPrimaries',
  'OperatorIsolated',
  'UnreachableFromHere',
  'SecretsMissing',
  'PublishRefused',
  'ProbeQuarantined',
  'Flapping',
  'AddressesUnhealthy',
  ...warningConditions,
  'NamesFailing',
  'MaintenanceInvalid',
  'ProbesCostly',
  'ProbesSlowed',
  'TargetsRefused',
  'ExternalIPsRefused',
] as const;

export type ReadyReason = (typeof readyReasons)[number] | keyof typeof problemReasons | ErrorReason;
export type AvailableReason = (typeof availableReasons)[number];
export type DegradedReason = (typeof degradedReasons)[number];
export type ConditionReason = ReadyReason | AvailableReason | DegradedReason;
