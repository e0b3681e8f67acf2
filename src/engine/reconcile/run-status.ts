import type { Status } from '../../api/external-backend.ts';
import { formatHostPort } from '../../core/probing/check.ts';
import { maxCpuMs } from '../../core/probing/probe-cost.ts';
import type { OperatorError } from '../../core/errors.ts';
import { statusOf } from '../../core/status/status.ts';
import type { CostlyAddress, StatusInput } from '../../core/status/status-input.ts';
import type { Clock } from '../../util/clock.ts';
import type { ProbeCosts } from '../probing/probe-costs.ts';
import type { ProbeRates } from '../probing/probe-rates.ts';
import type { TrackedBackend } from './backend-tracker.ts';
import type { ReconcileInputs } from './inputs.ts';
import type { WrittenInputs } from './written-inputs.ts';

export interface RunStatusOptions {
  readonly clock: Clock;
  /** Default: no namespace is slowed. */
  readonly rates?: ProbeRates;
  /** Default: no probe is too expensive. */
  readonly costs?: ProbeCosts;
  /** Returns why silent addresses of the backend (a UID) remain. Default: none does. */
  readonly isolationOf?: (uid: string) => Pick<StatusInput, 'isolation' | 'unreachableFromHere'>;
}

/**
 * Returns the status after a run.
 *
 * @param error a write that the server refused, or that keeps failing
 */
export function statusOfRun(
  { alias, ...inputs }: WrittenInputs,
  error: OperatorError | undefined,
  { refusals, flapping }: Pick<TrackedBackend, 'refusals' | 'flapping'>,
  { clock, rates, costs, isolationOf }: RunStatusOptions,
): Status {
  const slowdown = rates?.factorOf(inputs.backend.namespace) ?? 1;
  const isSlowed = slowdown > 1 && inputs.checks.length > 0;
  const { candidates = [], choice } = alias ?? {};
  return statusOf({
    ...inputs,
    ...{ healthOf: inputs.probedHealthOf, countedHealthOf: inputs.healthOf },
    candidates,
    alias: choice?.name,
    ...(choice?.none === true && { hasNoHost: true }),
    error,
    refused: refusals.words(),
    now: clock.wall(),
    isFlapping: flapping.isSlow(clock.now()),
    ...(isSlowed && { slowdown }),
    costly: costlyAddresses(inputs, costs),
    ...isolationOf?.(inputs.backend.uid),
  });
}

/**
 * Returns the addresses that are probed less often than in the spec, because of the CPU time of their probes.
 */
function costlyAddresses(
  { backend, checks }: ReconcileInputs,
  costs: ProbeCosts | undefined,
): readonly CostlyAddress[] {
  const known = costs?.of(backend.uid);
  if (known === undefined || known.size === 0) return [];
  return checks.flatMap((check) => {
    const cpuMs = known.get(check.id) ?? 0;
    return cpuMs <= maxCpuMs
      ? []
      : { address: formatHostPort(check), periodMs: check.timing.periodMs, cpuMs };
  });
}
