import { pathOf, resources } from '../src/kube/client/resources.ts';
import { priorities } from '../src/kube/client/priority-limiter.ts';
import { record } from '../test/controlplane/recorder.ts';
import { createInProcess, down } from './in-process.ts';
import type { Bench } from './report.ts';
import { address } from './targets.ts';
import { backend, createNamespace, inParallel, openWorld, pause } from './world.ts';

const count = 1_000;
const namespace = 'storm';

/** Measures the failure of a whole site: how fast the slices change, and whether they are written before everything else. */
export const storm: Bench = {
  name: 'storm',
  title: '1,000 backends lose one target at once',
  run: async () => {
    const world = await openWorld();
    const engine = createInProcess(world.plane);
    try {
      await createNamespace(world.admin, namespace);
      const probe = { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 };
      await inParallel(count, 16, (n) => world.admin.create(backend(n, namespace, probe)));
      const slices = await record(world.plane, 'EndpointSlice', { namespace });
      const endpoints = await record(world.plane, 'Endpoints', { namespace });
      const backends = await record(world.plane, 'ExternalBackend', { namespace });
      await engine.start();
      const settled = (objects: typeof backends.objects) =>
        [...objects.values()].every(({ status }) => status?.summary === '3/3');
      await backends.until(settled, 120_000);
      backends.stop();
      await pause(3_000);
      const before = { slices: slices.history.length, endpoints: endpoints.history.length };
      const started = performance.now();
      for (let n = 0; n < count; n++) engine.say(address(3 * n), down);
      await slices.until((_, history) => history.length >= before.slices + count, 60_000);
      const last = slices.history[before.slices + count - 1]?.atMs ?? Number.NaN;
      const early = endpoints.history.slice(before.endpoints).filter(({ atMs }) => atMs < last).length;
      await endpoints.until((_, history) => history.length >= before.endpoints + count, 60_000);
      await pause(5_000);
      const raw = await rawRate(engine, [...slices.objects.values()]);
      slices.stop();
      endpoints.stop();
      return [
        {
          what: 'slices written',
          value: count / ((last - started) / 1000),
          unit: '/s',
          baseline: { what: 'raw PUTs by the same client', value: raw },
          goal: { least: 0.8 },
        },
        { what: 'Endpoints written before the last slice', value: early, unit: '', goal: { most: 32 } },
      ];
    } finally {
      await engine.stop();
      await world.stop();
    }
  },
};

/** Returns the best of three passes over all slices. A label changes, so that each PUT is a real write. */
async function rawRate(
  engine: ReturnType<typeof createInProcess>,
  slices: readonly { metadata: object }[],
): Promise<number> {
  const resource = resources.EndpointSlice;
  let best = 0;
  let objects = slices as readonly { metadata: { name: string; labels?: object } }[];
  for (let pass = 0; pass < 3; pass++) {
    const next: (typeof objects)[number][] = [];
    const started = performance.now();
    await inParallel(objects.length, 1024, async (n) => {
      const object = objects[n];
      if (object === undefined) return;
      const metadata = { ...object.metadata, labels: { ...object.metadata.labels, pass: String(pass) } };
      const path = pathOf(resource, namespace, object.metadata.name);
      const body = { ...object, metadata };
      next.push(
        (await engine.client.request({
          verb: 'update',
          resource: resource.plural,
          path,
          body,
          priority: priorities.slice,
        })) as typeof object,
      );
    });
    best = Math.max(best, objects.length / ((performance.now() - started) / 1000));
    objects = next;
  }
  return best;
}
