import type { Check } from '../../core/probing/check.ts';
import type { Health } from '../../core/health/state.ts';

/** IP with a healthy check. */
export interface ProbedHost {
  /** Owners of its healthy checks. */
  readonly owners: ReadonlySet<string>;
  /** One of its healthy checks, and the owner of it. */
  readonly owner: string;
  readonly check: Check;
}

/** Returns the hosts with a healthy check, by IP. */
export function probedHosts(
  checks: Iterable<readonly [owner: string, check: Check]>,
  healthOf: (owner: string, check: Check) => Health | undefined,
): ReadonlyMap<string, ProbedHost> {
  const hosts = new Map<string, ProbedHost & { readonly owners: Set<string> }>();
  for (const [owner, check] of checks) {
    if (healthOf(owner, check)?.state !== 'healthy') continue;
    const known = hosts.get(check.ip);
    if (known === undefined) hosts.set(check.ip, { owners: new Set([owner]), owner, check });
    else known.owners.add(owner);
  }
  return hosts;
}
