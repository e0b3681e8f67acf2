import { formatHostPort, type Check } from '../../core/probing/check.ts';
import { checkId } from '../../core/probing/port-groups.ts';
import { originsOf } from '../../core/resolution/origins.ts';
import type { BackendEvent } from '../../core/events/backend-event.ts';
import { withoutRuns } from '../../core/health/thresholds.ts';
import type { FrozenHealths } from './frozen-healths.ts';
import type { ReconcileInputs } from './inputs.ts';
import { syncChecks, type SyncChecksOptions } from './sync-checks.ts';

/** Effects of maintenance windows that others than the run need. */
export interface MaintenanceEffects {
  /** Ids of the checks of frozen addresses. */
  readonly frozen: ReadonlySet<string>;
  /** True if all targets are in a window with action Quiet. */
  readonly isQuiet: boolean;
  /** Addresses in such a window, as Events name them. */
  readonly quiet: ReadonlySet<string>;
}

export const noMaintenanceEffects: MaintenanceEffects = {
  frozen: new Set(),
  isQuiet: false,
  quiet: new Set(),
};

export function maintenanceEffectsOf({
  backend,
  addresses,
  groups,
  checks,
  frozen,
}: ReconcileInputs): MaintenanceEffects {
  const { targets } = backend.spec;
  if (targets.every(({ maintenance }) => maintenance === undefined)) return noMaintenanceEffects;
  const quietIds = new Set(
    addresses
      .filter((address) => originsOf(address).every(({ target }) => target.maintenance === 'Quiet'))
      .flatMap((address) => groups.map((group) => checkId(group, address))),
  );
  const quiet = checks.filter(({ id }: Check) => quietIds.has(id)).map(formatHostPort);
  const isQuiet = targets.every(({ maintenance }) => maintenance === 'Quiet');
  return { frozen, isQuiet, quiet: new Set(quiet) };
}

/** Returns the Event as it is recorded: one about an address in a window with action Quiet is Normal. */
export const withMaintenanceEffects = (
  event: BackendEvent,
  { isQuiet, quiet }: MaintenanceEffects,
): BackendEvent => (isQuiet || quiet.has(event.about ?? '') ? { ...event, type: 'Normal' } : event);

/**
 * Begins the checks of addresses that are no longer frozen with the health that counted, without counts. So full
 * thresholds of new verdicts are needed. Returns true when there were any: the inputs of the run must then be built
 * again.
 */
export function thaw(
  inputs: ReconcileInputs,
  frozenHealths: FrozenHealths,
  options: SyncChecksOptions,
): boolean {
  const thawed = frozenHealths.thawed(inputs.frozen);
  if (thawed.size === 0) return false;
  frozenHealths.forget(thawed.keys());
  const { checks, backend } = inputs;
  syncChecks({ ...inputs, checks: checks.filter(({ id }) => !thawed.has(id)) }, options);
  for (const { id } of checks) {
    const health = thawed.get(id);
    if (health !== undefined) options.prober.restore(backend.uid, id, withoutRuns(health));
  }
  return true;
}
