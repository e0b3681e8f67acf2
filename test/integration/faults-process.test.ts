import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

import { controlPlane } from '../controlplane/details.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { allowLease, startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { mustRun } from '../controlplane/run.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { startProxy } from '../support/cluster/proxy.ts';
import type { ApiProxy } from '../support/cluster/proxy.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

const plane = controlPlane();
const ips = ['10.20.182.1', '10.20.182.2', '10.20.182.3'];
const [, ...others] = ips;
const lease = 'faults-process';
const flags = (identity: string) => [
  '--leader-elect=true',
  ...[`--lease-name=${lease}`, `--identity=${identity}`, '--second-opinion=false'],
  ...['--lease-duration=4s', '--renew-deadline=2s', '--retry-period=500ms'],
];
/** STOPPED_SECONDS=60 stops the leader for a minute. */
const stoppedMs = 1_000 * Number(process.env['STOPPED_SECONDS'] ?? 6);
const patientlyMs = 25_000;

let world: World;
let targets: readonly Target[];

beforeAll(async () => {
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(plane, {
    prefix: 'faults-process',
    program: join(import.meta.dirname, '../support/cluster/stalling-operator.ts'),
  });
  await world.publish('db', probed(ips));
  await world.serves('db', ips);
}, 60_000);

afterAll(async () => {
  await world.close();
  await Promise.all(targets.map((target) => target.close()));
});

/** Sets of ready addresses since an event, without repetitions. */
const courseFrom = (from: number): readonly string[] =>
  readyHistory(world.slices.history, 'db')
    .slice(from)
    .map(({ ready }) => ready.join())
    .filter((ready, i, all) => ready !== all[i - 1]);

/** Waits for more probes of the last target, which is always up. */
async function probes(count: number): Promise<void> {
  const accepted = () => targets[2]?.accepted() ?? 0;
  const from = accepted();
  await eventually(accepted, (now) => now >= from + count, { deadlineMs: patientlyMs });
}

const limitDescriptors = (soft: string) =>
  mustRun(['prlimit', `--pid=${world.operator().pid}`, `--nofile=${soft}:`]);

describe('an operator', () => {
  it('whose event loop stalls for seconds removes nothing for it, and then the server that died meanwhile', async () => {
    const from = world.slices.history.length;
    world.operator().signal('SIGUSR2');
    const stalledMs = performance.now();
    await targets[0]?.refuse();
    await world.serves('db', others, patientlyMs);
    expect(performance.now() - stalledMs).toBeGreaterThan(3_000);
    await targets[0]?.listen();
    await world.serves('db', ips, patientlyMs);
    expect(courseFrom(from)).toEqual([others.join(), ips.join()]);
  }, 60_000);

  it('that has used up its descriptors removes nothing until it has some again', async () => {
    const from = world.slices.history.length;
    await limitDescriptors('3');
    await targets[0]?.refuse();
    await sleep(4_000); // Several periods without descriptors.
    expect(courseFrom(from)).toEqual([]);
    expect(JSON.stringify(world.backends.objects.get('db')?.status)).toContain('no file descriptors left');
    await limitDescriptors('1024');
    await world.serves('db', others, patientlyMs);
    await targets[0]?.listen();
    await world.serves('db', ips, patientlyMs);
    expect(courseFrom(from)).toEqual([others.join(), ips.join()]);
  }, 60_000);
});

describe('of two replicas, the leader', () => {
  let proxy: ApiProxy;
  let first: RunningOperator;
  let second: RunningOperator;

  beforeAll(async () => {
    await world.operator().kill();
    await allowLease(plane, lease);
    proxy = await startProxy(plane);
    const options = { namespace: world.ns };
    first = await startOperator(plane, { ...options, kubeconfig: proxy.kubeconfig, args: flags('first') });
    await eventually(
      () => says(first, 'leading'),
      (count) => count > 0,
    );
    second = await startOperator(plane, { ...options, args: flags('second') });
    await probes(2);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([first.kill(), second.kill()]);
    await proxy.close();
  });

  const says = (operator: RunningOperator, text: string): number =>
    operator.lines().filter(({ msg }) => msg === text).length;

  it(
    'that is stopped in the middle of a write, and goes on after another one led, changes nothing',
    async () => {
      const hold = proxy.hold('PUT endpointslices');
      const from = world.slices.history.length;
      await targets[0]?.refuse();
      await eventually(hold.held, (held) => held > 0);
      first.signal('SIGSTOP');
      const stoppedAtMs = performance.now();
      await world.serves('db', others, patientlyMs);
      await targets[0]?.listen();
      await world.serves('db', ips, patientlyMs);
      await sleep(Math.max(0, stoppedMs - (performance.now() - stoppedAtMs))); // The stop itself.
      hold.release();
      first.signal('SIGCONT');
      await eventually(
        () => says(first, 'stopped leading'),
        (count) => count > 0,
      );
      await probes(4);
      expect(courseFrom(from)).toEqual([others.join(), ips.join()]);
      expect(says(first, 'leading')).toBe(1);
    },
    90_000 + stoppedMs,
  );
});
