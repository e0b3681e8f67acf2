import type { Check } from '../core/check.ts';
import type { Health } from '../core/health-state.ts';
import type { ProbeCost } from '../core/probe-cost.ts';
import type { HealthOf } from '../core/readiness.ts';
import type { Verdict } from '../core/verdict.ts';

export interface ProberSetOptions {
  /** Namespace of the owner. */
  readonly namespace: string;
  /** Asked of each new check: true, it is probed after its initial delay; false, within one period. */
  readonly fresh: (check: Check) => boolean;
  /** First runs of checks that are not fresh are spread over this time at most. Left out: over a period. */
  readonly withinMs?: number | undefined;
}

/**
 * Runs checks and keeps what is believed of them. `owner` is the uid of a backend, so a namesake that is created later
 * starts without health. All methods return at once.
 */
export interface Prober {
  /** These are all the checks of the owner from now on. The health of its other checks is forgotten. */
  set(owner: string, checks: readonly Check[], options: ProberSetOptions): void;
  /** Ends the checks of the owner and forgets their health. */
  forget(owner: string): void;
  /** Health of the checks of one owner, as it is when it is asked for; undefined: neither seeded nor probed yet. */
  of(owner: string): HealthOf;
  /**
   * Puts in what is published, by the rule of `reseeded`. Never overrides what a verdict has confirmed. Returns whether
   * that changed something that was believed.
   */
  seed(owner: string, checkId: string, health: Health): boolean;
  /** Checks may be set before; nothing runs until here. */
  start(): void;
  /** Aborts the runs and waits until they have ended (a second at most). No transition is reported any more. For good. */
  stop(): Promise<void>;
  /** Ids of checks that are probed apart from the others, or not now, because of what they did to a thread that probes. */
  quarantined(owner: string): readonly string[];
  stats(): ProberStats;
}

export interface ProberStats {
  /** Checks of all owners. */
  readonly checks: number;
  /** Threads that probe; 0: the one that leads does. */
  readonly workers: number;
  /** Checks that are quarantined. */
  readonly quarantined: number;
}

/** Part of a verdict that is reported in addition to up and down. */
export type NotableVerdict = Pick<Verdict, 'greeting' | 'certificateExpiresAt'>;

export interface ProberListeners {
  /** Receives transitions only, after `of` returns the new health. */
  readonly onChanged: (owner: string, check: Check, before: Health, after: Health) => void;
  /** Receives what is notable of a check when it changes, and again after a while, because what it means depends on the time. */
  readonly onNotable: (owner: string, check: Check, verdict: NotableVerdict) => void;
  /** What `quarantined` returns for this owner has changed. */
  readonly onQuarantined: (owner: string) => void;
  /** Receives the cost of a check whose period is to be stretched by another factor than it is. The check must be set again with it. */
  readonly onCost: (owner: string, check: Check, cost: ProbeCost) => void;
  /** A probe that threw, or a listener that did: bugs, for the log. */
  readonly onFault: (error: unknown, checkId: string) => void;
}

export type CreateProber = (listeners: ProberListeners) => Prober;
