import type { Condition, Status } from '../../api/external-backend.ts';
import type { ResolutionState } from '../resolution/resolution-states.ts';

/** Content of a condition, without its times. */
export type ConditionVerdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Status of a target as it is stored. Another version may have written it, with other states and reasons. */
export type StoredTarget = NonNullable<Status['targets']>[number];

/** Status of a target as this version computes it. */
export type TargetStatus = Omit<StoredTarget, 'resolution'> & {
  resolution?:
    (Omit<NonNullable<StoredTarget['resolution']>, 'state'> & { state: ResolutionState }) | undefined;
};
export type AddressStatus = TargetStatus['addresses'][number];

/** Returns a condition of a status; undefined: it has none of this type. */
export const conditionOf = (type: string, status: Status | undefined): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);
