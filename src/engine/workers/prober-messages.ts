import type { Check, Handler } from '../../core/probing/check.ts';
import type { Health } from '../../core/health/state.ts';
import type { BareVerdict, Verdict } from '../../core/probing/verdict.ts';
import type { HeldRun } from '../probing/health-table.ts';
import type { ObservedPath } from '../probing/host-paths.ts';
import type { NotableVerdict } from '../probing/prober.ts';

/**
 * Messages between the main thread and a probe thread. Each direction keeps its order.
 *
 * A check has a number (`ref`) while it is set. A check that is removed and set again has another number, so
 * an old report is recognized and dropped.
 */
export type ProberCommand =
  /** Sent before the first check that uses it. */
  | { readonly op: 'handler'; readonly handlerId: number; readonly handler: Handler }
  /** Releases a handler that no check uses any more. */
  | { readonly op: 'forget'; readonly handlerId: number }
  | ProberSetCommand
  | { readonly op: 'restore'; readonly ref: number; readonly health: Health; readonly version: number }
  /** Applies a verdict that waits. */
  | { readonly op: 'release'; readonly ref: number }
  | { readonly op: 'recount' }
  /** Performs one run, and reports it by `probed`. */
  | { readonly op: 'probe'; readonly run: number; readonly check: Check }
  | { readonly op: 'abort'; readonly run: number }
  | { readonly op: 'watch'; readonly ips: readonly string[]; readonly since: number }
  | { readonly op: 'start' }
  | { readonly op: 'stop' }
  | { readonly op: 'answer'; readonly question: number; readonly verdict: Verdict };

/** Changes to the checks of one owner. Other checks remain. */
export interface ProberSetCommand {
  readonly op: 'set';
  readonly owner: string;
  readonly namespace: string;
  readonly drop: readonly number[];
  readonly put: readonly SentCheck[];
  /** Time over which the first runs are spread at most. Default: a period. */
  readonly withinMs?: number | undefined;
}

export interface SentCheck {
  readonly ref: number;
  readonly check: Omit<Check, 'handler'>;
  readonly handlerId: number;
  readonly fresh: boolean;
  /** Initial health. */
  readonly health?: Health;
  /** Version of its reports until a restored health arrives. */
  readonly version: number;
}

export type ProberReport =
  | HealthReport
  | { readonly op: 'notable'; readonly ref: number; readonly verdict: NotableVerdict }
  /** The cost of the check has changed, in milliseconds of CPU. */
  | { readonly op: 'cost'; readonly ref: number; readonly cost: number }
  /** A verdict without an answer waits. */
  | { readonly op: 'held'; readonly ref: number; readonly run: HeldRun }
  /** It does not wait any more. */
  | { readonly op: 'settled'; readonly ref: number }
  | { readonly op: 'path'; readonly path: ObservedPath }
  | { readonly op: 'probed'; readonly run: number; readonly verdict: BareVerdict }
  | { readonly op: 'fault'; readonly checkId: string; readonly text: string }
  /** A probe that only the main thread can perform. */
  | { readonly op: 'ask'; readonly question: number; readonly check: Check }
  | { readonly op: 'cancel'; readonly question: number }
  | { readonly op: 'stopped' };

/** Health of a check after a transition, a confirmation, or as the answer to a restored one. */
export interface HealthReport {
  readonly op: 'health';
  readonly ref: number;
  /** Version of the last restored health that the thread has received for the check, or of the check as it was sent. */
  readonly version: number;
  readonly health: Health;
  /** True for a transition. */
  readonly changed: boolean;
}

export type SendCommand = (command: ProberCommand) => void;
export type SendReport = (report: ProberReport) => void;
