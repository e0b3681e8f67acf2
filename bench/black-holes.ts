import { dropPackets } from '../test/controlplane/network.ts';
import { record } from '../test/controlplane/recorder.ts';
import type { Recorder } from '../test/controlplane/recorder.ts';
import type { Kinds } from '../test/controlplane/kinds.ts';
import type { Bench, Figure } from './report.ts';
import { percentile } from './report.ts';
import { address } from './targets.ts';
import { backend, createNamespace, inParallel, openWorld, pause, until } from './world.ts';
import type { World } from './world.ts';

const count = 1_000;
const holes = 300;
type Slice = Kinds['EndpointSlice'];

/** Measures by how much hosts that vanish silently delay the removal of hosts that refuse connections. */
export const blackHoles: Bench = {
  name: 'black-holes',
  title: '1,000 backends x 3: 300 targets black-holed at once, ten others refused 2 s later',
  run: async () => {
    const quick = { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 };
    return [
      ...(await scene('period 1 s, timeout 1 s, threshold 1', quick, { holes: 3, refused: 1.2 })),
      // The other replica probes each silent host too: its timeout and a second more.
      ...(await scene('the same with a second replica', quick, { holes: 5, refused: 1.2 }, 2)),
      ...(await scene('default settings', {}, { holes: 32, refused: 32 })),
    ];
  },
};

async function scene(
  what: string,
  probe: object,
  goal: { readonly holes: number; readonly refused: number },
  replicas = 1,
): Promise<readonly Figure[]> {
  const world = await openWorld();
  const undo: (() => Promise<void>)[] = [];
  try {
    const slices = await populate(world, probe, replicas);
    const black = Array.from({ length: holes }, (_, i) => address(i * 7));
    const refused = Array.from({ length: 10 }, (_, i) => address(2_500 + i * 3));
    const started = performance.now();
    undo.push(await dropPackets(black));
    await pause(2_000);
    const later = performance.now();
    undo.push(await dropPackets(refused, { how: 'reject' }));
    await until(() => goneAll(slices, [...black, ...refused]), 120_000, 500);
    const wrongly = removed(slices).filter(({ ip }) => !black.includes(ip) && !refused.includes(ip)).length;
    const times = (ips: readonly string[], from: number) =>
      removed(slices).flatMap(({ ip, atMs }) => (ips.includes(ip) ? [(atMs - from) / 1000] : []));
    slices.stop();
    const pruned = times(black, started);
    const left = times(refused, later);
    return [
      { what: `${what}: black holes pruned, p50`, value: percentile(pruned, 0.5), unit: 's' },
      {
        what: `${what}: the last black hole pruned`,
        value: Math.max(...pruned),
        unit: 's',
        goal: { most: goal.holes },
      },
      {
        what: `${what}: the last refused elsewhere pruned`,
        value: Math.max(...left),
        unit: 's',
        goal: { most: goal.refused },
      },
      { what: `${what}: healthy targets removed`, value: wrongly, unit: '', goal: { most: 0 } },
    ];
  } finally {
    for (const restore of undo) await restore();
    await world.stop();
  }
}

async function populate(world: World, probe: object, replicas: number): Promise<Recorder<Slice>> {
  const namespace = 'holes';
  await createNamespace(world.admin, namespace);
  for (let n = 0; n < replicas; n += 1)
    await world.startOperator(...(replicas > 1 ? ['--leader-elect=true', `--identity=replica-${n}`] : []));
  await inParallel(count, 16, (n) => world.admin.create(backend(n, namespace, probe)));
  const slices = await record(world.plane, 'EndpointSlice', { namespace });
  const ready = (slice: Slice): boolean =>
    slice.endpoints?.every(({ conditions }) => conditions?.ready === true) ?? false;
  await until(() => slices.objects.size === count && [...slices.objects.values()].every(ready), 120_000, 500);
  await pause(12_000);
  return slices;
}

/** Returns when each address was first published as not ready, after it had been ready. */
function removed(slices: Recorder<Slice>): readonly { readonly ip: string; readonly atMs: number }[] {
  const first = new Map<string, number>();
  const seen = new Set<string>();
  for (const { object, atMs } of slices.history)
    for (const { addresses, conditions } of object.endpoints ?? []) {
      const ip = addresses[0] ?? '';
      if (conditions?.ready === true) seen.add(ip);
      else if (seen.has(ip) && !first.has(ip)) first.set(ip, atMs);
    }
  return [...first].map(([ip, atMs]) => ({ ip, atMs }));
}

/** Checks twice a second only, because a check delays the timestamps of the recorder. */
function goneAll(slices: Recorder<Slice>, ips: readonly string[]): boolean {
  const gone = new Set(removed(slices).map(({ ip }) => ip));
  return ips.every((ip) => gone.has(ip));
}
