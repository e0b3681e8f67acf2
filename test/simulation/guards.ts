import type { Health } from '../../src/core/health/state.ts';
import type { ServicePlan } from '../../src/core/publish/plan.ts';
import type { SliceContext } from '../../src/core/publish/slices.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';
import type { Answer } from '../../src/core/resolution/name-state.ts';
import type { Ports } from './replica.ts';
import type { RuleName } from './rules/rules.ts';

// Only types are imported: this table is read before the modules that it changes.

type Exports = Readonly<Record<string, unknown>>;
type Fn = (...given: readonly unknown[]) => unknown;

/** A guard of the engine, switched off. */
export interface Guard {
  /** What the guard does. */
  readonly title: string;
  /** Rule that is broken without it. */
  readonly breaks: RuleName;
  /** Seed of a history that finds it. Other draws move it: the test looks further from there. */
  readonly seed: number;
  /** Module (a path below src) -> exports in place of its own. */
  readonly modules?: Readonly<Record<string, (real: Exports) => Exports>>;
  /** Ports in place of those of each replica. */
  readonly ports?: Ports;
}

/** Returns the export of a module as a function. */
const fn = (real: Exports, name: string): Fn => real[name] as Fn;

/** Changes the arguments of one function. */
const given =
  (name: string, change: (args: readonly unknown[]) => readonly unknown[]) =>
  (real: Exports): Exports => ({ [name]: (...args: readonly unknown[]) => fn(real, name)(...change(args)) });

/** Changes the result of one function. */
const result =
  (name: string, change: (value: unknown) => unknown) =>
  (real: Exports): Exports => ({ [name]: (...args: readonly unknown[]) => change(fn(real, name)(...args)) });

const withoutNeeds = (plan: unknown): unknown => {
  const { steps, ...rest } = plan as ServicePlan;
  return { ...rest, steps: steps.map(({ action }) => ({ action, needs: [] })).toReversed() };
};

const withoutVersion = (request: unknown): unknown => {
  const { body, ...rest } = request as { readonly body: { readonly metadata: object } };
  const metadata = { ...body.metadata, resourceVersion: undefined, uid: undefined };
  return { ...rest, body: { ...body, metadata } };
};

/** Makes the first answer of this kind remove all addresses of the name. */
const removingOn =
  (kind: Answer['kind']) =>
  (real: Exports): Exports => ({
    applyAnswer: (state: unknown, answer: Answer, at: unknown) =>
      answer.kind === kind
        ? { ...(real['emptyNameState'] as object), origin: 'answer', isConfirmedNegative: true }
        : fn(real, 'applyAnswer')(state, answer, at),
  });

export const guards = {
  thresholds: {
    title: 'an address leaves only after failureThreshold verdicts in a row',
    breaks: 'leaves on evidence',
    seed: 2,
    modules: {
      'core/health/thresholds.ts': given('applyVerdict', ([health, verdict, thresholds, ...rest]) => [
        ...[health, verdict, { ...(thresholds as object), failureThreshold: 1 }],
        ...rest,
      ]),
    },
  },
  inconclusive: {
    title: 'a fault of the prober itself is no verdict about the address',
    breaks: 'leaves on evidence',
    seed: 4,
    modules: {
      'core/health/thresholds.ts': given('applyVerdict', ([health, verdict, ...rest]) => [
        health,
        (verdict as Verdict).kind === 'inconclusive' ? { ...(verdict as Verdict), kind: 'down' } : verdict,
        ...rest,
      ]),
    },
  },
  seeding: {
    title: 'health begins a term as the slices have it',
    breaks: 'leaves on evidence',
    seed: 5,
    modules: { 'core/restore/restore-health.ts': () => ({ restoreHealth: () => new Map<string, Health>() }) },
  },
  fence: {
    title: 'a replica that lost the Lease does not write',
    breaks: 'one writer',
    seed: 173,
    ports: {
      writer: ({ client, cache }) => ({ client, cache, mayWrite: () => true }),
    },
  },
  versions: {
    title: 'a slice is written only at the version that was read',
    breaks: 'one writer',
    seed: 1860,
    modules: { 'kube/write/write-requests.ts': result('updateObject', withoutVersion) },
  },
  order: {
    title: 'slices that gain addresses are written before those that lose them',
    breaks: 'leaves on evidence',
    seed: 24,
    modules: { 'core/publish/plan.ts': result('planService', withoutNeeds) },
  },
  exclusive: {
    title: 'the old primary is removed before the new one is added',
    breaks: 'one primary',
    seed: 28,
    modules: {
      'core/publish/slices.ts': given('planSlices', ([groups, observed, context]) => [
        ...[groups, observed, { ...(context as SliceContext), exclusive: false }],
      ]),
    },
  },
  roles: {
    title: 'a Service of a role excludes addresses of another role',
    breaks: 'one primary',
    seed: 12,
    modules: { 'core/roles/exclusion.ts': () => ({ exclusionOf: () => undefined }) },
  },
  drain: {
    title: 'a drained target is not ready',
    breaks: 'detects in time',
    seed: 93,
    modules: { 'core/resolution/origins.ts': () => ({ isDrained: () => false, isDrainedIn: () => false }) },
  },
  'last good answer': {
    title: 'a name whose servers fail keeps its addresses',
    breaks: 'leaves on evidence',
    seed: 11,
    modules: { 'core/resolution/name-state.ts': removingOn('failed') },
  },
  'negative answers': {
    title: 'one negative answer removes no address',
    breaks: 'leaves on evidence',
    seed: 18,
    modules: { 'core/resolution/name-state.ts': removingOn('none') },
  },
  policy: {
    title: 'an address that the policy refuses is not published',
    breaks: 'allowed addresses',
    seed: 30,
    ports: { engine: (options) => ({ ...options, policy: () => undefined }) },
  },
  'end of a term': {
    title: 'nothing that was concluded survives the end of a term',
    breaks: 'leaves on evidence',
    seed: 5,
    modules: {
      'engine/reconcile/reconciler.ts': (real) => {
        const { Reconciler } = real as { readonly Reconciler: new (options: unknown) => object };
        return {
          Reconciler: class extends Reconciler {
            reset(): void {
              /* Health remains. */
            }
          },
        };
      },
    },
  },
  'late writes': {
    title: 'health that no verdict has confirmed follows slices down',
    breaks: 'joins on evidence',
    seed: 130,
    modules: {
      'core/restore/restore-again.ts': () => ({
        restoredAgain: (known: Health | undefined, restored: Health): Health => known ?? restored,
      }),
    },
  },
  owner: {
    title: 'every object has its owner, so that it is deleted with the backend',
    breaks: 'owned objects',
    seed: 1,
    modules: {
      'core/kubernetes/ownership.ts': result('ownerReference', (own) => ({
        ...(own as object),
        controller: false,
      })),
    },
  },
  removal: {
    title: 'a Service that is no longer in the spec is removed',
    breaks: 'owned objects',
    seed: 1,
    modules: { 'core/publish/plan.ts': () => ({ planRemoval: () => [] }) },
  },
} as const satisfies Readonly<Record<string, Guard>>;

export type GuardName = keyof typeof guards;
