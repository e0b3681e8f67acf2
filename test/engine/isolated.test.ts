import { beforeEach, describe, expect, it } from '@jest/globals';

import type { IsolationSettings } from '../../src/engine/isolation/isolation-monitor.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import { SilentNetwork } from '../support/fakes/silent-network.ts';

const ips = Array.from({ length: 30 }, (_, n) => `10.20.0.${n + 1}`);
/** Hosts of the n-th of ten backends. */
const hostsOf = (n: number): readonly string[] => ips.slice(3 * n, 3 * n + 3);
const names = Array.from({ length: 10 }, (_, n) => `db-${n}`);
const nameOf = (ip: string): string => `db-${Math.floor(ips.indexOf(ip) / 3)}`;

/** Returns a source of numbers that look random, and are the same in each run. */
function drawn(): () => number {
  let state = 1;
  return () => (state = (state * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
}

let network: SilentNetwork;
let world: EngineWorld;

const settings = (over: Partial<IsolationSettings> = {}): IsolationSettings => ({
  ...{ sharePercent: 50, minHosts: 3, canaries: [], probe: network.probe },
  ...over,
});

/** Starts a leader with backends of these hosts, whose addresses are all published. */
async function start(
  of: Readonly<Record<string, readonly string[]>>,
  { probe = {}, isolation = {} }: { probe?: object; isolation?: Partial<IsolationSettings> } = {},
): Promise<void> {
  world = new EngineWorld({
    ...{ clock: network.clock, probe: network.probe, isolation: settings(isolation), random: drawn() },
  });
  for (const [name, hosts] of Object.entries(of))
    world.store(
      {
        targets: hosts.map((host) => ({ host })),
        probe: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1, ...probe },
      },
      { name },
    );
  world.engine.onStartedLeading();
  await network.clock.advance(25_000);
  for (const [name, hosts] of Object.entries(of))
    expect(world.published(name)).toBe(hosts.map((ip) => `+${ip}`).join(' '));
}

const startMany = (more: Parameters<typeof start>[1] = {}) =>
  start(Object.fromEntries(names.map((name, n) => [name, hostsOf(n)])), more);

/** Returns the addresses that are not published as ready. */
function missing(): readonly string[] {
  const ready = new Set(names.flatMap((name) => world.published(name).split(' ')));
  return ips.filter((ip) => !ready.has(`+${ip}`));
}

/** Lets time pass, and returns each address that was not published as ready at some instant. */
async function everMissing(ms: number): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let passed = 0; passed < ms; passed += 100) {
    await network.clock.advance(100);
    for (const ip of missing()) found.add(ip);
  }
  return [...found];
}

/** Milliseconds until the address is not published as ready. */
async function leavesAfter(ip: string, name = nameOf(ip)): Promise<number> {
  for (let passed = 0; passed < 60_000; passed += 20) {
    if (world.published(name).includes(`-${ip}`)) return passed;
    await network.clock.advance(20);
  }
  throw new Error(`${ip} remains`);
}

const degraded = (name: string) => world.status(name).conditions?.find(({ type }) => type === 'Degraded');
const isolatedNames = () => names.filter((name) => degraded(name)?.reason === 'OperatorIsolated');
const kinds = () => world.cluster.writes.map(({ op }) => op);

beforeEach(() => {
  network = new SilentNetwork();
});

describe.each([
  ['at period 1 and threshold 1', {}],
  ['at the default period and threshold', { periodSeconds: 10, failureThreshold: 3 }],
])('an operator that is cut off from all hosts for a minute, %s', (_, probe) => {
  beforeEach(() => startMany({ probe }));

  it('removes no address, reports it on the backends, and writes nothing else', async () => {
    const before = kinds().length;
    for (const ip of ips) network.silent.add(ip);
    expect(await everMissing(60_000)).toEqual([]);
    expect(isolatedNames()).toEqual(names);
    expect(world.engine.isIsolated).toBe(true);
    expect(world.events.filter(({ reason }) => reason === 'OperatorIsolated')).toHaveLength(10);
    network.silent.clear();
    expect(await everMissing(60_000)).toEqual([]);
    expect([world.engine.isIsolated, isolatedNames()]).toEqual([false, []]);
    expect(names.map((name) => degraded(name)?.reason)).toEqual(names.map(() => 'AllHealthy'));
    expect(kinds().slice(before)).toEqual(Array.from({ length: 20 }, () => 'status'));
    expect(world.events.filter(({ type }) => type === 'Warning')).toHaveLength(10);
  });

  it('removes a server that refuses meanwhile', async () => {
    for (const ip of ips) network.silent.add(ip);
    await network.clock.advance(40_000);
    const [ip = ''] = ips;
    network.silent.delete(ip);
    network.refusing.add(ip);
    await leavesAfter(ip);
    expect(await everMissing(10_000)).toEqual([ip]);
  });

  it('removes what is still silent when the others answer again, after all verdicts of the threshold', async () => {
    for (const ip of ips) network.silent.add(ip);
    await network.clock.advance(60_000);
    const dead = hostsOf(0);
    for (const ip of ips) if (!dead.includes(ip)) network.silent.delete(ip);
    const threshold = 'failureThreshold' in probe ? probe.failureThreshold : 1;
    while (world.engine.isIsolated) await network.clock.advance(20);
    const first = await leavesAfter(dead[0] ?? '');
    const periodMs = 'periodSeconds' in probe ? 1_000 * probe.periodSeconds : 1_000;
    expect(first).toBeGreaterThan((threshold - 1) * periodMs * 0.9);
    await network.clock.advance(15_000);
    expect(missing()).toEqual(dead);
  });

  it('removes nothing after a restart in the meantime, because it knows the addresses from the slices', async () => {
    for (const ip of ips) network.silent.add(ip);
    await network.clock.advance(40_000);
    await world.stop();
    world = world.successor({ probe: network.probe, isolation: settings() });
    world.engine.onStartedLeading();
    expect(await everMissing(60_000)).toEqual([]);
    expect(isolatedNames()).toEqual(names);
  });
});

describe('a host that is silent while most others answer', () => {
  it('leaves within its period, timeout and a second', async () => {
    await startMany();
    const [ip = ''] = ips;
    network.silent.add(ip);
    expect(await leavesAfter(ip)).toBeLessThanOrEqual(1_050 + 1_000 + 1_000);
    expect(await everMissing(10_000)).toEqual([ip]);
    expect(world.engine.isIsolated).toBe(false);
  });

  it('leaves in its time where the others are probed once a minute, because they are asked at once', async () => {
    const slow = { periodSeconds: 60, failureThreshold: 1 };
    await startMany({ probe: slow });
    world.store(
      {
        targets: [{ host: '10.20.1.1' }],
        probe: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 },
      },
      { name: 'fast' },
    );
    await network.clock.advance(5_000);
    network.silent.add('10.20.1.1');
    expect(await leavesAfter('10.20.1.1', 'fast')).toBeLessThanOrEqual(3_050);
  });

  it('leaves together with the ten hosts of its zone', async () => {
    await startMany();
    const zone = ips.filter((_, n) => n % 3 === 0);
    for (const ip of zone) network.silent.add(ip);
    await network.clock.advance(3_500);
    expect(missing()).toEqual(zone);
    expect(world.engine.isIsolated).toBe(false);
  });

  it('costs no probe of the others that are probed often enough', async () => {
    await startMany();
    const before = network.probes;
    await network.clock.advance(10_000);
    const usual = network.probes - before;
    network.silent.add(ips[0] ?? '');
    await network.clock.advance(10_000);
    expect(network.probes - before - usual).toBeLessThanOrEqual(usual + 5);
  });
});

it('hosts that are probed often do not leave before those that are probed seldom are seen to be silent', async () => {
  await start({
    ...Object.fromEntries(names.slice(0, 3).map((name, n) => [name, hostsOf(n)])),
  });
  for (const [n, name] of names.entries())
    if (n >= 3)
      world.store(
        { targets: hostsOf(n).map((host) => ({ host })), probe: { periodSeconds: 60, failureThreshold: 1 } },
        { name },
      );
  await network.clock.advance(130_000);
  expect(missing()).toEqual([]);
  for (const ip of ips) network.silent.add(ip);
  expect(await everMissing(60_000)).toEqual([]);
  expect(world.engine.isIsolated).toBe(true);
});

it('of 3,000 hosts, none leaves during a cut, and 300 that die leave in their time', async () => {
  const many = Array.from({ length: 1_000 }, (_, n) => [
    `big-${n}`,
    [0, 1, 2].map((k) => `10.${30 + k}.${n >> 8}.${n & 255}`),
  ]);
  const of = Object.fromEntries(many) as Readonly<Record<string, readonly string[]>>;
  await start(of);
  const ready = () =>
    Object.keys(of).reduce((sum, name) => sum + (world.published(name).match(/\+/g)?.length ?? 0), 0);
  const all = Object.values(of).flat();
  for (const ip of all) network.silent.add(ip);
  await network.clock.advance(5_000);
  expect([ready(), world.engine.isIsolated]).toEqual([3_000, true]);
  network.silent.clear();
  await network.clock.advance(10_000);
  expect([ready(), world.engine.isIsolated]).toEqual([3_000, false]);
  for (const ip of all.slice(0, 300)) network.silent.add(ip);
  await network.clock.advance(4_000);
  expect([ready(), world.engine.isIsolated]).toEqual([2_700, false]);
}, 120_000);

describe('an install of four backends with two hosts', () => {
  const [A, B] = ['10.20.0.1', '10.20.0.2'];
  const of = Object.fromEntries(names.slice(0, 4).map((name) => [name, [A, B]]));
  const canaries = [{ ip: '10.20.9.9', port: 53 }];

  it('removes both when they are silent: two are fewer than --isolation-min-hosts', async () => {
    await start(of);
    network.silent.add(A).add(B);
    await network.clock.advance(3_000);
    expect(world.published('db-0')).toBe(`-${A} -${B}`);
  });

  it('removes none when the canary is silent too', async () => {
    await start(of, { isolation: { canaries } });
    network.silent.add(A).add(B).add('10.20.9.9');
    await network.clock.advance(60_000);
    expect([world.published('db-0'), world.engine.isIsolated]).toEqual([`+${A} +${B}`, true]);
    network.silent.clear();
    await network.clock.advance(5_000);
    expect(world.engine.isIsolated).toBe(false);
  });

  it('removes both when the canary answers', async () => {
    await start(of, { isolation: { canaries } });
    network.silent.add(A).add(B);
    await network.clock.advance(4_000);
    expect(world.published('db-0')).toBe(`-${A} -${B}`);
  });

  it('ends when the canary and a host answer again, and then removes the other', async () => {
    await start(of, { isolation: { canaries } });
    network.silent.add(A).add(B).add('10.20.9.9');
    await network.clock.advance(10_000);
    network.silent.delete('10.20.9.9');
    network.silent.delete(A);
    await network.clock.advance(6_000);
    expect([world.published('db-0'), world.engine.isIsolated]).toEqual([`+${A} -${B}`, false]);
  });
});

it('an isolation ends with the term', async () => {
  await startMany();
  for (const ip of ips) network.silent.add(ip);
  await network.clock.advance(10_000);
  expect(world.engine.isIsolated).toBe(true);
  world.engine.onStoppedLeading();
  expect(world.engine.isIsolated).toBe(false);
});

it('with --isolation-share=0 the silence of all hosts removes all', async () => {
  await startMany({ isolation: { sharePercent: 0 } });
  for (const ip of ips) network.silent.add(ip);
  await network.clock.advance(4_000);
  expect(missing()).toEqual(ips);
});
