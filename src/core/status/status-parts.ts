import type { Condition, Status } from '../../api/external-backend.ts';

/** Content of a condition, without its times. */
export type ConditionVerdict = Pick<Condition, 'status' | 'reason' | 'message'>;
export type TargetStatus = NonNullable<Status['targets']>[number];
export type AddressStatus = TargetStatus['addresses'][number];

/** Returns a condition of a status; undefined: it has none of this type. */
export const conditionOf = (type: string, status: Status | undefined): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);
