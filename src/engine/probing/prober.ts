import type { Check } from '../../core/probing/check.ts';
import type { Health } from '../../core/health/state.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { ProbeOnceFn } from '../ports.ts';
import type { ProbedHost } from './probed-hosts.ts';
import type { HeldRun } from './health-table.ts';
import type { ObservedPath } from './host-paths.ts';

export interface ProberSetOptions {
  /** Namespace of the owner. */
  readonly namespace: string;
  /** Called for each new check. True: it is probed after its initial delay. False: within one period. */
  readonly fresh: (check: Check) => boolean;
  /** Time over which first runs of checks that are not fresh are spread at most. Default: a period. */
  readonly withinMs?: number | undefined;
}

/**
 * Runs checks and keeps their health. `owner` is the UID of a backend, so a backend that is created later
 * with the same name starts without health. All methods return at once.
 */
export interface Prober {
  /** Sets all checks of the owner. The health of its other checks is forgotten. */
  set(owner: string, checks: readonly Check[], options: ProberSetOptions): void;
  /** Ends the checks of the owner and forgets their health. */
  forget(owner: string): void;
  /**
   * Returns a lookup of the health of one owner's checks. It reads the health when it is called; undefined:
   * neither restored nor probed yet.
   */
  healthOf(owner: string): HealthOf;
  /**
   * Sets published health, by the rule of `restoredAgain`. Never replaces health that a verdict has confirmed.
   * Returns true when this replaced other health.
   */
  restore(owner: string, checkId: string, health: Health): boolean;
  /** Starts the runs. Checks may be set before. */
  start(): void;
  /**
   * Aborts the runs and waits until they have ended, a second at most. Then no transition is reported. It
   * cannot be started again.
   */
  stop(): Promise<void>;
  /** Applies the verdict of a check that waits since `onHeld`. Has no effect on other checks. */
  release(owner: string, checkId: string): void;
  /**
   * Drops the verdicts that wait, and the counts of all checks whose last verdict was without an answer. These checks
   * need all verdicts of their thresholds again, from runs that begin from now on.
   */
  recount(): void;
  /** Returns the hosts with a healthy check, by IP. */
  hosts(): ReadonlyMap<string, ProbedHost>;
  /**
   * Reports by `onPath` if each of these hosts has answered since `since` (monotonic), and then each change. A host
   * without evidence since then is probed at once. Ends the earlier watch; without hosts nothing is watched.
   */
  watch(ips: readonly string[], since: number): void;
  /**
   * Returns the ids of quarantined checks: they are probed apart from the others, or not now, because prober
   * threads ended during their runs.
   */
  quarantined(owner: string): readonly string[];
  /** Performs one run where checks are probed, from `start` to `stop`. A thread that ends meanwhile has no evidence. */
  readonly probeOnce: ProbeOnceFn;
  stats(): ProberStats;
}

export interface ProberStats {
  /** Number of checks of all owners. */
  readonly checks: number;
  /** Number of probe threads; 0: the main thread probes. */
  readonly workers: number;
  /** Number of quarantined checks. */
  readonly quarantined: number;
}

/** Part of a verdict that is reported in addition to up and down. */
export type NotableVerdict = Pick<Verdict, 'detectedProtocol' | 'certificateExpiresAt'>;

export interface ProberListeners {
  /** Called for transitions only, after `of` returns the new health. */
  readonly onChanged: (owner: string, check: Check, before: Health, after: Health) => void;
  /**
   * Called with the notable part of a verdict when it changes, and again after a while, because its meaning
   * depends on the time.
   */
  readonly onNotable: (owner: string, check: Check, verdict: NotableVerdict) => void;
  /** Called when the result of `quarantined` for this owner has changed. */
  readonly onQuarantined: (owner: string) => void;
  /**
   * Called when the cost of a check, in milliseconds of CPU, has changed. The check must be set again with
   * it.
   */
  readonly onCost: (owner: string, check: Check, cost: number) => void;
  /**
   * Called when a verdict without an answer would make a healthy check unhealthy. The check remains healthy until
   * `release` or a verdict with an answer. Default: nothing waits.
   */
  readonly onHeld?: (owner: string, check: Check, run: HeldRun) => void;
  /** Called when a verdict does not wait any more: the host answered, or it does not count (`recount`). */
  readonly onSettled?: (owner: string, check: Check) => void;
  /** Called when a watched host answers or stops answering. */
  readonly onPath?: (path: ObservedPath) => void;
  /** Called with the error of a probe or listener that threw. Such errors are bugs, and are logged. */
  readonly onFault: (error: unknown, checkId: string) => void;
}

export type CreateProber = (listeners: ProberListeners) => Prober;
