import {
  obstacleText,
  publishingDifference,
  removalText,
  type Observation,
} from '../../core/publish/observation.ts';
import type { DesiredService } from '../../core/publish/desired.ts';
import { withdrawalEvents } from '../../core/events/withdrawal-events.ts';
import { servicesOf } from '../../core/publish/desired.ts';
import type { OperatorError } from '../../core/errors.ts';
import type { ClusterCache, EventSink, Writer } from '../ports.ts';
import { mostUrgentError } from './apply.ts';
import { eventsWhileTracked, type TrackedBackend } from './backend-tracker.ts';
import { DryRunCluster } from './dry-run-cluster.ts';
import type { ReconcileInputs } from './inputs.ts';
import { observedObjects, planOf, type PlanningOptions } from './plan-services.ts';
import { withdraw, type WithdrawOptions } from './withdraw.ts';

/** Parts of the options of a run that a dry run replaces. */
type DryRunOptions = Pick<PlanningOptions, 'cache' | 'registry' | 'switchedOff'> & {
  readonly writer: Writer;
};

const noClaims: PlanningOptions['registry'] = { olderClaimant: () => undefined };

/**
 * Returns the options of a run of a backend with spec.observe: all writes except the status go to a dry run, which has
 * no other claimants. What prevents the real writes is in the status (`observationOf`).
 */
export function dryRunOptions<T extends DryRunOptions>(
  backend: ReconcileInputs['backend'],
  tracked: TrackedBackend,
  options: T,
): T {
  tracked.dryRun ??= new DryRunCluster(backend, options.cache);
  const { cache } = tracked.dryRun;
  return { ...options, cache, writer: tracked.dryRun, registry: noClaims, switchedOff: new Set() };
}

/**
 * Returns how what is published would change if the backend wrote.
 *
 * @param would cache of the dry run
 * @param options of real runs
 */
export function observationOf(
  inputs: ReconcileInputs,
  desired: readonly DesiredService[],
  would: ClusterCache,
  options: PlanningOptions,
): Observation {
  const { backend } = inputs;
  const { namespace } = backend;
  const names = servicesOf(backend).map(({ name }) => name);
  const removed = [...options.cache.ownedNames(namespace, backend.name)].filter(
    (name) => !names.includes(name),
  );
  const problems = desired.flatMap((service) => planOf(inputs, service, options).problem ?? []);
  const differences = desired.map(
    ({ name }) =>
      [
        name,
        publishingDifference(
          observedObjects(namespace, name, would),
          observedObjects(namespace, name, options.cache),
        ),
      ] as const,
  );
  return {
    obstacles: [...problems.map(obstacleText), ...removed.toSorted().map(removalText)],
    differences: new Map(differences),
  };
}

/**
 * Removes what the address policy forbids from everything that the backend has published before, as of a suspended one.
 * Returns the error of a write that failed.
 */
export async function withdrawObserved(
  { raw }: ReconcileInputs,
  tracked: TrackedBackend,
  writer: Writer,
  options: WithdrawOptions & { readonly events: EventSink },
): Promise<OperatorError | undefined> {
  const { errors, ...withdrawn } = await withdraw(raw, writer, options);
  const events = eventsWhileTracked(tracked, options.events);
  for (const event of withdrawalEvents(withdrawn)) events.record(raw, event);
  return mostUrgentError(errors);
}
