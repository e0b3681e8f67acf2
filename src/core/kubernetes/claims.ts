import { memberOf } from '../look-up.ts';
import type { KubeObject } from './objects.ts';

/**
 * Returns the names of the Services that a backend claims, each once. The spec is not validated, because an
 * invalid backend keeps its claims. Without `services` it is the Service with the name of the resource.
 */
export function claimedNames({
  metadata,
  spec,
}: KubeObject & { readonly spec?: unknown }): readonly string[] {
  const services = memberOf(spec, 'services');
  if (!Array.isArray(services)) return [metadata.name];
  const names = services.map((service: unknown) => memberOf(service, 'name'));
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

/** A backend that claims the name of a Service. */
export interface Claimant {
  readonly name: string;
  readonly creationTimestamp: string;
  /** `services[].adopt` of the claim. */
  readonly adopt: boolean;
}

/**
 * Returns which of the claiming backends gets a Service name.
 *
 * | a claimant owns the objects | an older claimant has `adopt: true` | winner                                            |
 * |-----------------------------|-------------------------------------|---------------------------------------------------|
 * | yes                         | no                                  | the owner                                         |
 * | yes                         | yes                                 | the oldest of those with `adopt: true`            |
 * | no                          | any                                 | the oldest; in the same second, the first by name |
 *
 * The owner is identified by its name and not by its uid: after a restore from a backup all uids and ages are
 * new.
 *
 * @param holder name of the backend that owns the objects under that name; it may no longer claim them
 */
export function oldestClaimant<T extends Claimant>(
  claimants: readonly T[],
  holder: string | undefined,
): T | undefined {
  const byAge = claimants.toSorted(
    (a, b) => compare(a.creationTimestamp, b.creationTimestamp) || compare(a.name, b.name),
  );
  const held = byAge.findIndex(({ name }) => name === holder);
  return held < 0 ? byAge[0] : (byAge.slice(0, held).find(({ adopt }) => adopt) ?? byAge[held]);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
