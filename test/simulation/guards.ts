import type { Health } from '../../src/core/health/state.ts';
import type { MaintainedInput } from '../../src/core/publish/maintenance-readiness.ts';
import type { ServicePlan } from '../../src/core/publish/plan.ts';
import type { SliceContext } from '../../src/core/publish/slices.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';
import type { Answer } from '../../src/core/resolution/name-state.ts';
import { fn, given, result, type Exports, type Guard } from './guard.ts';

// Only types of src are imported: this table is read before the modules that it changes.

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
    modules: { 'core/restore/restore-health.ts': () => ({ restoreHealth: () => new Map<string, Health>() }) },
  },
  fence: {
    title: 'a replica that lost the Lease does not write',
    breaks: 'one writer',
    ports: {
      writer: ({ client, cache }) => ({ client, cache, mayWrite: () => true }),
    },
  },
  versions: {
    title: 'a slice is written only at the version that was read',
    breaks: 'one writer',
    modules: { 'kube/write/write-requests.ts': result('updateObject', withoutVersion) },
  },
  order: {
    title: 'slices that gain addresses are written before those that lose them',
    breaks: 'leaves on evidence',
    modules: { 'core/publish/plan.ts': result('planService', withoutNeeds) },
  },
  exclusive: {
    title: 'the old primary is removed before the new one is added',
    breaks: 'one primary',
    modules: {
      'core/publish/slices.ts': given('planSlices', ([groups, observed, context]) => [
        ...[groups, observed, { ...(context as SliceContext), exclusive: false }],
      ]),
    },
  },
  roles: {
    title: 'a Service of a role excludes addresses of another role',
    breaks: 'one primary',
    modules: { 'core/roles/exclusion.ts': () => ({ exclusionOf: () => undefined }) },
  },
  drain: {
    title: 'a drained target is not ready',
    breaks: 'detects in time',
    modules: {
      'core/resolution/origins.ts': () => ({
        ...{ isDrained: () => false, isDrainedIn: () => false, isYieldingIn: () => false },
      }),
    },
  },
  'last good answer': {
    title: 'a name whose servers fail keeps its addresses',
    breaks: 'leaves on evidence',
    modules: { 'core/resolution/name-state.ts': removingOn('failed') },
  },
  'negative answers': {
    title: 'one negative answer removes no address',
    breaks: 'leaves on evidence',
    modules: { 'core/resolution/name-state.ts': removingOn('none') },
  },
  policy: {
    title: 'an address that the policy refuses is not published',
    breaks: 'allowed addresses',
    ports: { engine: (options) => ({ ...options, policy: () => undefined }) },
  },
  'end of a term': {
    title: 'nothing that was concluded survives the end of a term',
    breaks: 'leaves on evidence',
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
    modules: {
      'core/restore/restore-again.ts': () => ({
        restoredAgain: (known: Health | undefined, restored: Health): Health => known ?? restored,
      }),
    },
  },
  owner: {
    title: 'every object has its owner, so that it is deleted with the backend',
    breaks: 'owned objects',
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
    modules: { 'core/publish/plan.ts': () => ({ planRemoval: () => [] }) },
  },
  evidence: {
    title: 'a verdict without an answer is about the path, and waits',
    breaks: 'a cut takes nothing',
    ports: {
      probe: (probe) => async (check, signal) => {
        const { isUnreached: _, ...verdict } = await probe(check, signal);
        return verdict;
      },
    },
  },
  isolation: {
    title: 'no address leaves for silence while most hosts are silent',
    breaks: 'a cut takes nothing',
    ports: { engine: ({ isolation: _, ...options }) => options },
  },
  'second opinion': {
    title: 'another replica is asked before a silent address leaves',
    breaks: 'a cut takes nothing',
    ports: { engine: (options) => ({ ...options, witnesses: undefined }) },
  },
  yielding: {
    title: 'a replica that is cut off lets one lead that is not',
    breaks: 'isolated on evidence',
    ports: { engine: ({ onOutseen: _, ...options }) => options },
  },
  'end of isolation': {
    title: 'an isolation ends when the hosts answer',
    breaks: 'isolated on evidence',
    modules: { 'core/isolation/isolation.ts': () => ({ isIsolationOver: () => false }) },
  },
  'keep last': {
    title: 'a Service with whenNoneReady keeps addresses when none is ready',
    breaks: 'none ready',
    modules: { 'core/publish/none-ready.ts': () => ({ fallbackOf: () => [] }) },
  },
  marks: {
    title: 'an address that is published although it is not ready is marked',
    breaks: 'detects in time',
    modules: { 'core/publish/slice-readiness.ts': () => ({ notReadyMark: () => ({}) }) },
  },
  tiers: {
    title: 'only the first tier with a ready address is published',
    breaks: 'detects in time',
    modules: {
      'core/publish/tiers.ts': () => ({ tiersOf: () => () => ({ priority: 0, srvRank: 0 }) }),
    },
  },
  failback: {
    title: 'a better tier is used again after failbackSeconds',
    breaks: 'fails back in time',
    modules: {
      'core/publish/tiers.ts': given('chooseTier', ([members, , readyForMs]) => [members, 0, readyForMs]),
    },
  },
  freeze: {
    title: 'health takes nothing out and in while a window freezes an address',
    breaks: 'maintenance',
    modules: { 'core/health/frozen.ts': () => ({ frozenHealth: (_: unknown, probed: unknown) => probed }) },
  },
  thaw: {
    title: 'after a Freeze all verdicts of the thresholds are needed again',
    breaks: 'maintenance',
    modules: { 'engine/reconcile/maintenance-effects.ts': () => ({ thaw: () => false }) },
  },
  'last address': {
    title: 'a window does not drain the last address of a Service',
    breaks: 'maintenance',
    modules: {
      'core/publish/maintenance-readiness.ts': (real) => ({
        maintainedReadiness: (input: MaintainedInput, spec: unknown) => {
          const found = fn(real, 'maintainedReadiness')(input, spec) as {
            readonly drained: ReadonlySet<unknown>;
          };
          const isReady: MaintainedInput['isReady'] = (group, address) =>
            !found.drained.has(address) && input.isReady(group, address);
          return { ...found, isReady };
        },
      }),
    },
  },
} as const satisfies Readonly<Record<string, Guard>>;

export type GuardName = keyof typeof guards;
