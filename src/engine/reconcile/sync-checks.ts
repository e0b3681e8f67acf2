import type { Backend } from '../../api/external-backend.ts';
import type { TargetAddresses } from '../../core/resolution/addresses.ts';
import { stateIs } from '../../core/resolution/resolution-states.ts';
import type { Check } from '../../core/probing/check.ts';
import type { Published, PublishedAlias } from '../../core/restore/published-readiness.ts';
import { restoreHealth } from '../../core/restore/restore-health.ts';
import { isIncompleteRestore } from '../../core/restore/restore-replication.ts';
import { ownedServiceNames } from './owned-services.ts';
import type { ClusterCache } from '../ports.ts';
import type { Clock } from '../../util/clock.ts';
import type { ProbeCosts } from '../probing/probe-costs.ts';
import type { ProbeRates } from '../probing/probe-rates.ts';
import type { Prober } from '../probing/prober.ts';
import { publishedAlias } from './alias-decision.ts';
import type { ReconcileInputs } from './inputs.ts';

export interface SyncChecksOptions {
  readonly clock: Clock;
  readonly cache: ClusterCache;
  readonly prober: Pick<Prober, 'set' | 'forget' | 'healthOf' | 'restore' | 'quarantined'>;
  /** Bounds the probes of a namespace. Default: no bound. */
  readonly rates?: ProbeRates;
  /** Stretches the periods of checks whose runs take too much CPU time. Default: none. */
  readonly costs?: ProbeCosts;
}

/**
 * A new backend waits for its first verdicts, so that addresses that answer are ready in the first write, and
 * many new backends are written once and not twice. An address that does not answer delays the others by this
 * time at most. The time is shorter if something is published already, because a transition of that would wait too.
 * A backend that only observes publishes nothing.
 */
const SETTLE_MS = { new: 1_000, published: 100 };

/**
 * Sets exactly the checks of a backend (call `restoreChecks` before). Checks that were published before this
 * term start with the published health, and are probed within a period. Those for which that leaves no health
 * are probed at once, and new ones after their initial delay.
 */
export function syncChecks(inputs: ReconcileInputs, options: SyncChecksOptions): void {
  const { backend, checks } = inputs;
  const { prober, rates, costs } = options;
  const healthOf = prober.healthOf(backend.uid);
  const of = ({ id }: Check) => healthOf(id);
  const isOpen = (check: Check): boolean => {
    const known = of(check);
    if (known?.readyIn !== undefined) return true;
    return known !== undefined && isIncompleteRestore(check, backend.spec, known);
  };
  const fresh = (check: Check): boolean => isOpen(check) || (of(check)?.state ?? 'unknown') === 'unknown';
  const undelayed = checks.map((check) => (isOpen(check) ? withoutDelay(check) : check));
  const affordable = costs?.stretch(backend.uid, undelayed) ?? undelayed;
  const timed = rates?.set(backend.uid, backend.namespace, affordable) ?? affordable;
  prober.set(backend.uid, timed, { namespace: backend.namespace, fresh });
}

const withoutDelay = (check: Check): Check => ({ ...check, timing: { ...check.timing, initialDelayMs: 0 } });

/**
 * Restores checks that no verdict has confirmed in this term with the health that is published now. Returns true
 * when this replaced other health: the inputs of the run must then be built again.
 *
 * A backend that only observes begins without health: what is published may be old, and nothing follows from its
 * first verdicts.
 */
export function restoreChecks(
  { backend, groups, addresses, checks }: ReconcileInputs,
  options: SyncChecksOptions,
): boolean {
  if (backend.spec.observe === true) return false;
  const { prober, cache, clock } = options;
  const healthOf = prober.healthOf(backend.uid);
  const isUnconfirmed = ({ id }: Check): boolean => {
    const known = healthOf(id);
    return known === undefined || known.restored === true;
  };
  if (!checks.some(isUnconfirmed)) return false;
  const at = { now: clock.now(), wall: clock.wall() };
  const healths = restoreHealth({ backend, groups, addresses, published: published(backend, cache), at });
  const changed = [...healths].map(([id, value]) => prober.restore(backend.uid, id, value));
  return changed.includes(true);
}

/** Returns the objects under the names of the backend's Services that it owns or is to adopt. */
function published(backend: Backend, cache: ClusterCache): Published | PublishedAlias {
  if (backend.spec.mode === 'ExternalName') return { alias: publishedAlias(backend, cache) };
  const names = ownedServiceNames(backend, cache);
  return {
    slices: names.flatMap((name) => cache.slices(backend.namespace, name)),
    endpoints: names.flatMap((name) => cache.endpoints(backend.namespace, name) ?? []),
  };
}

/**
 * Returns how long to wait for first DNS answers, Secrets and verdicts, in milliseconds; zero or less: do not
 * wait.
 *
 * @param since time when this generation of the backend was first seen, monotonic
 */
export function initialWaitMs(
  { backend, checks, targets, secretsPending }: ReconcileInputs,
  since: number,
  { prober, clock, cache }: SyncChecksOptions,
): number {
  const healthOf = prober.healthOf(backend.uid);
  const isOpen = ({ id, timing }: Check): boolean => {
    const { state = 'unknown', restored } = healthOf(id) ?? {};
    return state === 'unknown' && (timing.initialDelayMs === 0 || restored === true);
  };
  // Published addresses remain, and the first answer is due in a moment: one status instead of two.
  const isPending = ({ resolution }: TargetAddresses): boolean => stateIs(resolution?.state, 'awaited');
  if (!checks.some(isOpen) && !targets.some(isPending) && !secretsPending) return 0;
  const isPublished =
    backend.spec.observe !== true && cache.ownedNames(backend.namespace, backend.name).size > 0;
  return since + SETTLE_MS[isPublished ? 'published' : 'new'] - clock.now();
}
