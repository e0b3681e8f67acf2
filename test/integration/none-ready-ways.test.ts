import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { hosts, probed } from '../support/builders/backends.ts';
import { named } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer, Names } from '../support/servers/name-servers.ts';
import { startRedis } from '../support/servers/redis.ts';
import type { Redis } from '../support/servers/redis.ts';

const [a, b, nobody] = ['10.20.184.1', '10.20.184.2', '10.20.184.9'] as const;
const [r1, r2] = ['10.20.184.11', '10.20.184.12'] as const;
const pair = [a, b];
const metadataService = '169.254.169.254';

/** How the last address that was ready, `b`, leaves while no address is ready. */
interface Way {
  readonly way: string;
  readonly spec: (name: string) => Spec;
  /** Spec afterwards. */
  readonly edited?: (name: string) => Spec;
  /** Answer for the name of `b` afterwards. */
  readonly answer?: string;
  /** Ready addresses with KeepLast, All and Empty afterwards. */
  readonly kept: readonly string[];
  readonly open: readonly string[];
  readonly empty?: readonly string[];
}

const services = (name: string, keep = 'KeepLast', all = 'All', empty = 'Empty') => ({
  services: [
    { name: `${name}-keep`, whenNoneReady: keep },
    { name: `${name}-all`, whenNoneReady: all },
    { name: `${name}-empty`, whenNoneReady: empty },
  ],
});
const literal = (name: string): Spec => probed(pair, services(name));
const nameOf = (name: string, host: 'a' | 'b'): string => `${host}.${name}.outside.test`;
const byName = (name: string): Spec => named([nameOf(name, 'a'), nameOf(name, 'b')], services(name));

const ways: readonly Way[] = [
  {
    way: 'spec',
    spec: literal,
    edited: (name) => probed([a], services(name)),
    ...{ kept: [], open: [a] },
  },
  {
    way: 'drain',
    spec: literal,
    edited: (name) => probed([], { ...services(name), targets: [{ host: a }, { host: b, drain: true }] }),
    ...{ kept: [], open: [a] },
  },
  { way: 'dns', spec: byName, answer: nobody, kept: [], open: [a, nobody] },
  { way: 'policy', spec: byName, answer: metadataService, kept: [], open: [a] },
  {
    way: 'change',
    spec: literal,
    edited: (name) => probed(pair, services(name, 'Empty', 'KeepLast', 'All')),
    ...{ kept: [], open: pair, empty: pair },
  },
];
const whens = ['alive', 'dead'] as const;
const rows = (when: string) => ways.map((row) => ({ ...row, name: `${row.way}-${when}` }));
const all = whens.flatMap(rows);

let world: World;
let dns: NameServer;
let targets: readonly Target[];
let zone: Names = Object.fromEntries(
  all
    .filter(({ answer }) => answer !== undefined)
    .flatMap(({ name }) => [
      [nameOf(name, 'a'), [`A ${a}`]],
      [nameOf(name, 'b'), [`A ${b}`]],
    ]),
);

beforeAll(async () => {
  await addAddress(...pair, nobody);
  dns = await startCoreDns({ address: '10.20.184.53', port: 53, names: zone });
  targets = await Promise.all(pair.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(controlPlane(), { prefix: 'ways', args: [`--dns-servers=${dns.endpoint}`] });
  await Promise.all(all.map(({ name, spec }) => world.apply(name, spec(name))));
  await serve(all, pair, pair, pair);
}, 60_000);

afterAll(async () => {
  await world.close();
  await dns.remove();
  await Promise.all(targets.map((target) => target.close()));
});

type Named = Way & { readonly name: string };

/** Waits until the Services of these backends publish these addresses. */
async function serve(
  of: readonly Named[],
  kept: readonly string[] | undefined,
  open: readonly string[] | undefined,
  empty: readonly string[] | undefined,
): Promise<void> {
  for (const row of of) {
    await world.serves(`${row.name}-keep`, kept ?? row.kept, 20_000);
    await world.serves(`${row.name}-all`, open ?? row.open, 20_000);
    await world.serves(`${row.name}-empty`, empty ?? row.empty ?? [], 20_000);
  }
}

async function take(of: readonly Named[]): Promise<void> {
  for (const { name, answer } of of)
    if (answer !== undefined) zone = { ...zone, [nameOf(name, 'b')]: [`A ${answer}`] };
  await dns.set(zone);
  for (const { name, edited } of of) if (edited !== undefined) await world.apply(name, edited(name));
}

const historyFrom = (service: string, from: number): readonly string[] => [
  ...new Set(
    readyHistory(world.slices.history, service)
      .slice(from)
      .map(({ ready }) => ready.join()),
  ),
];

describe('the last address that was ready, while no address is ready,', () => {
  it('is published with KeepLast, all are with All, and none with Empty, over SIGKILL of the operator', async () => {
    await targets[0]?.refuse();
    await serve(all, [b], [b], [b]);
    await targets[1]?.refuse();
    await serve(all, [b], pair, []);
    const from = world.slices.history.length;
    await world.operator().kill();
    await world.start();
    await serve(all, [b], pair, []);
    expect(
      all.flatMap(({ name }) => historyFrom(`${name}-keep`, from)).filter((ready) => ready !== b),
    ).toEqual([]);
  }, 60_000);

  it('leaves by spec, drain, DNS, policy and another whenNoneReady, and the first ready address follows', async () => {
    await take(rows('alive'));
    await serve(rows('alive'), undefined, undefined, undefined);
    await serve(rows('dead'), [b], pair, []);
  }, 60_000);

  it('leaves in the same ways while the operator is killed', async () => {
    await world.operator().kill();
    await take(rows('dead'));
    await world.start();
    await serve(all, undefined, undefined, undefined);
  }, 60_000);

  it('is followed by the first address that is ready again, alone', async () => {
    await targets[0]?.listen();
    await serve(all, [a], [a], [a]);
  }, 60_000);
});

describe('Services with a role', () => {
  const spec = {
    targets: hosts(r1, r2),
    ports: [{ port: 6379 }],
    probe: { redis: {}, periodSeconds: 1, failureThreshold: 1 },
    services: [
      { name: 'rw', role: 'Primary', whenNoneReady: 'KeepLast' },
      { name: 'ro', role: 'Replica', whenNoneReady: 'All' },
    ],
  };
  let redis: readonly Redis[];

  beforeAll(async () => {
    await addAddress(r1, r2);
    const settings = { 'protected-mode': 'no' };
    redis = await Promise.all([r1, r2].map((address) => startRedis({ address, port: 6379, settings })));
    await redis[1]?.command('REPLICAOF', r1, '6379');
    await world.publish('roles', spec);
    await world.serves('rw', [r1]);
    await world.serves('ro', [r2]);
  }, 60_000);

  afterAll(() => Promise.all(redis.map((each) => each.remove())));

  it('keep a failed primary over SIGKILL, and lose it when it reports another role', async () => {
    const from = world.slices.history.length;
    await redis[0]?.kill();
    await eventually(
      async () =>
        (await world.admin.get('ExternalBackend', 'roles', world.ns)).status?.services?.find(
          ({ name }) => name === 'rw',
        ),
      (service) => (service as { fallback?: string } | undefined)?.fallback === 'KeepLast',
    );
    await world.operator().kill();
    await world.start();
    await world.serves('rw', [r1]);
    redis[0]?.restart({ replicaof: `${r2} 6379` });
    await world.serves('rw', [], 20_000);
    await redis[1]?.command('REPLICAOF', 'NO', 'ONE');
    await world.serves('rw', [r2], 20_000);
    await world.serves('ro', [r1], 20_000);
    expect(historyFrom('rw', from)).toEqual(
      [r1, '', r2].filter((each) => historyFrom('rw', from).includes(each)),
    );
  }, 60_000);
});
