import { isOfSlice } from '../core/action.ts';
import type { DesiredService } from '../core/desired.ts';
import type { ServicePlan } from '../core/plan.ts';
import type { Roles } from '../core/roles.ts';
import { performAll, type FailedWrite } from './perform.ts';
import { desiredOf, planOf, removalsOf, type PlanningOptions } from './planning.ts';
import type { Writer } from './ports.ts';
import type { AliasScene, Scene } from './scene.ts';

/** What became of the Services of a backend in one run. */
export interface Publication {
  readonly desired: readonly DesiredService[];
  /** The last ones, of which all was tried. */
  readonly plans: readonly ServicePlan[];
  readonly failed: readonly FailedWrite[];
  /** Writes under names that the spec does not have any more, which did not succeed. */
  readonly kept: readonly FailedWrite[];
  /** A removed Service has freed what it held: a node port, a cluster IP. */
  readonly freed: boolean;
  readonly wroteSlices: boolean;
}

/** A plan of two halves is one of a few slices: more rounds are a fault. */
const MAX_ROUNDS = 4;

/** Brings the Services of a backend to what they should be, as far as the API server accepts it. */
export async function publish(
  scene: Scene,
  { roles, alias }: { readonly roles: Roles; readonly alias: AliasScene | undefined },
  writer: Writer,
  options: PlanningOptions,
): Promise<Publication> {
  const removals = removalsOf(scene.backend, options);
  const removing = performAll(writer, removals);
  let wroteSlices = false;
  for (let round = 1; ; round += 1) {
    const desired = desiredOf(scene, roles, alias, options);
    const plans = desired.map((service) => planOf(scene, service, options));
    wroteSlices ||= plans.some(({ steps }) => steps.some(({ action }) => isOfSlice(action)));
    const lists = await performAll(
      writer,
      plans.map(({ steps }) => steps),
    );
    const isHalf = plans.some(({ again }, i) => again && lists[i]?.length === 0);
    if (isHalf && round < MAX_ROUNDS) continue;
    const kept = (await removing).flat();
    const freed = removals.flat().length > 0 && kept.length === 0;
    return { desired, plans, failed: lists.flat(), kept, freed, wroteSlices };
  }
}
