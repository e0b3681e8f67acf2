import type { Check } from '../../core/probing/check.ts';

/** Figures of a backend, for metrics. */
export interface BackendFigures {
  /** Numbers of addresses. */
  readonly ready: number;
  readonly total: number;
  /** IPs to which the Services of role Primary lead. */
  readonly primary: readonly string[];
  readonly checks: readonly Check[];
}
