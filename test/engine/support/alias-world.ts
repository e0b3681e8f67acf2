import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

export const [first, second] = ['a.example.com', 'b.example.com'] as const;
export const [one, two] = ['10.0.0.1', '10.0.0.2'] as const;
export const spec: SpecInput = {
  mode: 'ExternalName',
  targets: [{ host: 'A.Example.com.' }, { host: second }],
  ports: [{ port: 5432 }],
};
export const alias = (world: ReconcileWorld) =>
  world.cluster.service(namespace, 'orders-db')?.spec.externalName;

export async function resolvedBoth(over: SpecInput = {}): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store({ ...spec, ...over });
  await world.run();
  world.resolver.addresses(first, one);
  world.resolver.addresses(second, two);
  await world.run();
  return world;
}

/** Returns an alias whose hosts both have been healthy for long. */
export async function standing(over: SpecInput = {}): Promise<ReconcileWorld> {
  const world = await resolvedBoth(over);
  world.say(up);
  await world.run();
  await world.clock.advance(60_000);
  return world;
}

/** Returns an alias whose first host failed, so that it points to the second. */
export async function switched(): Promise<ReconcileWorld> {
  const world = await standing();
  world.fail(one);
  await world.run();
  return world;
}
