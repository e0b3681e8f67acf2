import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { controlPlane } from '../controlplane/details.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { plain, probed } from '../support/builders/backends.ts';
import { startProxy } from '../support/cluster/proxy.ts';
import type { ApiProxy } from '../support/cluster/proxy.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

/** More backends than concurrent reconciles, and places for requests. */
const backends = Array.from({ length: 300 }, (_, at) => `db-${at}`);
const flags = ['--max-concurrent-reconciles=100', '--max-concurrent-api-requests=8'];
/** Timeout of one request of the operator: the longest time that a namespace may delay another one. */
const requestTimeoutMs = 10_000;
const samples = 8;

let proxy: ApiProxy;
let greedy: World;
let modest: World;
let operator: RunningOperator;
let flapping: Target;
let watched: readonly Target[];

const nameOf = (address: string) => `db-at-${address.replaceAll('.', '-')}`;

beforeAll(async () => {
  const plane = controlPlane();
  proxy = await startProxy(plane);
  flapping = await startTarget({ address: '10.20.63.1', port: 5432 });
  watched = await Promise.all([2, 3, 4, 5].map((n) => startTarget({ address: `10.20.63.${n}`, port: 5432 })));
  greedy = await openWorld(plane, { prefix: 'greedy', operator: false });
  modest = await openWorld(plane, { prefix: 'modest', operator: false });
  operator = await startOperator(plane, {
    args: [`--namespaces=${greedy.ns},${modest.ns}`, ...flags],
    kubeconfig: proxy.kubeconfig,
  });
  await modest.publish('plain', plain(['10.20.64.1']));
  for (const { address } of watched) await modest.publish(nameOf(address), probed([address]));
  await Promise.all(backends.map((name) => greedy.apply(name, probed([flapping.address]))));
  for (const name of backends) await greedy.serves(name, [flapping.address], 60_000);
}, 120_000);

afterAll(async () => {
  await operator.kill();
  await Promise.all([...[flapping, ...watched].map((target) => target.close()), proxy.close()]);
  await Promise.all([greedy.close(), modest.close()]);
});

/** Changes the health of all backends of the greedy namespace until it is ended. */
function flap(): () => Promise<void> {
  const end = new AbortController();
  const flapped = (async () => {
    while (!end.signal.aborted) {
      await flapping.refuse();
      await sleep(1_500);
      await flapping.listen();
      await sleep(1_500);
    }
  })();
  return () => (end.abort(), flapped);
}

let changes = 0;

/** Milliseconds from an edit of the modest namespace until a watcher sees it in the slice. */
async function sliceMs(): Promise<number> {
  changes += 1;
  const address = `10.20.64.${(changes % 200) + 2}`;
  const from = performance.now();
  await modest.apply('plain', plain([address]));
  await modest.serves('plain', [address], 60_000);
  return performance.now() - from;
}

/** Milliseconds from the failure of a server of the modest namespace until a watcher sees the Event. */
async function eventMs(server: Target | undefined): Promise<number> {
  const about = nameOf(server?.address ?? '');
  const from = performance.now();
  await server?.refuse();
  await modest.events.until(
    (_, history) =>
      history.some(({ object }) => object.type === 'Warning' && object.regarding?.name === about),
    60_000,
    `an Event of ${about}`,
  );
  return performance.now() - from;
}

async function times(count: number, measure: () => Promise<number>): Promise<readonly number[]> {
  const took: number[] = [];
  for (let at = 0; at < count; at += 1) took.push(await measure());
  return took;
}

/** Measures once the greedy namespace has this number of requests in flight, which is nearly all that it may have. */
async function whileBusy(delayed: () => number, places: number, measure: () => Promise<number>) {
  await eventually(delayed, (count) => count >= places, { deadlineMs: 60_000 });
  return measure();
}

const print = (title: string, all: readonly number[]) => {
  const took = all.toSorted((a, b) => a - b);
  const [median = 0, most = 0] = [took[took.length >> 1], took[took.length - 1]];
  console.info(`${title}: median ${median.toFixed(0)} ms, at most ${most.toFixed(0)} ms`);
};

const isOf = (world: World) => (path: string) => path.includes(`/namespaces/${world.ns}/`);

describe('next to a namespace with 300 backends that change all the time', () => {
  it.each([
    ['each write takes 500 ms', 500, () => true],
    ['the writes of that namespace hang for 9 s', 9_000, (path: string) => isOf(greedy)(path)],
  ])(
    'a change of another namespace is in its slice within the timeout of one request, if %s',
    async (what, delayMs, matches) => {
      const delayed = proxy.slow(delayMs, matches);
      print(`if ${what}, alone`, await times(samples, sliceMs));
      const end = flap();
      const beside = await times(samples, () => whileBusy(delayed, 6, sliceMs));
      print(`if ${what}, next to the greedy namespace`, beside);
      proxy.slow(0, () => false);
      await end();
      expect(Math.max(...beside)).toBeLessThan(requestTimeoutMs);
    },
    180_000,
  );

  it('an Event of another namespace is written within the timeout of one request, if each Event takes 500 ms', async () => {
    const delayed = proxy.slow(500, (path) => path.includes('/events'));
    const [first, second, ...others] = watched;
    print('Events, alone', [await eventMs(first), await eventMs(second)]);
    const end = flap();
    const beside: number[] = [];
    for (const each of others) beside.push(await whileBusy(delayed, 1, () => eventMs(each)));
    print('Events, next to the greedy namespace', beside);
    proxy.slow(0, () => false);
    await end();
    expect(Math.max(...beside)).toBeLessThan(requestTimeoutMs);
  }, 180_000);
});
