import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planService } from '../../../src/core/publish/plan.ts';
import {
  aBackend,
  aService,
  allBut,
  allHealthy,
  desiredOf,
  theService,
} from '../../support/builders/builders.ts';
import { Stage, actionsOf, anyShape, shapes, specOf } from '../support/plan-stage.ts';
import type { PlanStep } from '../../../src/core/kubernetes/plan-step.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

describe('planService', () => {
  it.each(Object.keys(shapes))('plans nothing after its plan was written: %s', async (shape) => {
    const stage = new Stage();
    await stage.apply(specOf(shape));
    expect(stage.plan(aBackend(specOf(shape)))).toEqual({ actions: [], problem: undefined });
  });

  it('changes any Service into any other in one run, with the same result as a new Service', async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, anyShape, anyShape, async (first, second, third) => {
        const [stage, fresh] = [new Stage(), new Stage()];
        for (const shape of [first, second, third]) {
          await stage.apply(specOf(shape));
          expect(stage.plan(aBackend(specOf(shape))).actions).toEqual([]);
        }
        await fresh.apply(specOf(third));
        const essence = ({ service: object }: ReturnType<Stage['observed']>) => ({
          type: object?.spec.type,
          headless: object?.spec.clusterIP === 'None',
          ports: object?.spec.ports?.map(({ nodePort: _, ...port }) => port),
          selector: object?.spec.selector,
          labels: object?.metadata.labels,
          annotations: object?.metadata.annotations,
        });
        expect(essence(stage.observed())).toEqual(essence(fresh.observed()));
        expect(stage.addresses.toSorted()).toEqual(fresh.addresses.toSorted());
        expect(stage.observed().endpoints?.subsets).toEqual(fresh.observed().endpoints?.subsets);
      }),
      { numRuns: 100 },
    );
  });

  it('continues correctly after being cut after any write', async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, anyShape, fc.nat(8), async (first, second, cut) => {
        const stage = new Stage();
        await stage.apply(specOf(first));
        await stage.perform(stage.plan(aBackend(specOf(second))).actions.slice(0, cut));
        await stage.apply(specOf(second));
        expect(stage.plan(aBackend(specOf(second))).actions).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('writes the slices that gain, the Service, the Endpoints, and last deletes slices', async () => {
    const stage = new Stage();
    await stage.apply({});
    const kinds = stage.plan(aBackend(specOf('another port'))).actions.map((action) => {
      if (action.op === 'create' || action.op === 'update') return `${action.op} ${action.object.kind}`;
      return action.op === 'delete' ? `${action.op} ${action.ref.kind}` : action.op;
    });
    expect(kinds).toEqual([
      'create EndpointSlice',
      'setService',
      'applyService',
      'update Endpoints',
      'delete EndpointSlice',
    ]);
  });

  it('does not take over a Service that another client created a moment ago', async () => {
    const stage = new Stage();
    const { actions } = stage.plan(aBackend());
    stage.cluster.put(aService());
    expect(await stage.perform(actions)).toMatchObject({ kind: 'transient', status: 409 });
    expect(stage.cluster.writes).toEqual([]);
  });

  it('writes one slice and one Endpoints for one health transition', async () => {
    const stage = new Stage();
    await stage.apply({});
    expect(stage.plan(aBackend(), allBut('10.20.0.11')).actions).toMatchObject([
      { op: 'update', object: { kind: 'EndpointSlice' } },
      { op: 'update', object: { kind: 'Endpoints' } },
    ]);
  });

  it.each([
    ['ClusterIP to headless', {}, specOf('headless'), true],
    ['headless to ClusterIP', specOf('headless'), {}, true],
    ['another cluster IP', {}, specOf('a cluster IP'), true],
    ['to an alias', {}, specOf('an alias'), false],
    ['from an alias to headless', specOf('an alias'), specOf('headless'), false],
    ['to a node port', {}, specOf('a node port'), false],
  ])(
    'recreates the Service only when the server refuses a change in place: %s',
    async (_, before, after, recreates) => {
      const stage = new Stage();
      await stage.apply(before);
      const deletes = stage
        .plan(aBackend(after))
        .actions.some((a) => a.op === 'delete' && a.ref.kind === 'Service');
      expect(deletes).toBe(recreates);
    },
  );
});

describe('several Services of one backend', () => {
  it('have independent plans', () => {
    const backend = aBackend({ services: [{ name: 'rw' }, { name: 'ro', headless: true }] });
    expect(desiredOf(backend).map(({ name: each, headless }) => [each, headless])).toEqual([
      ['rw', false],
      ['ro', true],
    ]);
  });
});

describe('a switch of an exclusive Service in two halves', () => {
  it('contains the Service and Endpoints in case the first half is refused', async () => {
    const stage = new Stage();
    const spec = (hosts: readonly string[], appProtocol?: string): SpecInput => ({
      targets: hosts.map((host) => ({ host })),
      ports: [{ port: 6379, ...(appProtocol !== undefined && { appProtocol }) }],
    });
    await stage.apply(spec(['10.20.0.11', '10.20.0.12']));
    const backend = aBackend(spec(['10.20.0.12', '10.20.0.13'], 'redis'));
    const desired = theService(backend, allHealthy, true, stage.observed().service);
    const exclusive = { ...desired, spec: { ...desired.spec, role: 'Primary' as const } };
    const context = { backend, olderClaimant: undefined, maxEndpointsPerSlice: 100 };
    const plan = planService(exclusive, stage.observed(), context);
    const kinds = (steps: readonly PlanStep[] = []) =>
      actionsOf(steps).map((action) =>
        'object' in action ? `${action.op} ${action.object.kind}` : action.op,
      );
    expect([plan.again, kinds(plan.steps), kinds(plan.otherwise)]).toEqual([
      true,
      ['update EndpointSlice'],
      ['applyService', 'update Endpoints'],
    ]);
  });
});
