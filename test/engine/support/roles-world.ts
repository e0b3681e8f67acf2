import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { responded } from '../../support/builders/verdicts.ts';

export const A = '10.20.0.11';
export const B = '10.20.0.12';
export const C = '10.20.0.13';

export const primary = (over: Partial<Verdict> = {}): Verdict => ({ ...responded, role: 'Primary', ...over });
export const replica = (lagSeconds = 0): Verdict => ({ ...responded, role: 'Replica', lagSeconds });

export const spec = {
  targets: [{ host: A }, { host: B }, { host: C }],
  ports: [{ port: 6379 }],
  probe: { redis: {} },
  services: [
    { name: 'rw', role: 'Primary' },
    { name: 'ro', role: 'Replica', maxLagSeconds: 10 },
  ],
};

/**
 * A is the primary, B and C are replicas; everything is written. Records the addresses of rw after every
 * write.
 */
export async function stands(over: object = {}) {
  const world = new ReconcileWorld();
  const history: (readonly string[])[] = [];
  world.cluster.onWrite = () => void history.push(ready(world, 'rw'));
  world.store({ ...spec, ...over });
  await world.run();
  world.say(replica());
  for (let said = 0; said < 2; said += 1) world.say(primary(), A);
  await world.run();
  world.events.splice(0);
  return { world, history };
}

export const ready = (world: ReconcileWorld, service: string) =>
  world
    .published(service)
    .filter((each) => each.startsWith('+'))
    .map((each) => each.slice(1));

export const told = (world: ReconcileWorld) =>
  world.events.splice(0).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);

export const addressOf = (world: ReconcileWorld, ip: string) =>
  world
    .status()
    .targets?.flatMap(({ addresses }) => addresses)
    .find((address) => address.ip === ip);

export const degraded = (world: ReconcileWorld) => {
  const { status, reason } = world.status().conditions?.find(({ type }) => type === 'Degraded') ?? {};
  return `${status} ${reason}`;
};
