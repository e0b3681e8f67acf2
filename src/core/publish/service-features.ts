import type { Backend } from '../../api/external-backend.ts';
import { featuresOf, type FeatureUse, type ServiceFeature } from '../../api/delegated-powers.ts';
import { servicesOf, type DesiredService } from './desired.ts';

export type SwitchedOff = ReadonlySet<ServiceFeature>;

/**
 * Returns what a Service of the spec uses of the features that the administrator disabled
 * (--service-features).
 */
export function switchedOffUses(
  backend: Backend,
  service: string,
  off: SwitchedOff = new Set(),
): readonly FeatureUse[] {
  if (off.size === 0) return [];
  const all = servicesOf(backend);
  const index = all.findIndex(({ name }) => name === service);
  const spec = all[index];
  const uses = spec === undefined ? [] : featuresOf(backend.spec, spec, index);
  return uses.filter(({ feature }) => off.has(feature));
}

/** Returns the text about the disabled fields. */
export const switchedOffText = (uses: readonly FeatureUse[]): string =>
  uses
    .map(
      ({ path, feature }) =>
        `${path} is disabled by the administrator (--service-features does not include ${feature})`,
    )
    .join('; ');

/** Returns the same Service without `adopt`. */
export const withoutAdoption = (desired: DesiredService): DesiredService => ({
  ...desired,
  spec: { ...desired.spec, adopt: false },
});
