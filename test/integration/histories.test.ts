import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { api } from '../controlplane/api.ts';
import { controlPlane } from '../controlplane/details.ts';
import { readyAddresses } from '../controlplane/endpoints.ts';
import { addAddress, dropPackets } from '../controlplane/network.ts';
import { applyRbac, startOperator } from '../controlplane/operator.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { hosts } from '../support/builders/backends.ts';
import { openCutHistory, wrongIn } from '../support/cluster/cut-history.ts';
import type { CutHistory, Ending, Place, Rules } from '../support/cluster/cut-history.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer } from '../support/servers/name-servers.ts';
import { startRedis } from '../support/servers/redis.ts';
import type { Redis } from '../support/servers/redis.ts';
import { conditionOf } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { Spec } from '../support/cluster/world.ts';

const plane = controlPlane();
const admin = api(plane);
const [a, b, c, d] = ['10.20.91.1', '10.20.91.2', '10.20.91.3', '10.20.91.4'] as const;
const all = [a, b, c, d];
const probe = { periodSeconds: 1, failureThreshold: 2 };
/** HISTORIES_LIVE=all: every kind of cut at every write. Else every write is cut, in turns by one of the kinds. */
const isWhole = process.env['HISTORIES_LIVE'] === 'all';
const apart = 8;

let targets: readonly Target[];
let redis: readonly Redis[];
let names: NameServer;

beforeAll(async () => {
  await applyRbac(plane);
  await addAddress(...all);
  targets = await Promise.all([a, b].map((address) => startTarget({ address, port: 5432 })));
  const settings = { 'protected-mode': 'no' };
  redis = await Promise.all([c, d].map((address) => startRedis({ address, port: 6379, settings })));
  const zone = { 'first.outside.test': [`A ${a}`], 'second.outside.test': [`A ${b}`] };
  names = await startCoreDns({ address: '10.20.91.53', port: 53, names: zone });
}, 60_000);

afterAll(async () => {
  await Promise.all([...targets.map((each) => each.close()), ...redis.map((each) => each.remove())]);
  await names.remove();
});

interface Scenario {
  readonly what: string;
  /** Writes of an operator that is not cut; fewer where it merges statuses. */
  readonly writes: number;
  /** What is there before; a backend, or what a user wrote by hand. */
  readonly prepare: (ns: string) => Promise<unknown>;
  readonly isPrepared: (history: CutHistory) => boolean;
  /** Brings the servers to where every history begins. */
  readonly begin: () => Promise<unknown>;
  readonly act: (histories: readonly CutHistory[]) => Promise<unknown>;
  readonly isOver: (history: CutHistory) => boolean;
  readonly rules: readonly Rules[];
}

const apply = (ns: string, spec: Spec) =>
  admin.apply({ kind: 'ExternalBackend', metadata: { name: 'db', namespace: ns }, spec });
const serves = ({ slices }: CutHistory, service: string, ...ips: readonly string[]): boolean =>
  readyAddresses(slices.objects.values(), service).join() === ips.join();
const aliasOf = ({ services }: CutHistory): unknown => services.objects.get('db')?.spec.externalName;
const spec: Spec = { targets: hosts(a, b), ports: [{ port: 5432 }], probe };
const service = { ports: [{ port: 5432, protocol: 'TCP' }] };

const scenarios: readonly Scenario[] = [
  {
    what: 'an address dies',
    writes: 3,
    prepare: (ns) => apply(ns, spec),
    isPrepared: (history) => serves(history, 'db', a, b),
    begin: () => Promise.all(targets.map((each) => each.listen())),
    act: async () => targets[0]?.refuse(),
    isOver: (history) => serves(history, 'db', b),
    rules: [{ service: 'db', always: [b], leave: [a] }],
  },
  {
    what: 'primary and replica swap',
    writes: 8,
    prepare: (ns) =>
      apply(ns, {
        ...{ targets: hosts(c, d), ports: [{ port: 6379 }], probe: { redis: {}, ...probe } },
        services: [
          { name: 'rw', role: 'Primary' },
          { name: 'ro', role: 'Replica' },
        ],
      }),
    isPrepared: (history) => serves(history, 'rw', c) && serves(history, 'ro', d),
    begin: async () => {
      await redis[0]?.command('REPLICAOF', 'NO', 'ONE');
      await redis[1]?.command('REPLICAOF', c, '6379');
    },
    act: async () => {
      await redis[0]?.command('REPLICAOF', d, '6379');
      await redis[1]?.command('REPLICAOF', 'NO', 'ONE');
    },
    isOver: (history) => serves(history, 'rw', d) && serves(history, 'ro', c),
    rules: [
      { service: 'rw', always: [], leave: [c], exclusive: true },
      { service: 'ro', always: [], leave: [d] },
    ],
  },
  {
    what: 'the host of an alias dies',
    writes: 2,
    prepare: (ns) =>
      apply(ns, {
        ...spec,
        mode: 'ExternalName',
        targets: hosts('first.outside.test', 'second.outside.test'),
      }),
    isPrepared: (history) => aliasOf(history) === 'first.outside.test',
    begin: () => Promise.all(targets.map((each) => each.listen())),
    act: async () => targets[0]?.refuse(),
    isOver: (history) => aliasOf(history) === 'second.outside.test',
    rules: [],
  },
  {
    what: 'a Service is adopted',
    writes: 6,
    prepare: async (ns) => {
      const metadata = { name: 'db', namespace: ns };
      await admin.create({ kind: 'Service', metadata, spec: service });
      const subsets = [{ addresses: [{ ip: a }, { ip: b }], ports: service.ports }];
      await admin.create({ kind: 'Endpoints', metadata, subsets });
    },
    isPrepared: (history) => serves(history, 'db', a, b),
    begin: () => Promise.all(targets.map((each) => each.listen())),
    act: (histories) =>
      Promise.all(histories.map(({ ns }) => apply(ns, { ...spec, services: [{ name: 'db', adopt: true }] }))),
    isOver: () => true,
    rules: [{ service: 'db', always: [a, b], leave: [] }],
  },
];

const kinds: readonly Ending[] = ['SIGKILL', 'SIGTERM', 'lapse'];

/** Cuts at each write; the lapses apart from the others, for in them all targets are out of reach. */
const placesOf = (writes: number, lapses: boolean): readonly Place[] =>
  Array.from({ length: writes }, (_, i) =>
    kinds
      .filter((by, k) => (isWhole || writes < 4 || k === i % kinds.length) && (by === 'lapse') === lapses)
      .map((by) => ({ write: i + 1, by })),
  ).flat();

const seconds = isWhole ? [5, 20, 60] : [5];
const table = scenarios.flatMap((scenario) => [
  { ...scenario, how: 'by the end of the process', lapseSeconds: 0 },
  ...seconds.map((lapseSeconds) => ({ ...scenario, how: `by a lapse of ${lapseSeconds} s`, lapseSeconds })),
]);

const dns = ['--dns-servers=10.20.91.53'];

async function isReady(ns: string): Promise<boolean> {
  const backend = await admin.find('ExternalBackend', 'db', ns);
  const ready = conditionOf(backend, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === backend?.metadata.generation;
}

async function prepared(scenario: Scenario, histories: readonly CutHistory[]): Promise<void> {
  await scenario.begin();
  await Promise.all(histories.map(({ ns }) => scenario.prepare(ns)));
  const namespaces = histories.map(({ ns }) => ns).join();
  const operator = await startOperator(plane, { namespace: namespaces, args: dns });
  await eventually(() => histories.every(scenario.isPrepared), Boolean, { deadlineMs: 20_000 });
  if (await admin.find('ExternalBackend', 'db', histories[0]?.ns ?? ''))
    for (const { ns } of histories) await eventually(() => isReady(ns), Boolean, { deadlineMs: 20_000 });
  await operator.stop();
}

/** No API server and no target, for as long; then both again. */
async function lapse(histories: readonly CutHistory[], lapseSeconds: number): Promise<void> {
  const undo = await dropPackets(all);
  await sleep(lapseSeconds * 1_000 + 2_000); // The cut itself, and how long the lease is trusted in it.
  await undo();
  for (const history of histories) history.restore();
}

/** Returns what is wrong in histories that are cut at the places; one that ends before its place is cut at its last write. */
async function wrongAt(
  scenario: Scenario,
  lapseSeconds: number,
  places: readonly Place[],
): Promise<readonly object[]> {
  const { wrong, shorter } = await course(scenario, lapseSeconds, places);
  return wrong.length > 0 || shorter.length === 0 ? wrong : wrongAt(scenario, lapseSeconds, shorter);
}

interface Course {
  readonly wrong: readonly object[];
  /** Last writes of the histories that end before the write at which they are to be cut. */
  readonly shorter: readonly Place[];
}

async function course(scenario: Scenario, lapseSeconds: number, places: readonly Place[]): Promise<Course> {
  const histories = await Promise.all(places.map((place) => openCutHistory(plane, place)));
  try {
    await prepared(scenario, histories);
    for (const history of histories) await history.start(dns);
    await scenario.act(histories);
    const isCut = (history: CutHistory) => history.isCut();
    await eventually(() => histories.every(isCut), Boolean, { deadlineMs: 20_000 }).catch(() => undefined);
    const [cut, uncut] = [histories.filter(isCut), histories.filter((history) => !isCut(history))];
    const ends = await Promise.all(uncut.map((history) => endOf(scenario, history)));
    if (cut.length > 0) await resume(scenario, lapseSeconds, cut);
    const wrong = cut.map((history) => ({
      ...{ write: history.write, by: history.by },
      wrong: [...scenario.rules.flatMap((rules) => wrongIn(history, rules)), ...wrongAlias(history)],
    }));
    const never = uncut.filter((_, i) => ends[i] === undefined).map(({ write, by }) => `${by} at ${write}`);
    return {
      wrong: [...wrong.filter((each) => each.wrong.length > 0), ...never.map((each) => ({ uncut: each }))],
      shorter: ends.filter((end) => end !== undefined),
    };
  } finally {
    await Promise.all(histories.map((history) => history.close()));
  }
}

/** The last write of a history that is over before its cut; undefined: it is not over, or its cut was missed. */
async function endOf(scenario: Scenario, history: CutHistory): Promise<Place | undefined> {
  const [write, { by }] = [history.writes(), history];
  const isOver = scenario.isOver(history) && (await isReady(history.ns));
  return isOver && write > 0 && write < history.write ? { write, by } : undefined;
}

/** Lets the replicas, or the next process, bring histories that were cut to their end. */
async function resume(scenario: Scenario, lapseSeconds: number, cut: readonly CutHistory[]): Promise<void> {
  if (lapseSeconds > 0) await lapse(cut, lapseSeconds);
  const namespaces = cut.map(({ ns }) => ns).join();
  const next =
    lapseSeconds > 0 ? undefined : await startOperator(plane, { namespace: namespaces, args: dns });
  await eventually(() => cut.every(scenario.isOver), Boolean, { deadlineMs: 30_000 });
  for (const { ns } of cut) await eventually(() => isReady(ns), Boolean, { deadlineMs: 20_000 });
  await next?.kill();
}

/** An alias that has moved does not move again. */
function wrongAlias({ services }: CutHistory): readonly string[] {
  const hosts = services.of('db').flatMap(({ object }) => object.spec.externalName ?? []);
  const moves = hosts.filter((host, i) => i > 0 && host !== hosts[i - 1]);
  return moves.length > 1 ? [`the alias moved to ${moves.join(', then to ')}`] : [];
}

describe.each(table)('a history in which $what', (scenario) => {
  it(`passes through no wrong state where it is cut at each write ${scenario.how}`, async () => {
    const places = placesOf(scenario.writes, scenario.lapseSeconds > 0);
    for (let from = 0; from < places.length; from += apart)
      expect(await wrongAt(scenario, scenario.lapseSeconds, places.slice(from, from + apart))).toEqual([]);
  }, 300_000);
});
