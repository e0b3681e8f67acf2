import type { Backend } from '../api/external-backend.ts';
import type { TargetAddresses } from '../core/address.ts';
import type { Check } from '../core/check.ts';
import { seeds, type Published } from '../core/seed.ts';
import type { HealthTable } from './health-table.ts';
import { standingNames } from './own-slices.ts';
import type { ClusterView, Clock } from './ports.ts';
import type { Scene } from './scene.ts';
import type { ProbeScheduler } from './scheduler.ts';

export interface ProbingOptions {
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly health: HealthTable;
  readonly scheduler: Pick<ProbeScheduler, 'set' | 'remove'>;
}

/**
 * What is new waits for its first verdicts, so that what answers is published ready by the first write, and many new
 * backends are written once and not twice. One address that does not answer holds the others back for this long at most;
 * not as long where something is published already, for a flip of that would wait too.
 */
const SETTLE_MS = { new: 1_000, published: 100 };

/**
 * Sees to it that exactly the checks of a backend are asked. Checks that were published before this process began
 * start with what was published, and are asked within a period; new ones are asked at once.
 */
export function probe(scene: Scene, options: ProbingOptions): void {
  const { backend, checks } = scene;
  const { health, scheduler } = options;
  health.retain(
    backend.uid,
    checks.map((check) => check.id),
  );
  const isUnknown = ({ id }: Check): boolean => health.get(backend.uid, id) === undefined;
  if (checks.some(isUnknown)) seed(scene, options);
  scheduler.set(backend.uid, checks, { fresh: isUnknown });
}

function seed({ backend, groups, addresses }: Scene, { health, view, clock }: ProbingOptions): void {
  const now = clock.wall();
  const found = seeds({ backend, groups, addresses, published: published(backend, view), now });
  for (const [id, value] of found) health.seed(backend.uid, id, value);
}

/** What stands under the names of the backend's Services, as far as it is ours or to be taken over; undefined of an alias. */
function published(backend: Backend, view: ClusterView): Published | undefined {
  if (backend.spec.mode === 'ExternalName') return undefined;
  const names = standingNames(backend, view);
  return {
    slices: names.flatMap((name) => view.slices(backend.namespace, name)),
    endpoints: names.flatMap((name) => view.endpoints(backend.namespace, name) ?? []),
  };
}

/**
 * How long to wait for first answers, Secrets and verdicts, in milliseconds; not positive: do not wait.
 *
 * @param since when this generation of the backend was first seen, monotonic
 */
export function settlingMs(
  { backend, checks, targets, secretsPending }: Scene,
  since: number,
  { health, clock, view }: ProbingOptions,
): number {
  const isOpen = ({ id, timing }: Check): boolean =>
    timing.initialDelayMs === 0 && (health.get(backend.uid, id)?.state ?? 'unknown') === 'unknown';
  // What was published before stands, and its first answer is due in a moment: one status instead of two.
  const isPending = ({ resolution }: TargetAddresses): boolean =>
    resolution?.rule === 'Pending' || resolution?.rule === 'Published';
  if (!checks.some(isOpen) && !targets.some(isPending) && !secretsPending) return 0;
  const isPublished = view.ownedNames(backend.namespace, backend.name).size > 0;
  return since + SETTLE_MS[isPublished ? 'published' : 'new'] - clock.now();
}
