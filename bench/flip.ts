import { record } from '../test/controlplane/recorder.ts';
import type { Recorder } from '../test/controlplane/recorder.ts';
import type { Kinds } from '../test/controlplane/kinds.ts';
import { barePut } from './bare-put.ts';
import { createInProcess, down, up } from './in-process.ts';
import { percentile } from './report.ts';
import type { Bench } from './report.ts';
import { address } from './targets.ts';
import { backend, createNamespace, openWorld, pause } from './world.ts';

const flips = 200;
const namespace = 'flip';
type Slice = Kinds['EndpointSlice'];

/** Measures the time from the verdict to the change at a second watcher, compared with a bare PUT at the same watcher. */
export const flip: Bench = {
  name: 'flip',
  title: 'verdict to change visible at a second watcher, idle API server',
  run: async () => {
    const world = await openWorld();
    const engine = createInProcess(world.plane);
    try {
      await createNamespace(world.admin, namespace);
      for (let n = 0; n < 20; n++)
        await world.admin.create(
          backend(n, namespace, { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 }),
        );
      const slices = await record(world.plane, 'EndpointSlice', { namespace });
      await engine.start();
      await slices.until((objects) => objects.size === 20 && [...objects.values()].every(allReady), 30_000);
      await pause(3_000);
      const ours: number[] = [];
      const bare: number[] = [];
      for (let i = 0; i < flips; i++) {
        bare.push(await barePut(engine.client, slices, namespace, i));
        ours.push(await oneFlip(engine, slices, i));
      }
      slices.stop();
      const baseline = (fraction: number) => ({ what: 'bare PUT', value: percentile(bare, fraction) });
      return [
        {
          what: 'flip, p50',
          value: percentile(ours, 0.5),
          unit: 'ms',
          baseline: baseline(0.5),
          goal: { most: 3 },
        },
        {
          what: 'flip, p99',
          value: percentile(ours, 0.99),
          unit: 'ms',
          baseline: baseline(0.99),
          goal: { most: 5 },
        },
      ];
    } finally {
      await engine.stop();
      await world.stop();
    }
  },
};

const allReady = (slice: Slice): boolean =>
  slice.endpoints?.length === 3 && slice.endpoints.every((endpoint) => endpoint.conditions?.ready === true);

const readyOf = (slice: Slice | undefined, ip: string): boolean | undefined =>
  slice?.endpoints?.find((endpoint) => endpoint.addresses[0] === ip)?.conditions?.ready;

async function oneFlip(
  engine: ReturnType<typeof createInProcess>,
  slices: Recorder<Slice>,
  i: number,
): Promise<number> {
  // An address is probed again a period after its transition. So each is used once in each direction.
  const n = i % 60;
  const ip = address(n);
  const ready = Math.floor(i / 60) % 2 === 1;
  const name = [...slices.objects.keys()].find((key) => key.startsWith(`b${Math.floor(n / 3)}-`)) ?? '';
  const started = performance.now();
  engine.say(ip, ready ? up : down);
  await slices.until((objects) => readyOf(objects.get(name), ip) === ready, 10_000);
  const seen = slices.history.at(-1)?.atMs ?? Number.NaN;
  await pause(20);
  return seen - started;
}
