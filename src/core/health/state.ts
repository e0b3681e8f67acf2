import type { HealthState } from '../../api/external-backend.ts';
import type { ReplicationState } from './replication.ts';
import type { Reason } from '../probing/reasons.ts';

/** A reason that is not shown yet, and the number of consecutive verdicts with it. */
export interface PendingReason {
  readonly reason: Reason;
  readonly run: number;
}

/** Health of one check, derived from its verdicts. */
export interface Health {
  readonly state: HealthState;
  /**
   * Number of consecutive conclusive verdicts against the state. 0 when the last conclusive verdict agreed
   * with it.
   */
  readonly consecutive: number;
  /** Wall-clock milliseconds of the last change of the state. */
  readonly since: number;
  /**
   * Reason of the verdict that set the state, or of a later warning (warnings.ts). Empty while unknown, and
   * when a restored state has no reason.
   */
  readonly reason: Reason | '';
  readonly message: string;
  /** Reason of the last verdicts that is not shown yet, because too few consecutive verdicts have it. */
  readonly pendingReason?: PendingReason;
  /** Replication state; absent until a verdict reports a role or a lag. */
  readonly replication?: ReplicationState;
  /**
   * True while the health comes from what was published before this term, and no conclusive verdict has
   * confirmed it.
   */
  readonly restored?: true;
  /**
   * Services in which the address was ready when it was restored, if it was not ready in others. It is ready in
   * these alone until a new `up`.
   */
  readonly readyIn?: ReadonlySet<string>;
}

export type Transition = 'unchanged' | 'pending' | 'changed';

/** Returns the health of a check without any verdict. `now`: wall-clock milliseconds. */
export function unknownHealth(now: number): Health {
  return { state: 'unknown', consecutive: 0, since: now, reason: '', message: '' };
}
