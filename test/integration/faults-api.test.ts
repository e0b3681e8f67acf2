import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import type { ApiFaults, ApiRequest, FaultAnswer } from '../support/cluster/api-faults.ts';
import { startProxy } from '../support/cluster/proxy.ts';
import type { ApiProxy } from '../support/cluster/proxy.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

const ips = ['10.20.181.1', '10.20.181.2', '10.20.181.3'];
const [a = '', ...others] = ips;
/** Long enough for a write that is refused some times, on a busy machine. */
const patientlyMs = 25_000;

let proxy: ApiProxy;
let world: World;
let targets: readonly Target[];

beforeAll(async () => {
  proxy = await startProxy(controlPlane());
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(controlPlane(), { prefix: 'faults-api', kubeconfig: proxy.kubeconfig });
  await world.publish('db', probed(ips));
  await world.serves('db', ips);
}, 60_000);

afterEach(() => proxy.setFaults({}));

afterAll(async () => {
  await world.close();
  await Promise.all(targets.map((target) => target.close()));
  await proxy.close();
});

const isWrite = ({ method }: ApiRequest): boolean => method !== 'GET';

/** Returns this answer to two of three writes. */
function often(answer: FaultAnswer): ApiFaults {
  let count = 0;
  return { answer: (request) => (isWrite(request) && count++ % 3 !== 2 ? answer : undefined) };
}

/** Sets of ready addresses since an event, without repetitions. */
const courseFrom = (from: number): readonly string[] =>
  readyHistory(world.slices.history, 'db')
    .slice(from)
    .map(({ ready }) => ready.join())
    .filter((ready, i, all) => ready !== all[i - 1]);

const summary = async () => (await world.admin.get('ExternalBackend', 'db', world.ns)).status?.summary;

describe('a dead address leaves and returns, and no other address ever leaves, while the API server', () => {
  it.each([
    ['answers 409 to two of three writes', often({ status: 409, reason: 'Conflict' })],
    [
      'answers 429 to two of three writes',
      often({ status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 }),
    ],
    ['answers 500 to two of three writes', often({ status: 500, reason: 'InternalError' })],
    [
      'answers 500 to two of three writes that it has done',
      often({ status: 500, reason: 'InternalError', isDone: true }),
    ],
    ['reports changes three seconds late', { lateMs: 3_000 }],
    ['takes a second for each answer', { slowMs: 1_000 }],
  ])(
    '%s',
    async (_, faults) => {
      const from = world.slices.history.length;
      proxy.setFaults(faults);
      await targets[0]?.refuse();
      const refusedMs = performance.now();
      await world.serves('db', others, patientlyMs);
      console.info(`the dead address left after ${Math.round(performance.now() - refusedMs)} ms`);
      await targets[0]?.listen();
      await world.serves('db', ips, patientlyMs);
      await eventually(summary, (text) => text === '3/3', { deadlineMs: patientlyMs });
      proxy.setFaults({});
      expect(courseFrom(from)).toEqual([others.join(), ips.join()]);
    },
    90_000,
  );

  it('gives stale answers: a change by another client is repaired, and not overwritten with what was read before', async () => {
    proxy.setFaults({ lateMs: 3_000 });
    const [slice] = [...world.slices.objects.values()];
    const endpoints = slice?.endpoints?.filter(({ addresses }) => !addresses.includes(a));
    await world.admin.patch('EndpointSlice', slice?.metadata.name ?? '', world.ns, { endpoints });
    const from = world.slices.history.length;
    await targets[1]?.refuse();
    await world.serves('db', [a, ips[2] ?? ''], patientlyMs);
    expect(courseFrom(from).filter((ready) => ready === '')).toEqual([]);
    await targets[1]?.listen();
    await world.serves('db', ips, patientlyMs);
  }, 60_000);
});
