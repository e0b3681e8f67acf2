import type { HealthState, ServiceSpec } from '../../api/external-backend.ts';

/** One address of a Service, at one port. Addresses that drain, a role or a family excludes are none. */
export interface FallbackCandidate {
  readonly ready: boolean;
  readonly health: HealthState;
  /** Clients of the Service use it now, at this port. */
  readonly isPublished: boolean;
}

/**
 * Returns the addresses that a Service publishes at one port although they are not ready.
 *
 * | whenNoneReady | one of them is ready | one of them is unhealthy or published now | an address that is | published |
 * |---------------|----------------------|-------------------------------------------|--------------------|-----------|
 * | Empty         | any                  | any                                       | not ready          | no        |
 * | any           | yes                  | any                                       | not ready          | no        |
 * | KeepLast      | no                   | any                                       | published now      | yes       |
 * | KeepLast      | no                   | any                                       | not published now  | no        |
 * | All           | no                   | yes                                       | any                | yes       |
 * | All           | no                   | no: nothing is known yet                  | any                | no        |
 *
 * The last set that was ready is what the slices publish. So it is known after a restart too.
 */
export function fallbackOf<T extends FallbackCandidate>(
  policy: ServiceSpec['whenNoneReady'],
  candidates: readonly T[],
): readonly T[] {
  if (policy === 'Empty' || candidates.some(({ ready }) => ready)) return [];
  const published = candidates.filter(({ isPublished }) => isPublished);
  if (policy === 'KeepLast') return published;
  const isKnown = published.length > 0 || candidates.some(({ health }) => health === 'unhealthy');
  return isKnown ? candidates : [];
}

/** Returns the fallback that a Service uses now; undefined: none. */
export type ActiveFallback = Exclude<ServiceSpec['whenNoneReady'], 'Empty'>;
