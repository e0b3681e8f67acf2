import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

const ips = ['10.20.65.1', '10.20.65.2', '10.20.65.3'] as const;
const mark = 'externalbackend.io/published-not-ready';
const policies = ['Empty', 'KeepLast', 'All'] as const;

let world: World;
let targets: readonly Target[];
/** Always up: its probes show how far the operator is. */
let clock: Target;

const named = (policy: string): string => policy.toLowerCase();
const services = policies.map((whenNoneReady) => ({ name: named(whenNoneReady), whenNoneReady }));

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'none-ready' });
  await addAddress(...ips, '10.20.65.9');
  clock = await startTarget({ address: '10.20.65.9', port: 5432 });
  await world.publish('clock', probed(['10.20.65.9']));
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  await world.publish('db', probed(ips, { services }));
  for (const { name } of services) await world.serves(name, ips);
});

afterAll(async () => {
  await world.close();
  await Promise.all([clock, ...targets].map((target) => target.close()));
});

const all = (act: (target: Target) => Promise<void>) => Promise.all(targets.map(act));

/** Waits until the three Services publish these addresses. */
async function serve(kept: readonly string[], open: readonly string[] = kept, empty = kept): Promise<void> {
  await world.serves('keeplast', kept);
  await world.serves('all', open);
  await world.serves('empty', empty);
}

/** Waits for this reason of the condition Available. */
const available = (reason: string, name = 'db') =>
  world.backends.until(
    (now) => {
      const condition = conditionOf(now.get(name), 'Available');
      return condition?.reason === reason ? condition : undefined;
    },
    15_000,
    `${name}: Available ${reason}`,
  );

const fallbacks = async (): Promise<readonly unknown[]> =>
  ((await world.admin.get('ExternalBackend', 'db', world.ns)).status?.services ?? []).map(
    (each) => (each as { fallback?: string }).fallback,
  );

/** Returns the addresses that the slices of a Service mark, and the conditions of each endpoint. */
const marked = async (service: string): Promise<string> => {
  const slices = await world.admin.list('EndpointSlice', world.ns);
  return slices
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap(({ metadata }) => metadata.annotations?.[mark] ?? [])
    .join();
};

/** Waits for more verdicts of each address. */
async function probes(count: number): Promise<void> {
  const from = clock.accepted();
  await eventually(clock.accepted, (now) => now >= from + count, { deadlineMs: 15_000 });
}

/** Kills the operator, starts another one, and waits until it has probed everything. */
async function restart(meanwhile?: () => Promise<unknown>): Promise<void> {
  await world.operator().kill();
  await meanwhile?.();
  await world.start();
  await probes(3);
}

/** Returns the sets of ready addresses of a Service since an event, without repetitions. */
const historyOf = (service: string, from: number): readonly string[] => [
  ...new Set(
    readyHistory(world.slices.history, service)
      .slice(from)
      .map(({ ready }) => ready.join()),
  ),
];

describe('three Services of one backend whose servers all fail', () => {
  it('publish none, the last ready one, and all, and report it', async () => {
    await targets[0]?.refuse();
    await serve([ips[1], ips[2]]);
    await targets[1]?.refuse();
    await serve([ips[2]]);
    await targets[2]?.refuse();
    await serve([ips[2]], ips, []);
    await available('NoReadyAddress');
    expect(await fallbacks()).toEqual([undefined, 'KeepLast', 'All']);
    expect([await marked('empty'), await marked('keeplast'), await marked('all')]).toEqual([
      '',
      ips[2],
      ips.join(),
    ]);
  });

  it('keep that over SIGKILL, and take no server for healthy that was only kept', async () => {
    const from = world.slices.history.length;
    await restart();
    expect(historyOf('keeplast', from)).toEqual([]);
    expect(historyOf('all', from)).toEqual([]);
    expect(await fallbacks()).toEqual([undefined, 'KeepLast', 'All']);
  });

  it('publish the first server that is ready again, and no other', async () => {
    await targets[0]?.listen();
    await serve([ips[0]]);
    await available('AddressesReady');
    expect(await fallbacks()).toEqual([undefined, undefined, undefined]);
    expect([await marked('keeplast'), await marked('all')]).toEqual(['', '']);
    await all((target) => target.listen());
    await serve(ips);
  });

  it('while the operator is killed, keep their last sets all the same', async () => {
    const from = world.slices.history.length;
    await restart(() => all((target) => target.refuse()));
    await world.serves('empty', []);
    expect(historyOf('all', from).filter((ready) => ready === '')).toEqual([]);
    expect(historyOf('keeplast', from).filter((ready) => ready === '')).toEqual([]);
    expect(await marked('all')).toBe(ips.join());
    await all((target) => target.listen());
    await serve(ips);
  });
});

describe('a Service that keeps its last addresses', () => {
  const keep = { services: [{ name: 'keep', whenNoneReady: 'KeepLast' }] };
  const pair = [ips[0], ips[1]];

  const reaches = (reason: string) => available(reason, 'keep');

  it('reports one Event each way, and none for a restart in between', async () => {
    await world.publish('keep', probed([ips[0]], keep));
    await world.serves('keep', [ips[0]]);
    await targets[0]?.refuse();
    const kept = await reaches('NoneReadyKept');
    expect(kept.status).toBe('False');
    const reasons = () =>
      [...world.events.objects.values()]
        .filter(({ regarding }) => regarding?.name === 'keep')
        .flatMap(({ reason }) => (['NoneReadyKept', 'FallbackEnded'].includes(reason) ? reason : []));
    await eventually(reasons, (list) => list.length === 1);
    await restart();
    await targets[0]?.listen();
    await reaches('AddressesReady');
    await eventually(reasons, (list) => list.length >= 2);
    expect(reasons().toSorted()).toEqual(['FallbackEnded', 'NoneReadyKept']);
  });

  it('loses an address that is drained, and one that is removed from the spec', async () => {
    await world.publish('keep', probed(pair, keep));
    await world.serves('keep', pair);
    await targets[0]?.refuse();
    await world.serves('keep', [ips[1]]);
    await targets[1]?.refuse();
    await reaches('NoneReadyKept');
    await world.serves('keep', [ips[1]]);
    await world.publish(
      'keep',
      probed([], { ...keep, targets: [{ host: ips[0] }, { host: ips[1], drain: true }] }),
    );
    await world.serves('keep', []);
    await reaches('NoReadyAddress');
    await targets[0]?.listen();
    await world.serves('keep', [ips[0]]);
    await targets[0]?.refuse();
    await reaches('NoneReadyKept');
    await world.publish('keep', probed([], { ...keep, targets: [{ host: ips[1] }] }));
    await world.serves('keep', []);
    await Promise.all([targets[0]?.listen(), targets[1]?.listen()]);
    await world.serves('keep', [ips[1]]);
  });
});
