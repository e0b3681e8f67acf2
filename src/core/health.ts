import type { HealthState } from '../api/external-backend.ts';
import type { Timing } from './check.ts';
import type { Reason, Verdict } from './verdict.ts';

/** What the operator believes of one check. */
export interface Health {
  readonly state: HealthState;
  /** How many verdicts in a row stood against the state (0 when the last conclusive one agreed with it). */
  readonly run: number;
  /** Wall milliseconds at which the state became what it is. */
  readonly since: number;
  /** Of the verdict that made the state; empty while unknown. */
  readonly reason: Reason | '';
  readonly message: string;
}

export type Transition = 'unchanged' | 'pending' | 'changed';

export interface Step {
  readonly health: Health;
  readonly transition: Transition;
}

export declare function step(
  health: Health,
  verdict: Verdict,
  thresholds: Pick<Timing, 'successThreshold' | 'failureThreshold'>,
  now: number,
): Step;
