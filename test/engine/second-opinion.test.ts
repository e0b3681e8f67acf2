import { beforeEach, describe, expect, it } from '@jest/globals';

import type { AskedCheck } from '../../src/core/isolation/second-opinion.ts';
import { SecondOpinions } from '../../src/engine/isolation/second-opinions.ts';
import type { OpinionResult, Witnesses } from '../../src/engine/ports.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import { aCheck } from '../support/fakes/scripted-probe.ts';
import { SilentNetwork } from '../support/fakes/silent-network.ts';

/** Another replica, which sees another network. */
class Witness implements Witnesses {
  readonly network: SilentNetwork;
  readonly silent = new Set<string>();
  count = 1;
  isAway = false;
  /** Hosts that refuse this replica. */
  readonly refusing = new Set<string>();
  /** IPs of each question. */
  readonly questions: string[][] = [];

  constructor(network: SilentNetwork) {
    this.network = network;
  }

  async consult(checks: readonly AskedCheck[], withinMs: number): Promise<readonly OpinionResult[]> {
    this.questions.push(checks.map(({ ip }) => ip));
    const waits = this.isAway || checks.some(({ ip }) => this.silent.has(ip));
    await new Promise<void>((done) => this.network.clock.after(waits ? withinMs : 5, done));
    return checks.map(({ ip, backend }) =>
      this.isAway || backend === ''
        ? undefined
        : this.refusing.has(ip)
          ? 'failed'
          : this.silent.has(ip)
            ? 'unreached'
            : 'reached',
    );
  }
}

const ips = Array.from({ length: 12 }, (_, n) => `10.20.0.${n + 1}`);
const names = ['db-0', 'db-1', 'db-2', 'db-3'];
const hostsOf = (n: number) => ips.slice(3 * n, 3 * n + 3);
const [A = '', B = ''] = ips;

let network: SilentNetwork;
let witness: Witness;
let world: EngineWorld;
let outseen: number;

beforeEach(async () => {
  network = new SilentNetwork();
  witness = new Witness(network);
  outseen = 0;
  world = new EngineWorld({
    ...{ clock: network.clock, probe: network.probe, witnesses: witness },
    isolation: { sharePercent: 50, minHosts: 3, canaries: [], probe: network.probe },
    onOutseen: () => (outseen += 1),
  });
  for (const [n, name] of names.entries())
    world.store(
      {
        targets: hostsOf(n).map((host) => ({ host })),
        probe: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 },
      },
      { name },
    );
  world.engine.onStartedLeading();
  await network.clock.advance(5_000);
});

const isPublished = (ip: string, name = 'db-0') => world.published(name).includes(`+${ip}`);
const degraded = (name = 'db-0') => world.status(name).conditions?.find(({ type }) => type === 'Degraded');

describe('a host that the leader alone does not reach', () => {
  beforeEach(async () => {
    network.silent.add(A);
    await network.clock.advance(4_000);
  });

  it('remains published, which is reported with its address, once', async () => {
    expect(isPublished(A)).toBe(true);
    expect(degraded()).toMatchObject({ status: 'True', reason: 'UnreachableFromHere' });
    expect(degraded()?.message).toContain(`${A}:5432`);
    const before = world.cluster.writes.length;
    await network.clock.advance(30_000);
    expect(world.cluster.writes.slice(before)).toEqual([]);
    expect(world.events.filter(({ reason }) => reason === 'UnreachableFromHere')).toHaveLength(1);
  });

  it('is asked about again each period', async () => {
    const before = witness.questions.length;
    await network.clock.advance(10_000);
    expect(witness.questions.length - before).toBeGreaterThanOrEqual(8);
    expect(witness.questions.length - before).toBeLessThanOrEqual(11);
  });

  it('leaves when the other replica loses it too', async () => {
    witness.silent.add(A);
    await network.clock.advance(3_000);
    expect(isPublished(A)).toBe(false);
    expect(degraded()?.reason).toBe('AddressesUnhealthy');
  });

  it('leaves when it refuses the other replica', async () => {
    witness.refusing.add(A);
    await network.clock.advance(3_000);
    expect(isPublished(A)).toBe(false);
  });

  it('leaves when the other replica is gone', async () => {
    witness.count = 0;
    await network.clock.advance(2_000);
    expect(isPublished(A)).toBe(false);
  });

  it('leaves at once when it refuses', async () => {
    network.silent.delete(A);
    network.refusing.add(A);
    await network.clock.advance(1_200);
    expect(isPublished(A)).toBe(false);
  });

  it('is as before when it answers again', async () => {
    network.silent.delete(A);
    await network.clock.advance(2_000);
    expect(degraded()?.reason).toBe('AllHealthy');
    const before = witness.questions.length;
    await network.clock.advance(10_000);
    expect(witness.questions.length).toBe(before);
  });

  it('is forgotten when it is no target any more', async () => {
    world.store(
      {
        targets: hostsOf(0)
          .slice(1)
          .map((host) => ({ host })),
        probe: { periodSeconds: 1, failureThreshold: 1 },
      },
      { name: 'db-0', generation: 2 },
    );
    await network.clock.advance(4_000);
    expect(degraded()?.reason).toBe('AllHealthy');
  });
});

describe('a host that no replica reaches', () => {
  beforeEach(() => {
    network.silent.add(A).add(B);
    witness.silent.add(A).add(B);
  });

  it('leaves within its period, and twice its timeout and a second', async () => {
    await network.clock.advance(1_050 + 2_000 + 1_000);
    expect([isPublished(A), isPublished(B)]).toEqual([false, false]);
  });

  it('leaves as soon where the other replica does not answer', async () => {
    witness.isAway = true;
    await network.clock.advance(1_050 + 2_000 + 1_000);
    expect([isPublished(A), isPublished(B)]).toEqual([false, false]);
  });
});

it('hosts that fall silent together are one question, and nothing is asked at rest', async () => {
  const zone = [0, 1, 2, 3].map((n) => hostsOf(n)[0] ?? '');
  await network.clock.advance(20_000);
  expect(witness.questions).toEqual([]);
  for (const ip of zone) {
    network.silent.add(ip);
    witness.silent.add(ip);
  }
  await network.clock.advance(6_000);
  expect(zone.filter((ip, n) => isPublished(ip, `db-${n}`))).toEqual([]);
  expect(witness.questions.flat().toSorted()).toEqual(zone.toSorted());
});

describe('a question about other hosts delays none:', () => {
  const LIMIT_MS = 1_050 + 2_000 + 1_000;

  it('a host leaves in its time while another one is asked about for half a minute', async () => {
    world.store(
      {
        targets: [{ host: '10.20.1.1' }],
        probe: { periodSeconds: 30, timeoutSeconds: 30, failureThreshold: 1 },
      },
      { name: 'slow' },
    );
    await network.clock.advance(31_000);
    for (const { silent } of [network, witness]) silent.add('10.20.1.1');
    while (!witness.questions.flat().includes('10.20.1.1')) await network.clock.advance(1_000);
    for (const { silent } of [network, witness]) silent.add(A);
    await network.clock.advance(LIMIT_MS);
    expect([isPublished(A), world.published('slow')]).toEqual([false, '+10.20.1.1']);
    await network.clock.advance(31_000);
    expect(world.published('slow')).toBe('-10.20.1.1');
  });

  it('hosts that become silent one after the other leave each in its time', async () => {
    const others = ips.slice(0, 4);
    const left = new Map<string, number>();
    const since = new Map<string, number>();
    for (let step = 0; step < 60; step += 1) {
      const next = others[step / 3];
      if (next !== undefined) {
        since.set(next, network.clock.now());
        for (const { silent } of [network, witness]) silent.add(next);
      }
      await network.clock.advance(100);
      for (const [n, ip] of others.entries())
        if (!left.has(ip) && !isPublished(ip, `db-${Math.floor(n / 3)}`)) left.set(ip, network.clock.now());
    }
    const took = others.map((ip) => (left.get(ip) ?? Infinity) - (since.get(ip) ?? 0));
    expect(Math.max(...took)).toBeLessThanOrEqual(LIMIT_MS + 100);
  });

  it('hosts of a backend that was deleted meanwhile have no opinion, and the others are asked about', async () => {
    const released: string[] = [];
    const prober = {
      release: (owner: string) => void released.push(owner),
      healthOf: () => () => undefined,
    };
    const opinions = new SecondOpinions({
      ...{ clock: network.clock, witnesses: witness, prober: () => prober, isIsolated: () => false },
      keyOf: (owner) => (owner === 'deleted' ? undefined : `shop/${owner}`),
      ...{ onDue: () => undefined, onChanged: () => undefined },
    });
    const held = { check: aCheck({ ip: A }), isUnreached: true };
    opinions.submit([
      { ...held, owner: 'deleted' },
      { ...held, owner: 'db-0' },
    ]);
    await network.clock.advance(2_000);
    expect([released, opinions.keptOf('db-0')]).toEqual([['deleted'], [`${A}:5432`]]);
  });

  it('a host with a period of 100 ms that remains is asked about once a second', async () => {
    world.store(
      { targets: [{ host: '10.20.1.1' }], probe: { periodMilliseconds: 100, failureThreshold: 1 } },
      { name: 'fast' },
    );
    await network.clock.advance(1_000);
    network.silent.add('10.20.1.1');
    await network.clock.advance(4_000);
    expect(degraded('fast')?.reason).toBe('UnreachableFromHere');
    const before = witness.questions.length;
    await network.clock.advance(10_000);
    expect(witness.questions.length - before).toBeLessThanOrEqual(11);
  });
});

describe('a leader that most hosts do not answer', () => {
  it('lets the replica lead that reaches them, and reports and removes nothing', async () => {
    for (const ip of ips) network.silent.add(ip);
    await network.clock.advance(4_000);
    expect(outseen).toBeGreaterThan(0);
    expect(names.map((name) => degraded(name)?.reason)).toEqual(names.map(() => 'AllHealthy'));
    expect(ips.filter((ip, n) => isPublished(ip, `db-${Math.floor(n / 3)}`))).toEqual(ips);
    expect(witness.questions.every(({ length }) => length <= 32)).toBe(true);
  });

  it('lets the replica lead that reaches all hosts where it reaches some itself', async () => {
    for (const ip of ips.slice(0, 8)) network.silent.add(ip);
    await network.clock.advance(6_000);
    expect(outseen).toBeGreaterThan(0);
  });

  it('remains the leader and is isolated where the other replica reaches the other half of them', async () => {
    for (const ip of ips.slice(0, 6)) network.silent.add(ip);
    for (const ip of ips.slice(6)) witness.silent.add(ip);
    await network.clock.advance(30_000);
    expect(outseen).toBe(0);
    expect(ips.filter((ip, n) => isPublished(ip, `db-${Math.floor(n / 3)}`))).toEqual(ips);
    expect(degraded()?.reason).toBe('OperatorIsolated');
  });

  it('is isolated where the other replica does not reach them either, and asks again', async () => {
    for (const ip of ips) {
      network.silent.add(ip);
      witness.silent.add(ip);
    }
    await network.clock.advance(10_000);
    expect(outseen).toBe(0);
    expect(names.map((name) => degraded(name)?.reason)).toEqual(names.map(() => 'OperatorIsolated'));
    witness.silent.clear();
    await network.clock.advance(15_000);
    expect(outseen).toBeGreaterThan(0);
  });
});

it('an address that the other replica alone reached remains when both are cut off, and is not reported after that', async () => {
  network.silent.add(A);
  await network.clock.advance(3_000);
  expect(degraded()?.reason).toBe('UnreachableFromHere');
  for (const ip of ips) {
    network.silent.add(ip);
    witness.silent.add(ip);
  }
  await network.clock.advance(20_000);
  expect([world.engine.isIsolated, isPublished(A)]).toEqual([true, true]);
  network.silent.clear();
  await network.clock.advance(8_000);
  expect(names.map((name) => degraded(name)?.reason)).toEqual(names.map(() => 'AllHealthy'));
});
