import type { Reason } from './reasons.ts';

/** Reasons of an address that come from no verdict. */
export const unprobedReasons = [
  'NotProbedYet',
  'ProbeDisabled',
  'FamilyNotServed',
  'Drained',
  'Frozen',
  'PublishRefused',
  'NotPublished',
] as const;

/** Reason of an address in the status. Empty: its health was restored without a reason. */
export type AddressReason = Reason | (typeof unprobedReasons)[number] | '';

/** Reasons why the role or the lag of an address keeps it out of a Service. */
export const roleExclusions = [
  'NotPrimary',
  'NotReplica',
  'RoleUnknown',
  'SecondPrimary',
  'LagTooHigh',
] as const;

export type RoleExclusion = (typeof roleExclusions)[number];

/** All reasons why a Service does not have an address that its health would allow. */
export const exclusionReasons = [
  ...roleExclusions,
  'Standby',
  'Drained',
  'FamilyNotServed',
  'PublishRefused',
] as const satisfies readonly (RoleExclusion | AddressReason | 'Standby')[];

export type ExclusionReason = (typeof exclusionReasons)[number];
