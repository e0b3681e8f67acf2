import { describe, expect, it } from '@jest/globals';
import { planRemoval } from '../../../src/core/publish/plan.ts';
import { aBackend, aService, aSlice } from '../../support/builders/builders.ts';
import { Stage, actionsOf, name, specOf } from '../support/plan-stage.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';

describe('planRemoval', () => {
  it('deletes our objects under a Service name, and nothing else', async () => {
    const stage = new Stage();
    await stage.apply({});
    stage.cluster.put(aSlice(['10.30.0.1']));
    await stage.perform(actionsOf(planRemoval(stage.observed(), name)));
    expect(stage.observed()).toMatchObject({ service: undefined, endpoints: undefined });
    expect(stage.observed().slices.map(({ metadata }) => metadata.name)).toEqual(['orders-db-theirs']);
  });

  it('deletes an object that a finalizer keeps only once', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a load balancer'));
    const { service: object } = stage.observed();
    if (object === undefined) throw new Error('no Service');
    const metadata = { ...object.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' };
    stage.cluster.put({ ...object, metadata });
    const kinds = (actions: readonly Action[]) => actions.map((a) => (a.op === 'delete' ? a.ref.kind : a.op));
    expect(kinds(actionsOf(planRemoval(stage.observed(), name)))).toEqual(['Endpoints', 'EndpointSlice']);
    expect(kinds(stage.plan(aBackend(specOf('headless'))).actions)).not.toContain('Service');
    expect(kinds(stage.plan(aBackend(specOf('headless'))).actions)).not.toContain('applyService');
  });

  it('deletes nothing that only has our annotation, because people copy annotations', () => {
    const stage = new Stage();
    stage.cluster.put(aService({}, { annotations: { 'externalbackend.io/backend': name } }));
    expect(planRemoval(stage.observed(), name)).toEqual([]);
  });
});
