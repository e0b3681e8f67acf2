import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planService } from '../../../src/core/publish/plan.ts';
import {
  aBackend,
  aService,
  aSlice,
  allBut,
  allHealthy,
  namespace,
  someEndpoints,
  theService,
} from '../../support/builders/builders.ts';
import { Stage, anyShape, name, service, specOf } from '../support/plan-stage.ts';

const ownersOf = (uid: string, owner = name, kind = 'ExternalBackend') => [
  {
    apiVersion: kind === 'ExternalBackend' ? 'externalbackend.io/v1alpha1' : 'apps/v1',
    kind,
    name: owner,
    uid,
    controller: true,
  },
];

describe('the Service of the API server', () => {
  it.each([true, false])('is never written, whoever owns it and with or without adopt (%s)', (adopt) => {
    const backend = {
      ...aBackend({ services: [{ name: 'kubernetes', adopt }] }, { name: 'taker' }),
      namespace: 'default',
    };
    const inDefault = { name: 'kubernetes', namespace: 'default' };
    for (const service of [
      aService({}, inDefault),
      aService({}, { ...inDefault, ownerReferences: ownersOf('uid-of-taker', 'taker') }),
    ]) {
      const desired = theService(backend, allHealthy, true, service);
      const context = { backend, olderClaimant: undefined, maxEndpointsPerSlice: 100 };
      const plan = planService(desired, { service, slices: [], endpoints: undefined }, context);
      expect(plan).toMatchObject({ steps: [], problem: { reason: 'Conflict', published: false } });
    }
  });
});

describe('objects of other clients', () => {
  const theirService = aService();
  const controlled = aService({}, { ownerReferences: ownersOf('x', 'web', 'Deployment') });
  const theirEndpoints = someEndpoints(['10.30.0.1']);
  const theirSlice = aSlice(['10.30.0.1']);
  const annotated = aService(
    {},
    {
      annotations: { 'externalbackend.io/backend': name },
      ownerReferences: ownersOf('x', 'web', 'Deployment'),
    },
  );

  it.each([
    ['a Service', [theirService], false, 'Conflict'],
    ['a Service with a selector', [aService({ selector: { app: 'db' } })], false, 'Conflict'],
    ['a Service that another resource controls', [controlled], false, 'Conflict'],
    ['that, even to adopt', [controlled], true, 'Conflict'],
    ['that, with our annotation copied', [annotated], true, 'Conflict'],
    ['Endpoints alone', [theirEndpoints], false, 'Conflict'],
    ['a slice alone', [theirSlice], false, 'Conflict'],
    ['a slice of another operator', [aSlice(['10.30.0.1'], 'their-operator')], false, 'Conflict'],
    [
      'a slice with our label that another resource controls',
      [
        aSlice(['10.30.0.1'], 'external-backend-operator', {
          ownerReferences: ownersOf('x', 'web', 'Deployment'),
        }),
      ],
      false,
      'Conflict',
    ],
  ] as const)('are not written: %s', (_, objects, adopt, reason) => {
    const stage = new Stage();
    for (const object of objects) stage.cluster.put(object);
    const plan = stage.plan(aBackend(service({ adopt })));
    expect(plan).toMatchObject({ actions: [], problem: { service: name, reason } });
  });

  it('no longer cause a conflict once they are removed', async () => {
    const stage = new Stage();
    stage.cluster.put(theirEndpoints);
    stage.cluster.remove('Endpoints', namespace, name);
    await stage.apply({});
    expect(stage.plan(aBackend())).toEqual({ actions: [], problem: undefined });
  });

  it('under the name of our Service are not changed, and ours is repaired', async () => {
    const stage = new Stage();
    await stage.apply({});
    stage.cluster.put(theirSlice);
    const plan = stage.plan(aBackend(), allBut('10.20.0.11'));
    expect(plan.problem).toMatchObject({ reason: 'Conflict' });
    expect(plan.actions).toHaveLength(2);
    expect(JSON.stringify(plan.actions)).not.toContain('orders-db-theirs');
  });

  it('are in no action, whatever exists and whatever is desired', async () => {
    const strangers = [
      theirService,
      controlled,
      theirEndpoints,
      theirSlice,
      aSlice(['10.30.0.2'], 'their-operator', { name: 'op' }),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(strangers),
        anyShape.filter((shape) => shape !== 'adopt'),
        fc.boolean(),
        async (objects, shape, before) => {
          const stage = new Stage();
          if (before) await stage.apply({});
          for (const object of objects) if (!before || object.kind !== 'Service') stage.cluster.put(object);
          const stood = stage.cluster
            .all('EndpointSlice')
            .filter(({ metadata }) => metadata.ownerReferences === undefined);
          await stage.perform(stage.plan(aBackend(specOf(shape))).actions);
          expect(stage.cluster.all('EndpointSlice')).toEqual(expect.arrayContaining([...stood]));
          const theirs = before ? [] : objects.filter(({ kind }) => kind === 'Service');
          if (theirs.length > 0) expect(stage.observed().service?.spec).toEqual(theirService.spec);
          if (!before && objects.includes(theirEndpoints))
            expect(stage.observed().endpoints?.subsets).toEqual(theirEndpoints.subsets);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('include a Service name that an older backend has', () => {
    expect(new Stage().plan(aBackend(), allHealthy, 'elder')).toMatchObject({
      actions: [],
      problem: { reason: 'NameClaimed' },
    });
  });

  it('become ours when the sibling that left them no longer claims the name', async () => {
    const stage = new Stage();
    await stage.perform(stage.plan(aBackend(service({}), { name: 'elder' })).actions);
    await stage.apply(service({}));
    expect(stage.plan(aBackend(service({})))).toEqual({ actions: [], problem: undefined });
    for (const object of [stage.observed().service, stage.observed().endpoints, ...stage.observed().slices])
      expect(object?.metadata.ownerReferences).toMatchObject([{ name, uid: 'uid-of-orders-db' }]);
  });

  it('become ours when they were left by an earlier backend of the same name', async () => {
    const stage = new Stage();
    await stage.apply({});
    const reborn = aBackend({}, { uid: 'another' });
    await stage.perform(stage.plan(reborn).actions);
    expect(stage.plan(reborn).actions).toEqual([]);
    expect(stage.observed().service?.metadata.ownerReferences).toMatchObject([{ uid: 'another' }]);
    expect(stage.observed().slices).toHaveLength(1);
  });
});
