import type { Family } from '../../../src/core/kubernetes/objects.ts';
import type { SpecInput } from '../builders/builders.ts';
import { servicesIn } from './services.ts';

/**
 * Returns the spec with the first family that a Service has had before, if it leaves the families to the
 * server.
 */
export function withKept(spec: SpecInput, kept: ReadonlyMap<string, Family>): SpecInput {
  const services = servicesIn(spec).map((each) => {
    const family = kept.get(String(each['name']));
    return family === undefined ? each : { ...each, ipFamilies: [family] };
  });
  return { ...spec, services };
}

/** Current first families of Services; undefined: it has none. */
export type FirstFamilies = ReadonlyMap<string, Family | undefined>;

/**
 * Returns families that Services have kept over an edit, if a new Service would have another one. A refused
 * one has none.
 */
export function keptFamilies(
  before: FirstFamilies,
  after: FirstFamilies,
  fresh: FirstFamilies,
): ReadonlyMap<string, Family> {
  const kept = [...after].flatMap(([name, family]) => {
    const other = fresh.get(name);
    const isKept =
      family !== undefined && other !== undefined && family !== other && family === before.get(name);
    return isKept ? [[name, family] as const] : [];
  });
  return new Map(kept);
}
