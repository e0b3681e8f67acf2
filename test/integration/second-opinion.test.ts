import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { readyAddresses } from '../controlplane/endpoints.ts';
import { addAddress, dropPackets } from '../controlplane/network.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { openNetwork } from '../controlplane/own-network.ts';
import type { OwnNetwork } from '../controlplane/own-network.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { brief, conditionOf, openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';

const names = Array.from({ length: 10 }, (_, n) => `db-${n}`);
const hostsOf = (n: number): readonly string[] => [0, 1, 2].map((k) => `10.24.${k}.${n + 1}`);
const all = names.flatMap((_, n) => hostsOf(n));
const [single = ''] = hostsOf(3);
const targets = ['10.24.0.0/16'];
const operatorNamespace = 'external-backend-operator';

interface Replica {
  readonly network: OwnNetwork;
  readonly operator: RunningOperator;
}

let plane: Plane;
let world: World;
let servers: readonly Target[];
/** By its `--identity`. */
let replicas: Readonly<Record<'first' | 'second', Replica>>;
const undo: (() => Promise<void>)[] = [];

beforeAll(async () => {
  plane = await startPlane({ address: '10.99.4.1' });
  await addAddress(...all);
  servers = await Promise.all(all.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(plane.details, { prefix: 'opinion', operator: false });
  const start = async (identity: string, n: number): Promise<Replica> => {
    const network = await openNetwork(n);
    const args = ['--leader-elect=true', `--identity=${identity}`];
    return { network, operator: await startOperator(plane.details, { network, args }) };
  };
  replicas = { first: await start('first', 11), second: await start('second', 12) };
  for (const [n, name] of names.entries()) await world.publish(name, probed(hostsOf(n)));
  for (const [n, name] of names.entries()) await world.serves(name, hostsOf(n), 15_000);
}, 120_000);

afterEach(async () => {
  for (const each of undo.splice(0)) await each();
  for (const [n, name] of names.entries()) await world.serves(name, hostsOf(n), 30_000);
  await eventually(
    () => names.map((name) => degraded(name)?.reason),
    (reasons) => reasons.every((reason) => reason === 'AllHealthy'),
    { deadlineMs: 30_000 },
  );
}, 90_000);

afterAll(async () => {
  for (const { operator, network } of Object.values(replicas)) {
    await operator.kill();
    await network.close();
  }
  await Promise.all(servers.map((server) => server.close()));
  for (const recorder of [world.slices, world.backends, world.events]) recorder.stop();
  await plane.stop();
});

const degraded = (name: string) => conditionOf(world.backends.objects.get(name), 'Degraded');

const missing = (): readonly string[] =>
  names.flatMap((name, n) => {
    const ready = readyAddresses(world.slices.objects.values(), name);
    return hostsOf(n).filter((ip) => !ready.includes(ip));
  });

/** Name of the replica that leads. */
async function leader(): Promise<'first' | 'second' | undefined> {
  const { spec } = await world.admin.get('Lease', operatorNamespace, operatorNamespace);
  const [name] = (spec.holderIdentity ?? '').split('_');
  return name === 'first' || name === 'second' ? name : undefined;
}

async function roles() {
  const now = (await eventually(leader, (name) => name !== undefined)) ?? 'first';
  return { leading: replicas[now], other: replicas[now === 'first' ? 'second' : 'first'], now };
}

describe('of two replicas, each in a network of its own,', () => {
  it('each has a Lease of its own, and at rest renews it every 5 s and writes nothing else', async () => {
    const labelSelector = 'externalbackend.io/replica-of=external-backend-operator';
    const leases = await world.admin.list('Lease', operatorNamespace, { labelSelector });
    expect(leases.map(({ metadata }) => metadata.name).toSorted()).toEqual([
      'external-backend-operator-first',
      'external-backend-operator-second',
    ]);
    expect(leases.flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}))).toEqual([]);
  });

  it('the other leads within seconds when the leader is cut off from all targets, and no address leaves', async () => {
    const from = world.slices.history.length;
    const before = (await world.writes()).length;
    const { leading, now } = await roles();
    const at = performance.now();
    undo.push(await leading.network.cut(targets));
    await eventually(leader, (name) => name !== undefined && name !== now, { deadlineMs: 15_000 });
    console.info(`the other replica leads ${Math.round(performance.now() - at)} ms after the cut`);
    expect(performance.now() - at).toBeLessThan(5_000 + 2_050);
    await eventually(
      async () => (await (await roles()).leading.operator.metrics()).includes('external_backend_checks 30'),
      (is) => is,
    );
    expect(world.slices.history.slice(from)).toEqual([]);
    expect((await world.writes(before)).map(brief)).toEqual([]);
  }, 60_000);

  it('no address leaves when both are cut off: that is reported', async () => {
    const from = world.slices.history.length;
    for (const { network } of Object.values(replicas)) undo.push(await network.cut(targets));
    await world.backends.until(
      () => names.every((name) => degraded(name)?.reason === 'OperatorIsolated'),
      20_000,
      'all backends report the isolation',
    );
    expect(world.slices.history.slice(from)).toEqual([]);
  }, 60_000);

  it('a host that the leader alone does not reach remains and is reported, and leaves when the other loses it too', async () => {
    const from = world.slices.history.length;
    const { leading, other } = await roles();
    undo.push(await leading.network.cut([single]));
    await world.backends.until(
      () => degraded('db-3')?.reason === 'UnreachableFromHere',
      10_000,
      'the address is reported',
    );
    expect(degraded('db-3')?.message).toContain(`${single}:5432`);
    expect(world.slices.history.slice(from)).toEqual([]);
    undo.push(await other.network.cut([single]));
    await world.slices.until(() => missing().length > 0, 5_000);
    expect(missing()).toEqual([single]);
  }, 60_000);

  it('a black hole leaves within its period, twice its timeout and a second', async () => {
    const at = performance.now();
    undo.push(await dropPackets(single));
    await world.slices.until(() => missing().length > 0, 10_000);
    expect(missing()).toEqual([single]);
    const tookMs = Math.round(performance.now() - at);
    console.info(`a black hole left after ${tookMs} ms, with a second opinion`);
    expect(tookMs).toBeLessThan(1_050 + 2_000 + 1_000);
  }, 40_000);

  it('a black hole leaves in its time although the other replica has stopped without a word', async () => {
    const { other } = await roles();
    other.operator.signal('SIGSTOP');
    undo.push(async () => {
      other.operator.signal('SIGCONT');
      await Promise.resolve();
    });
    const at = performance.now();
    undo.push(await dropPackets(single));
    await world.slices.until(() => missing().length > 0, 10_000);
    expect(performance.now() - at).toBeLessThan(1_050 + 2_000 + 1_500);
  }, 40_000);
});
