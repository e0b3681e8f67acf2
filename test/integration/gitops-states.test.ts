import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';

import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { addAddress } from '../controlplane/network.ts';
import { openNetwork } from '../controlplane/own-network.ts';
import type { OwnNetwork } from '../controlplane/own-network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { hosts, probed } from '../support/builders/backends.ts';
import { backendInState, gitOpsStateNames, stateFile } from '../support/builders/gitops-states.ts';
import type { GitOpsState } from '../support/builders/gitops-states.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

// Makes each state of the table on a real API server, and compares its status with the resource that the tests of the
// tools read. STATES=write replaces those that differ.

const ip = (n: number) => `10.20.68.${n}`;
const far = (n: number) => `10.24.0.${n}`;
const [up, alsoUp, falls, down, alsoDown, mute] = [ip(11), ip(12), ip(13), ip(21), ip(22), ip(31)];
const served = [up, alsoUp, falls, far(1), far(2), far(3), far(4)];

let network: OwnNetwork;
/** Its operator is killed in the end, and sees neither `new` nor the edit of `edited`. */
let ended: World;
let world: World;
/** Its operator has a network of its own, which is cut. */
let cutOff: World;
let servers: readonly Target[];
const printed = new Map<GitOpsState, string>();

/** Waits until the backend has a condition with this reason. */
const has = (at: World, state: GitOpsState, type: string, reason: string) =>
  at.backends.until(
    (now) => conditionOf(now.get(state), type)?.reason === reason,
    20_000,
    `${state}: ${type} ${reason}`,
  );

/** Keeps the resource as `kubectl get -o yaml` prints it. */
async function keep(at: World, state: GitOpsState): Promise<void> {
  const text = await kubectl(at.plane, [
    'get',
    'xb',
    state,
    '-n',
    at.ns,
    '-o',
    'yaml',
    '--show-managed-fields=false',
  ]);
  printed.set(state, text.replaceAll(at.ns, 'shop'));
}

async function settle(state: GitOpsState, spec: Spec, type: string, reason: string): Promise<void> {
  await world.apply(state, spec);
  await has(world, state, type, reason);
  await keep(world, state);
}

const foreignService = (name: string) =>
  world.admin.create({
    kind: 'Service',
    metadata: { name, namespace: world.ns },
    spec: { ports: [{ port: 5432 }] },
  });

async function makeUnseen(): Promise<void> {
  await ended.apply('edited', probed([up]));
  await has(ended, 'edited', 'Available', 'AddressesReady');
  await ended.operator().kill();
  await ended.apply('edited', probed([up, alsoUp]));
  await ended.apply('new', probed([up]));
  await keep(ended, 'edited');
  await keep(ended, 'new');
}

async function makeNoneReadyKept(): Promise<void> {
  const server = servers.find(({ address }) => address === falls);
  await world.apply(
    'none-ready-kept',
    probed([falls], { services: [{ name: 'none-ready-kept', whenNoneReady: 'KeepLast' }] }),
  );
  await has(world, 'none-ready-kept', 'Available', 'AddressesReady');
  await server?.refuse();
  await has(world, 'none-ready-kept', 'Available', 'NoneReadyKept');
  await keep(world, 'none-ready-kept');
}

async function makeConflict(): Promise<void> {
  await foreignService('conflict');
  await settle('conflict', probed([up]), 'Stalled', 'Conflict');
}

async function makeAdopting(): Promise<void> {
  await foreignService('adopting');
  const services = [{ name: 'adopting', adopt: true }];
  await settle('adopting', probed([down], { services }), 'Available', 'NotPublished');
}

/** The Service of another client causes no conflict, and the database is down: neither matters to a tool. */
async function makeObserving(): Promise<void> {
  await foreignService('observing');
  await settle('observing', probed([down], { observe: true }), 'Degraded', 'AddressesUnhealthy');
}

async function makeSuspended(): Promise<void> {
  await world.apply('suspended', probed([up]));
  await has(world, 'suspended', 'Available', 'AddressesReady');
  await settle('suspended', probed([up], { suspend: true }), 'Ready', 'Suspended');
}

async function makeDeleting(): Promise<void> {
  await world.apply('deleting', probed([up]));
  await has(world, 'deleting', 'Available', 'AddressesReady');
  await hold(['example.com/hold']);
  await world.admin.delete('ExternalBackend', 'deleting', world.ns);
  await keep(world, 'deleting');
}

const hold = (finalizers: readonly string[] | null) =>
  world.admin.patch('ExternalBackend', 'deleting', world.ns, { metadata: { finalizers } });

async function makeMaintenance(): Promise<void> {
  await world.apply('maintenance', probed([up, alsoUp]));
  await has(world, 'maintenance', 'Available', 'AddressesReady');
  await world.serves('maintenance', [up, alsoUp]);
  const annotations = { 'externalbackend.io/maintenance': `Drain ${alsoUp} until 2099-12-31T00:00:00Z` };
  await world.admin.patch('ExternalBackend', 'maintenance', world.ns, { metadata: { annotations } });
  await world.backends.until((now) => now.get('maintenance')?.status?.summary === '1/2');
  await keep(world, 'maintenance');
}

async function makeIsolated(): Promise<void> {
  await cutOff.apply('isolated', probed([far(1), far(2)]));
  await cutOff.apply('other', probed([far(3), far(4)]));
  await cutOff.serves('isolated', [far(1), far(2)]);
  await cutOff.serves('other', [far(3), far(4)]);
  await network.cut(['10.24.0.0/24']);
  await has(cutOff, 'isolated', 'Degraded', 'OperatorIsolated');
  await keep(cutOff, 'isolated');
}

beforeAll(async () => {
  await addAddress(down, alsoDown);
  servers = await Promise.all([
    ...served.map((address) => startTarget({ address, port: 5432 })),
    startTarget({ address: mute, port: 5432, behaviour: 'mute' }),
  ]);
  network = await openNetwork(2);
  const plane = controlPlane();
  [world, ended, cutOff] = await Promise.all([
    openWorld(plane, { prefix: 'gitops-states' }),
    openWorld(plane, { prefix: 'gitops-states-ended' }),
    openWorld(plane, { prefix: 'gitops-states-cut', network }),
  ]);
  const waits = { probe: { httpGet: { path: '/' }, periodSeconds: 300, timeoutSeconds: 60 } };
  await Promise.all([
    makeUnseen(),
    settle('progressing', probed([mute], waits), 'Reconciling', 'NotProbedYet'),
    settle('healthy', probed([up, alsoUp]), 'Available', 'AddressesReady'),
    settle('one-down', probed([up, down]), 'Degraded', 'AddressesUnhealthy'),
    settle('all-down', probed([down, alsoDown]), 'Available', 'NoReadyAddress'),
    makeNoneReadyKept(),
    makeConflict(),
    settle('invalid', aliasWithoutPort, 'Stalled', 'Invalid'),
    makeSuspended(),
    makeDeleting(),
    makeAdopting(),
    makeMaintenance(),
    makeObserving(),
    makeIsolated(),
  ]);
}, 90_000);

/** The rules of the API server take null for absent: they miss that this alias has no port to probe. */
const aliasWithoutPort = { mode: 'ExternalName', targets: hosts('db.example.com'), probe: null };

afterAll(async () => {
  await hold(null);
  await Promise.all([world, ended, cutOff].map((each) => each.close()));
  await network.close();
  await Promise.all(servers.map((server) => server.close()));
});

/** Returns the status without times, and without the number of hosts that decided an isolation. */
const timeless = (resource: { readonly status?: unknown }): unknown =>
  JSON.parse(
    JSON.stringify(resource.status)
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/\d+ of \d+ hosts/g, 'N of N hosts'),
  );

it.each(gitOpsStateNames)('The status of a backend in state %s is that of its test data', (state) => {
  const text = printed.get(state) ?? '';
  const now = timeless(parse(text) as { readonly status?: unknown });
  const isWritten = existsSync(stateFile(state)) && isDeepStrictEqual(now, timeless(backendInState(state)));
  if (process.env['STATES'] === 'write' && !isWritten) writeFileSync(stateFile(state), text);
  expect(now).toEqual(timeless(backendInState(state)));
});
