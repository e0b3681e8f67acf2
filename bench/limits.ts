import { ReconcileWorld } from '../test/support/fakes/reconcile-world.ts';
import { bringUpWorst, worst, type Worst } from '../test/support/builders/worst.ts';
import type { Bench, Figure } from './report.ts';

/** Measures how long one reconcile occupies the event loop, because the Lease and other backends wait for it. */
export const limitsBench: Bench = {
  name: 'limits',
  title: 'resources at the limits of the schema: event loop per reconcile, status, memory',
  run: async () => {
    const figures: Figure[] = [];
    for (const each of worst) figures.push(...(await measure(each)));
    return figures;
  },
};

async function measure(resource: Worst): Promise<readonly Figure[]> {
  const world = new ReconcileWorld();
  const before = heap();
  await bringUpWorst(world, resource);
  const held = heap() - before;
  const quiet = await fastest(5, () => world.run());
  const ip = [...world.scheduled.values()].flat()[0]?.ip;
  const flips = await fastest(2, async () => {
    world.fail(ip);
    await world.run();
  });
  const restarts = await fastest(2, () => restart(world, resource));
  const { name } = resource;
  return [
    { what: `${name}: a reconcile with nothing to write`, value: quiet, unit: 'ms', goal: { most: 100 } },
    { what: 'the same: a reconcile after one address failed', value: flips, unit: 'ms', goal: { most: 100 } },
    {
      what: 'the same: the first reconcile of another process',
      value: restarts,
      unit: 'ms',
      goal: { most: 100 },
    },
    {
      what: 'the same: status',
      value: JSON.stringify(world.status()).length / 1000,
      unit: 'kB',
      goal: { most: 800 },
    },
    {
      what: 'the same: memory, with the objects of the fake cluster',
      value: held / 2 ** 20,
      unit: 'MB',
      goal: { most: 64 },
    },
  ];
}

/** Seeds health from the published slices. */
function restart(world: ReconcileWorld, { answer }: Worst): Promise<unknown> {
  const next = world.restarted();
  for (const [name, state] of world.secrets) next.secrets.set(name, state);
  answer?.(next);
  return next.run();
}

/** Returns the least CPU time of this thread, in milliseconds. Other programs on the machine do not count. */
async function fastest(times: number, run: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < times; i++) {
    const before = process.threadCpuUsage();
    await run();
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
