import { dropPackets } from '../test/controlplane/network.ts';
import { record } from '../test/controlplane/recorder.ts';
import type { Recorder } from '../test/controlplane/recorder.ts';
import type { Kinds } from '../test/controlplane/kinds.ts';
import { startTarget } from '../test/controlplane/targets.ts';
import type { Target } from '../test/controlplane/targets.ts';
import { barePut } from './bare-put.ts';
import { createClient } from './in-process.ts';
import { percentile } from './report.ts';
import type { Bench } from './report.ts';
import { createNamespace, openWorld, pause } from './world.ts';

const namespace = 'fast';
const servers = 20;
const rounds = 8;
/** Not that of the listener for all targets of other benchmarks. */
const port = 6432;
const probe = { periodMilliseconds: 100, timeoutMilliseconds: 100, failureThreshold: 1 };
/** Time in which the leader finds the Lease of another replica. */
const witnessMs = 6_000;
type Slices = Recorder<Kinds['EndpointSlice']>;

/** Measures the time from the failure of a host until its address is removed, at the shortest period. */
export const fast: Bench = {
  name: 'fast',
  title: `${servers} servers probed every 100 ms: from the failure of one to the change at a watcher`,
  run: async () => {
    const world = await openWorld();
    const client = createClient(world.plane);
    const targets = await Promise.all(
      Array.from({ length: servers }, (_, n) => startTarget({ address: addressOf(n), port })),
    );
    try {
      await createNamespace(world.admin, namespace);
      for (const [n, { address }] of targets.entries())
        await world.admin.create({
          kind: 'ExternalBackend',
          metadata: { name: `f${n}`, namespace },
          spec: { targets: [{ host: address }], ports: [{ port }], probe: { tcpSocket: {}, ...probe } },
        });
      const slices = await record(world.plane, 'EndpointSlice', { namespace });
      await world.startOperator('--leader-elect=true', '--identity=first');
      for (const { address } of targets) await becomes(slices, address, true);
      const [bare, refused]: [number[], number[]] = [[], []];
      for (let i = 0; i < servers * rounds; i += 1) {
        bare.push(await barePut(client, slices, namespace, i));
        const target = targets[i % servers];
        if (target !== undefined) refused.push(await refusal(slices, target));
      }
      const holes = async (): Promise<readonly number[]> => {
        const ms: number[] = [];
        for (let i = 0; i < servers * 2; i += 1) ms.push(await blackHole(slices, addressOf(i % servers)));
        return ms;
      };
      const silent = await holes();
      await world.startOperator('--leader-elect=true', '--identity=second');
      await pause(witnessMs);
      const witnessed = await holes();
      slices.stop();
      return [
        ...figures('bare PUT', bare, []),
        ...figures('refused host gone from the slice', refused, [60, 120]),
        ...figures('black hole gone from the slice', silent, [120]),
        ...figures('the same with a second opinion', witnessed, []),
      ];
    } finally {
      await Promise.all(targets.map((target) => target.close()));
      await client.close();
      await world.stop();
    }
  },
};

const addressOf = (n: number): string => `10.23.0.${n + 1}`;

/** @param goals longest times in milliseconds: p50, p99 */
const figures = (what: string, ms: readonly number[], goals: readonly number[]) =>
  [0.5, 0.99].map((fraction, i) => {
    const most = goals[i];
    const figure = { what: `${what}, p${fraction * 100}`, value: percentile(ms, fraction), unit: 'ms' };
    return { ...figure, ...(most !== undefined && { goal: { most } }) };
  });

/** Waits until the address is published as ready or not. Returns when the watcher received that. */
async function becomes(slices: Slices, ip: string, ready: boolean): Promise<number> {
  await slices.until(
    (objects) =>
      [...objects.values()].some(({ endpoints }) =>
        endpoints?.some(({ addresses, conditions }) => addresses[0] === ip && conditions?.ready === ready),
      ),
    30_000,
    `${ip} ready ${ready}`,
  );
  return slices.history.at(-1)?.atMs ?? Number.NaN;
}

/** Waits for a random part of a period and more, so that a failure is at no special time of it. */
const anyMoment = (): Promise<void> => pause(100 + Math.random() * 100);

async function refusal(slices: Slices, target: Target): Promise<number> {
  await anyMoment();
  const started = performance.now();
  await target.refuse();
  const seen = await becomes(slices, target.address, false);
  await target.listen();
  await becomes(slices, target.address, true);
  return seen - started;
}

/** The time until the packet filter has the rule counts. */
async function blackHole(slices: Slices, ip: string): Promise<number> {
  await anyMoment();
  const started = performance.now();
  const gone = becomes(slices, ip, false);
  const restore = await dropPackets([ip]);
  const seen = await gone;
  await restore();
  await becomes(slices, ip, true);
  return seen - started;
}
