import type { Condition, Status } from '../../api/external-backend.ts';

/** Content of a condition, without its times. */
export type ConditionVerdict = Pick<Condition, 'status' | 'reason' | 'message'>;
export type TargetStatus = NonNullable<Status['targets']>[number];
export type AddressStatus = TargetStatus['addresses'][number];
