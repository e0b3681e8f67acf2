import { isIp } from '../../../src/api/host.ts';
import fc from 'fast-check';
import type { SpecInput } from '../builders/builders.ts';
import { hosts } from './outside.ts';
import { repaired } from './repaired.ts';
import type { Fields } from './some.ts';
import { specs } from './specs.ts';

/** Two specs of one backend, for a real API server. What they publish depends on no server outside. */
export type LiveEdit = readonly [SpecInput, SpecInput];

/** Returns unprobed literal addresses with the roles of the spec; an alias has one host. */
function unprobed({ credentials: _c, tls: _t, ...spec }: SpecInput): SpecInput {
  const targets = spec['targets'] as readonly Fields[];
  const literal = targets.filter(({ host }) => isIp(String(host)));
  const ports = (spec['ports'] as readonly Fields[] | undefined)?.map(({ probe: _, ...port }) => port);
  const isAlias = spec['mode'] === 'ExternalName';
  return {
    ...spec,
    ...(ports !== undefined && { ports }),
    targets: isAlias ? targets.slice(-1) : literal.length > 0 ? literal : [{ host: hosts[0] }],
    probe: { disabled: {} },
  };
}

/** Removes what a cluster of one family refuses. */
function singleStack(spec: SpecInput): SpecInput {
  const services = (spec['services'] as readonly Fields[] | undefined)?.map(
    ({ ipFamilies: _f, ipFamilyPolicy: _p, clusterIP: _c, ...service }) => service,
  );
  return { ...spec, ...(services !== undefined && { services }) };
}

const live = (isDual: boolean): fc.Arbitrary<SpecInput> =>
  specs
    .map((spec) => repaired(isDual ? unprobed(spec) : singleStack(unprobed(spec))))
    .filter((spec) => spec !== undefined);

/** Returns the same edits for the same seed. */
export const liveEdits = (count: number, seed: number, isDual: boolean): readonly LiveEdit[] =>
  fc.sample(fc.tuple(live(isDual), live(isDual)), { numRuns: count, seed });

/** Identity of one of several copies of a spec in one cluster. */
export interface Copy {
  /** Prefix of all its names; the backend is `<prefix>-db`. */
  readonly prefix: string;
  /** Distinct in the cluster. */
  readonly number: number;
}

/**
 * Returns the spec with its own names and fixed addresses. Fixed node ports are left to the server, because
 * many copies would share them.
 */
export function copyOf(spec: SpecInput, { prefix, number }: Copy): SpecInput {
  const text = JSON.stringify(spec)
    .replaceAll('"orders-', `"${prefix}-`)
    .replace(/"10\.96\.0\.(\d+)"/g, `"10.96.${100 + number}.$1"`)
    .replace(/"fd00:96::(\d+)"/g, `"fd00:96::${(16 + number).toString(16)}$1"`)
    .replace(/,?"nodePort":\d+/g, '')
    .replaceAll('{,', '{');
  return JSON.parse(text) as SpecInput;
}
