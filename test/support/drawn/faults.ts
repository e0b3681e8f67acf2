import type { SpecInput } from '../builders/builders.ts';
import { serverOf } from './outside.ts';
import { serviceNames, servicesIn } from './services.ts';
import type { Fields } from './some.ts';

const isPrimary = (spec: SpecInput, service: string): boolean =>
  servicesIn(spec).some(({ name, role }) => name === service && role === 'Primary');

/** Places that serve in each Service: `ip port`. */
export type Moment = ReadonlyMap<string, readonly string[]>;

const ipOf = (place: string): string => place.split(' ')[0] ?? '';

/** An address without a probe is ready at any port. One with a probe must be probed at a new port. */
const isUnprobed = (spec: SpecInput): boolean =>
  (spec['probe'] as Fields | undefined)?.['disabled'] !== undefined &&
  (spec['ports'] as readonly Fields[] | undefined)?.every(({ probe }) => probe === undefined) === true;

/** Returns the faults of the serving addresses at the moments between two specs. */
export function faultsOf(
  moments: readonly Moment[],
  specsOf: readonly [SpecInput, SpecInput],
): readonly string[] {
  const asked = !isUnprobed(specsOf[1]);
  return serviceNames.flatMap((name) => {
    const isExclusive = specsOf.every((spec) => isPrimary(spec, name));
    const same = (place: string) => (asked ? place : isExclusive ? serverOf(ipOf(place)) : ipOf(place));
    const all = moments.map((moment) => moment.get(name) ?? []);
    const ends = [all[0] ?? [], all.at(-1) ?? []].map((ready) => new Set(ready.map(same)));
    const kept = [...(ends[0] ?? [])].filter((place) => ends[1]?.has(place));
    const wrong = (ready: readonly string[]): boolean =>
      kept.some((place) => !ready.map(same).includes(place)) ||
      (isExclusive && new Set(ready.map(ipOf).map(serverOf)).size > 1);
    return all.filter(wrong).map((ready) => `${name} led to ${ready.join()}; it keeps ${kept.join()}`);
  });
}
