import { describe, expect, it } from '@jest/globals';
import { aBackend, aService, aSlice, nothingKnown, someEndpoints } from '../../support/builders/builders.ts';
import { Stage, service } from '../support/plan-stage.ts';

describe('adoption', () => {
  const adopting = service({ adopt: true });
  const mirrored = aSlice(['10.30.0.1'], 'endpointslicemirroring-controller.k8s.io', { name: 'mirrored' });

  it('waits for a ready address, and writes the slices meanwhile', async () => {
    const stage = new Stage();
    stage.cluster.put(aService());
    stage.cluster.put(someEndpoints(['10.30.0.1']));
    const plan = stage.plan(aBackend(adopting), nothingKnown);
    expect(plan.problem).toMatchObject({ reason: 'Adopting' });
    expect(plan.actions).toMatchObject([{ op: 'create', object: { kind: 'EndpointSlice' } }]);
    await stage.perform(plan.actions);
    expect(stage.plan(aBackend(adopting), nothingKnown).actions).toEqual([]);
  });

  it.each([
    ['Service and Endpoints', true, [aService(), someEndpoints(['10.30.0.1']), mirrored]],
    [
      'Service and Endpoints, without legacy Endpoints',
      false,
      [aService(), someEndpoints(['10.30.0.1']), mirrored],
    ],
    ['Service and slice', true, [aService(), aSlice(['10.30.0.1'])]],
    [
      'Service with a selector',
      true,
      [
        aService({ selector: { app: 'db' } }),
        someEndpoints(['10.244.0.1'], {
          labels: { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
        }),
      ],
    ],
    ['Endpoints without a Service', true, [someEndpoints(['10.30.0.1'])]],
    [
      'an alias',
      true,
      [aService({ type: 'ExternalName', externalName: 'x.example', clusterIP: undefined } as never)],
    ],
  ] as const)('takes over: %s', async (_, legacy, objects) => {
    const stage = new Stage();
    stage.legacyEndpoints = legacy;
    for (const object of objects) stage.cluster.put(object);
    let error = await stage.perform(stage.plan(aBackend(adopting)).actions);
    if (error !== undefined) {
      expect(error).toMatchObject({ kind: 'waiting', reason: 'SweepingSlices' });
      expect(stage.observed().service?.metadata.annotations).toHaveProperty(
        ['externalbackend.io/pending-slice-cleanup'],
        'pending',
      );
      error = await stage.perform(stage.plan(aBackend(adopting)).actions);
    }
    expect(error).toBeUndefined();
    expect(stage.plan(aBackend(adopting))).toEqual({ actions: [], problem: undefined });
    expect(stage.observed().service?.spec.selector).toBeUndefined();
    expect(stage.observed().service?.metadata.annotations).not.toHaveProperty([
      'externalbackend.io/pending-slice-cleanup',
    ]);
    expect(stage.addresses.toSorted()).toEqual(['10.20.0.11', '10.20.0.12']);
    expect(JSON.stringify(stage.observed().endpoints ?? {})).not.toContain('10.30.0.1');
    expect(stage.observed().endpoints === undefined).toBe(!legacy);
  });
});
