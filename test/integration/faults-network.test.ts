import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing, readyHistory } from '../controlplane/endpoints.ts';
import { addAddress, dropPackets } from '../controlplane/network.ts';
import { allowLease, startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { openNetwork } from '../controlplane/own-network.ts';
import type { OwnNetwork } from '../controlplane/own-network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed, quick } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

const plane = controlPlane();
/** Two backends of three hosts. */
const names = ['db-0', 'db-1'];
const hostsOf = (n: number): readonly string[] => [1, 2, 3].map((k) => `10.27.${n}.${k}`);
const all = names.flatMap((_, n) => hostsOf(n));
const networks = ['10.27.0.0/16'];
const lease = 'faults-network';
const flags = (identity: string) => [
  '--leader-elect=true',
  ...[`--lease-name=${lease}`, `--identity=${identity}`],
  ...['--lease-duration=4s', '--renew-deadline=2s', '--retry-period=500ms'],
];
const patientlyMs = 25_000;

interface Replica {
  readonly network: OwnNetwork;
  readonly operator: RunningOperator;
}

let world: World;
let servers: readonly Target[];
let replicas: Readonly<Record<'first' | 'second', Replica>>;
const undo: (() => Promise<void>)[] = [];

beforeAll(async () => {
  await addAddress(...all);
  servers = await Promise.all(all.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(plane, { prefix: 'faults-network', operator: false });
  await allowLease(plane, lease);
  const start = async (identity: string, n: number): Promise<Replica> => {
    const network = await openNetwork(n);
    const operator = await startOperator(plane, { namespace: world.ns, network, args: flags(identity) });
    return { network, operator };
  };
  replicas = { first: await start('first', 31), second: await start('second', 32) };
  for (const [n, name] of names.entries())
    await world.publish(name, probed(hostsOf(n), { probe: { ...quick, failureThreshold: 3 } }));
  for (const [n, name] of names.entries()) await world.serves(name, hostsOf(n), patientlyMs);
}, 90_000);

afterEach(async () => {
  for (const each of undo.splice(0)) await each();
  await servers[0]?.listen();
  for (const [n, name] of names.entries()) await world.serves(name, hostsOf(n), patientlyMs);
}, 60_000);

afterAll(async () => {
  for (const { operator, network } of Object.values(replicas)) {
    await operator.kill();
    await network.close();
  }
  await world.close();
  await Promise.all(servers.map((server) => server.close()));
});

/** Name of the replica that leads. */
async function holder(): Promise<'first' | 'second' | undefined> {
  const { spec } = await world.admin.get('Lease', lease, 'external-backend-operator');
  const [name] = (spec.holderIdentity ?? '').split('_');
  return name === 'first' || name === 'second' ? name : undefined;
}

/** Sets of ready addresses of the first backend since an event, without repetitions. */
const courseFrom = (from: number): readonly string[] =>
  readyHistory(world.slices.history, 'db-0')
    .slice(from)
    .map(({ ready }) => ready.join())
    .filter((ready, i, course) => ready !== course[i - 1]);

describe('a leader that is cut off from the API server', () => {
  it.each([
    ['alone', []],
    ['and from all targets', networks],
  ])(
    '%s is replaced, removes nothing itself, and writes nothing when it is back',
    async (_, more) => {
      const from = world.slices.history.length;
      const now = (await eventually(holder, (name) => name !== undefined)) ?? 'first';
      const other = now === 'first' ? 'second' : 'first';
      undo.push(await replicas[now].network.cut([plane.address, ...more]));
      await eventually(holder, (name) => name === other, { deadlineMs: patientlyMs });
      await servers[0]?.refuse();
      await world.serves('db-0', hostsOf(0).slice(1), patientlyMs);
      await servers[0]?.listen();
      await world.serves('db-0', hostsOf(0), patientlyMs);
      for (const each of undo.splice(0)) await each();
      const stopped = replicas[now].operator;
      await eventually(
        () => stopped.lines().filter(({ msg }) => msg === 'another replica leads').length,
        (count) => count > 0,
        { deadlineMs: patientlyMs },
      );
      expect(courseFrom(from)).toEqual([hostsOf(0).slice(1).join(), hostsOf(0).join()]);
      expect(everMissing(world.slices.history, 'db-1', hostsOf(1))).toEqual([]);
      expect(await holder()).toBe(other);
    },
    90_000,
  );
});

describe('a switch that all packets to all targets go through', () => {
  it('removes no address while it flaps, and a server that refuses leaves then', async () => {
    const from = world.slices.history.length;
    for (const [cutMs, openMs] of [
      ...[
        [300, 700],
        [1_200, 300],
        [1_200, 300],
        [1_200, 1_000],
      ],
      ...[
        [2_500, 200],
        [700, 200],
        [700, 200],
        [2_500, 200],
      ],
    ] as const) {
      const restore = await dropPackets(all);
      await sleep(cutMs); // The cut itself.
      await restore();
      await sleep(openMs); // The time between two cuts.
    }
    expect(world.slices.history.slice(from)).toEqual([]);
    await servers[0]?.refuse();
    await world.serves('db-0', hostsOf(0).slice(1), patientlyMs);
    expect(everMissing(world.slices.history, 'db-1', hostsOf(1))).toEqual([]);
  }, 60_000);
});
