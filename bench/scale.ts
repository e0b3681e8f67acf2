import process from 'node:process';

import { record } from '../test/controlplane/recorder.ts';
import { readyHistory } from '../test/controlplane/endpoints.ts';
import type { Bench, Figure } from './report.ts';
import {
  backend,
  cpuSeconds,
  createNamespace,
  inParallel,
  memoryMb,
  openWorld,
  pause,
  sample,
  until,
} from './world.ts';
import type { World } from './world.ts';
import type { RunningOperator } from '../test/controlplane/operator.ts';

const count = Number(process.env['SCALE_BACKENDS'] ?? 10_000);
const namespace = 'scale';
const quietSeconds = 60;

/** Measures the largest installation of the goals, at rest and during a restart. */
export const scale: Bench = {
  name: 'scale',
  title: `${count} backends x 3 targets, each probed every 10 s; then the operator starts anew`,
  run: async () => {
    const world = await openWorld();
    try {
      await createNamespace(world.admin, namespace);
      const operator = await world.startOperator('--metrics-max-backends=20000', '--shutdown-timeout=5s');
      await inParallel(count, 32, (n) => world.admin.create(backend(n, namespace)));
      await until(async () => (await readyIn(operator)) === 3 * count, 1_800_000, 5_000);
      await until(async () => isAtRest(await operator.metrics()), 600_000, 5_000);
      await pause(30_000);
      return [...(await atRest(operator)), ...(await restart(world, operator))];
    } finally {
      await world.stop();
    }
  },
};

const readyIn = async (operator: RunningOperator): Promise<number> =>
  sample(await operator.metrics(), 'external_backend_ready_addresses');

/** Waits until everything is written. Statuses come last, long after the slices (24 s with 3,000 backends). */
const isAtRest = (metrics: string): boolean =>
  sample(metrics, 'external_backend_queue_depth') +
    sample(metrics, 'external_backend_api_requests_in_flight') ===
  0;

async function atRest(operator: RunningOperator): Promise<readonly Figure[]> {
  const before = await operator.metrics();
  const cpu = cpuSeconds(operator.pid);
  await pause(quietSeconds * 1_000);
  const used = cpuSeconds(operator.pid) - cpu;
  const after = await operator.metrics();
  const rate = (name: string): number => (sample(after, name) - sample(before, name)) / quietSeconds;
  return [
    { what: 'probes', value: rate('external_backend_probe_duration_seconds_count'), unit: '/s' },
    { what: 'CPU', value: (used / quietSeconds) * 100, unit: '% of a core', goal: { most: 25 } },
    { what: 'memory', value: memoryMb(operator.pid).now, unit: 'MB', goal: { most: 250 } },
    { what: 'lateness p99', value: lateness(before, after, 0.99), unit: 'ms', goal: { most: 50 } },
  ];
}

/** Returns the upper bound of the bucket of the percentile. */
function lateness(before: string, after: string, fraction: number): number {
  const name = 'external_backend_probe_lateness_seconds_bucket';
  const bounds = [...after.matchAll(new RegExp(`^${name}\\{le="([^"]+)"\\}`, 'gm'))].map(
    ([, le]) => le ?? '',
  );
  const counts = bounds.map((le) => sample(after, name, `le="${le}"`) - sample(before, name, `le="${le}"`));
  const total = counts.at(-1) ?? 0;
  return (
    Number(bounds[counts.findIndex((counted) => counted >= total * fraction)]?.replace('+Inf', 'Infinity')) *
    1_000
  );
}

async function restart(world: World, old: RunningOperator): Promise<readonly Figure[]> {
  const slices = await record(world.plane, 'EndpointSlice', { namespace });
  const listed = slices.history.length;
  await old.kill();
  const started = performance.now();
  const operator = await world.startOperator('--metrics-max-backends=20000');
  // Not more often, because the metrics of ten thousand backends take the operator a fifth of a second.
  await until(async () => (await readyIn(operator)) === 3 * count, 120_000, 1_000);
  const seconds = (performance.now() - started) / 1000;
  await pause(20_000);
  const emptied = slices.history
    .slice(listed)
    .filter(({ object }) =>
      readyHistory(
        [{ type: 'MODIFIED', atMs: 0, object }],
        object.metadata.labels?.['kubernetes.io/service-name'] ?? '',
      ).some(({ ready }) => ready.length === 0),
    ).length;
  const figures = [
    { what: 'start: in sync', value: seconds, unit: 's', goal: { most: 30 } },
    { what: 'start: slices written', value: slices.history.length - listed, unit: '', goal: { most: 0 } },
    { what: 'start: endpoints emptied', value: emptied, unit: '', goal: { most: 0 } },
    { what: 'start: highest memory', value: memoryMb(operator.pid).peak, unit: 'MB' },
  ];
  slices.stop();
  return figures;
}
