import type { ActiveWindow } from '../../core/maintenance/maintenance-state.ts';
import type { Check } from '../../core/probing/check.ts';

/** Figures of a backend, for metrics. */
export interface BackendFigures {
  /** Numbers of addresses. */
  readonly ready: number;
  readonly total: number;
  /** IPs to which the Services of role Primary lead. */
  readonly primary: readonly string[];
  /** Services that publish addresses that are not ready, with their policies. */
  readonly fallbacks?: readonly { readonly service: string; readonly policy: string }[];
  /** Priorities of the servers that Services use. */
  readonly tiers?: readonly { readonly service: string; readonly priority: number }[];
  /** Maintenance windows that are active. Default: none. */
  readonly windows?: readonly Pick<ActiveWindow, 'name' | 'action'>[];
  /** True while spec.observe is true: the figures are those of what would be published. Default: false. */
  readonly isObserving?: boolean;
  readonly checks: readonly Check[];
}
