import type { HealthState } from '../api/external-backend.ts';
import type { Telling } from './telling.ts';
import type { Reason } from './verdict.ts';

/** A reason that is not told yet, and how many verdicts in a row have given it. */
export interface Heard {
  readonly reason: Reason;
  readonly run: number;
}

/** What the operator believes of one check. */
export interface Health {
  readonly state: HealthState;
  /** How many verdicts in a row stood against the state (0 when the last conclusive one agreed with it). */
  readonly run: number;
  /** Wall milliseconds at which the state became what it is. */
  readonly since: number;
  /** Of the verdict that made the state, or of those since that have something to tell (remarks.ts); empty while there is none, and where a seeded state came without one. */
  readonly reason: Reason | '';
  readonly message: string;
  /** What the last verdicts told, and too few of them yet. */
  readonly heard?: Heard;
  /** Role and lag; left out while no verdict told of them. */
  readonly telling?: Telling;
  /** Believed of what was published before this term, and not confirmed by a conclusive verdict yet. */
  readonly seeded?: true;
  /** Services that had the address ready when it was seeded, where others had it not ready: until a fresh `up` it is ready in these alone. */
  readonly readyIn?: ReadonlySet<string>;
}

export type Transition = 'unchanged' | 'pending' | 'changed';

/** Of an address nothing is known of yet. `now`: wall milliseconds. */
export function initial(now: number): Health {
  return { state: 'unknown', run: 0, since: now, reason: '', message: '' };
}
