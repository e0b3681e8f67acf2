import type { Backend } from '../../api/external-backend.ts';
import { aliasPolicy, type AliasPolicy } from '../../core/resolution/alias-policy.ts';
import {
  candidatesOf,
  chooseTarget,
  currentAlias,
  type Candidate,
  type Choice,
} from '../../core/publish/external-name.ts';
import { healthyHosts, type HealthyHosts } from '../../core/publish/healthy-hosts.ts';
import { ownerName } from '../../core/kubernetes/ownership.ts';
import { ownedServiceNames } from './owned-services.ts';
import type { ReconcileInputs } from './inputs.ts';
import type { ClusterCache } from '../ports.ts';

/** Current and chosen host of an alias. */
export interface AliasDecision {
  readonly hosts: HealthyHosts;
  readonly candidates: readonly Candidate[];
  readonly before: string | undefined;
  readonly choice: Choice;
  /** True when Services are removed because they point to a forbidden host: an alias cannot be empty. */
  readonly withdraws: boolean;
}

/** Returns the host to which the backend's own Services point; undefined: none yet. */
export const publishedAlias = (backend: Backend, cache: ClusterCache): string | undefined =>
  currentAlias(
    ownedServiceNames(backend, cache)
      .flatMap((name) => cache.service(backend.namespace, name) ?? [])
      .filter((service) => ownerName(service) === backend.name),
  );

/**
 * Returns the state of an alias; undefined in mode Endpoints.
 *
 * @param known hosts of the previous run
 * @param now monotonic
 */
export function decideAlias(
  { backend, targets, groups, healthOf }: ReconcileInputs,
  cache: ClusterCache,
  known: HealthyHosts,
  now: number,
  forbids: AliasPolicy = aliasPolicy(),
): AliasDecision | undefined {
  if (backend.spec.mode !== 'ExternalName') return undefined;
  const failbackMs = backend.spec.failbackSeconds * 1000;
  const healths = candidatesOf(targets, groups, healthOf);
  const hosts = healthyHosts(known, healths, failbackMs, now);
  const candidates = healths.map((host) => ({ ...host, since: hosts.get(host.name)?.since }));
  const before = publishedAlias(backend, cache);
  const choice = chooseTarget(candidates, before, failbackMs, now);
  const withdraws = choice.none === true && before !== undefined && forbids(before) !== undefined;
  return { hosts, candidates, before, choice, withdraws };
}

/** Service -> host to which it points, of the Services of an alias. */
export function aliasesOf(
  { backend, observedService }: ReconcileInputs,
  cache: ClusterCache,
): ReadonlyMap<string, string> {
  const names = backend.spec.mode === 'ExternalName' ? cache.ownedNames(backend.namespace, backend.name) : [];
  return new Map(
    [...names].flatMap((name) => {
      const { externalName } = observedService(name)?.spec ?? {};
      return externalName === undefined ? [] : [[name, externalName] as const];
    }),
  );
}
