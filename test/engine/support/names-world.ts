import { expect } from '@jest/globals';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import type { EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import type { Question } from '../../../src/core/resolution/name-state.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

export const name = 'db.example.com';
export const one: SpecInput = { targets: [{ host: name }] };
export const literalToo: SpecInput = { targets: [{ host: name }, { host: '10.0.9.9' }] };
export const record = '_postgres._tcp.example.com';
export const srv: Question = { name: record, type: 'SRV' };

/** Stores the spec, answers the name with these addresses, probes all with success, and writes. */
export async function standing(spec: SpecInput, ...ips: readonly string[]): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store(spec);
  await world.run();
  world.resolver.addresses(name, ...ips);
  await probed(world);
  return world;
}

export async function probed(world: ReconcileWorld): Promise<void> {
  await world.run();
  world.say(up);
  await world.run();
}

export const targetsOf = (world: ReconcileWorld) => world.status().targets ?? [];
export const ruleOf = (world: ReconcileWorld, i = 0) => targetsOf(world)[i]?.resolution?.state;
export const reasonOf = (world: ReconcileWorld, type: string) =>
  world.status().conditions?.find((condition) => condition.type === type)?.reason;
export const slicesOf = (world: ReconcileWorld, of = 'orders-db'): readonly EndpointSlice[] =>
  world.cluster.slices(namespace, of);
export const said = (world: ReconcileWorld) =>
  slicesOf(world)
    .map(({ metadata }) => metadata.annotations?.['externalbackend.io/names'])
    .toSorted();
export const quiet = async (world: ReconcileWorld): Promise<void> => {
  expect((await world.run()).writes).toEqual([]);
};
