import type { Condition, Status } from '../../api/external-backend.ts';
import type { AddressReason, ExclusionReason } from '../probing/address-reasons.ts';
import type { ConditionReason } from './condition-reasons.ts';
import type { ResolutionState } from '../resolution/resolution-states.ts';

/** Content of a condition, without its times. */
export type ConditionVerdict<R extends ConditionReason = ConditionReason> = Pick<
  Condition,
  'status' | 'message'
> & { readonly reason: R };

/** Status of a target as it is stored. Another version may have written it, with other states and reasons. */
export type StoredTarget = NonNullable<Status['targets']>[number];

/** Status of a target as this version computes it. */
export type TargetStatus = Omit<StoredTarget, 'resolution' | 'addresses'> & {
  resolution?:
    (Omit<NonNullable<StoredTarget['resolution']>, 'state'> & { state: ResolutionState }) | undefined;
  addresses: AddressStatus[];
};

export type StoredAddress = StoredTarget['addresses'][number];
export type AddressStatus = Omit<StoredAddress, 'reason' | 'excluded'> & {
  reason: AddressReason;
  excluded?: { service: string; reason: ExclusionReason }[] | undefined;
};

/** Returns a condition of a status; undefined: it has none of this type. */
export const conditionOf = (type: string, status: Status | undefined): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);
