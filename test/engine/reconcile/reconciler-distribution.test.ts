import { expect, it } from '@jest/globals';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Service } from '../../../src/core/kubernetes/objects.ts';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

const distribution = (value: string) => ({
  targets: [
    { host: '10.20.0.11', zone: 'a' },
    { host: '10.20.0.12', zone: 'b' },
  ],
  services: [{ name: 'orders-db', trafficDistribution: value }],
});

/** Refuses as an API server that does not know the value, as Kubernetes 1.33 does not know PreferSameZone. */
const refusesDistribution = (action: Action): OperatorError | undefined =>
  action.op === 'applyService' && action.service.spec['trafficDistribution'] === 'PreferSameZone'
    ? new OperatorError('spec.trafficDistribution: Unsupported value: "PreferSameZone"', {
        kind: 'terminal',
        reason: 'Invalid',
        status: 422,
      })
    : undefined;

const serviceIn = (world: ReconcileWorld): Service | undefined =>
  world.cluster.service(namespace, 'orders-db');

const hintsIn = (world: ReconcileWorld) =>
  world.cluster
    .slices(namespace, 'orders-db')
    .flatMap(({ endpoints }) => (endpoints ?? []).map(({ hints }) => hints?.forZones?.[0]?.name));

it('A Service is published without a refused trafficDistribution, which is reported and written later', async () => {
  const world = new ReconcileWorld();
  world.cluster.refuse = refusesDistribution;
  await world.bringUp(distribution('PreferSameZone'));
  expect(serviceIn(world)?.spec).not.toHaveProperty('trafficDistribution');
  expect(world.published()).toEqual(['+10.20.0.11', '+10.20.0.12']);
  expect(hintsIn(world)).toEqual(['a', 'b']);
  expect(world.cluster.endpoints(namespace, 'orders-db')?.subsets?.[0]?.addresses).toHaveLength(2);
  for (let i = 0; i < 3; i += 1) await world.run();
  expect(world.ready()).toBe('False Invalid');
  expect(world.status().conditions?.find(({ type }) => type === 'Available')?.status).toBe('True');
  world.cluster.refuse = () => undefined;
  await world.run();
  expect(serviceIn(world)?.spec.trafficDistribution).toBe('PreferSameZone');
  expect(world.ready()).toBe('True Published');
  expect((await world.run()).writes).toEqual([]);
});

it('Other changes are written to a Service whose trafficDistribution the API server refuses', async () => {
  const world = new ReconcileWorld();
  await world.bringUp(distribution('PreferClose'));
  world.cluster.refuse = refusesDistribution;
  const { services, ...spec } = distribution('PreferSameZone');
  world.store(
    { ...spec, services: [{ ...services[0], type: 'NodePort', labels: { team: 'shop' } }] },
    { generation: 2 },
  );
  await world.run();
  expect(serviceIn(world)).toMatchObject({
    spec: { type: 'NodePort' },
    metadata: { labels: { team: 'shop' } },
  });
  expect(world.ready()).toBe('False Invalid');
});
