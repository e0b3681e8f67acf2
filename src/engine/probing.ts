import type { Backend } from '../api/external-backend.ts';
import type { Check } from '../core/check.ts';
import { servicesOf } from '../core/desired.ts';
import { seeds, type Published } from '../core/seed.ts';
import type { HealthTable } from './health-table.ts';
import type { ClusterView, Clock } from './ports.ts';
import type { Scene } from './scene.ts';
import type { ProbeScheduler } from './scheduler.ts';

export interface ProbingOptions {
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly health: HealthTable;
  readonly scheduler: Pick<ProbeScheduler, 'set' | 'remove'>;
}

/** What is new waits this long for its first verdicts, so that what answers is published ready by the first write. */
const SETTLE_MS = 100;

/**
 * Sees to it that exactly the checks of a backend are asked. Checks that were published before this process began
 * start with what was published, and are asked within a period; new ones are asked at once.
 */
export function probe(scene: Scene, options: ProbingOptions): void {
  const { backend, checks } = scene;
  const { health, scheduler } = options;
  const ids = checks.map((check) => check.id);
  health.retain(backend.uid, ids);
  const unknown = ids.filter((id) => health.get(backend.uid, id) === undefined);
  const found = unknown.length > 0 ? seed(scene, options) : undefined;
  const fresh = new Set(unknown.filter((id) => found?.has(id) !== true));
  if (fresh.size < unknown.length)
    scheduler.set(
      backend.uid,
      checks.filter(({ id }) => !fresh.has(id)),
      { fresh: false },
    );
  if (fresh.size > 0 || fresh.size === unknown.length) scheduler.set(backend.uid, checks);
}

function seed({ backend, groups, addresses }: Scene, { health, view, clock }: ProbingOptions) {
  const found = seeds(groups, addresses, published(backend, view), backend.status, clock.wall());
  for (const [id, value] of found) health.seed(backend.uid, id, value);
  return found;
}

/** What stands under the names of the backend's Services, as far as it is ours or to be taken over. */
function published({ namespace, name, spec }: Backend, view: ClusterView): Published {
  const owned = view.ownedNames(namespace, name);
  const services = servicesOf({ name, spec }).filter((service) => service.adopt || owned.has(service.name));
  return {
    slices: services.flatMap((service) => view.slices(namespace, service.name)),
    endpoints: services.flatMap((service) => view.endpoints(namespace, service.name) ?? []),
  };
}

/**
 * How long to wait for first verdicts, in milliseconds; not positive: do not wait.
 *
 * @param since when this generation of the backend was first seen, monotonic
 */
export function settlingMs(
  { backend, checks }: Scene,
  since: number,
  { health, clock }: ProbingOptions,
): number {
  const isOpen = ({ id, timing }: Check): boolean =>
    timing.initialDelayMs === 0 && (health.get(backend.uid, id)?.state ?? 'unknown') === 'unknown';
  return checks.some(isOpen) ? since + SETTLE_MS - clock.now() : 0;
}
