import { beforeEach, describe, expect, it } from '@jest/globals';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import { SilentNetwork } from '../support/fakes/silent-network.ts';

const names = ['db-0', 'db-1', 'db-2', 'db-3'];
const hostsOf = (name: string): readonly string[] => [1, 2].map((n) => `10.20.${names.indexOf(name)}.${n}`);
const ips = names.flatMap(hostsOf);
const [dead = ''] = ips;

const minute = 60_000;
const epoch = Date.UTC(2026, 0, 1);
const [start, end] = [epoch + 5 * minute, epoch + 10 * minute];
const windows = [
  { name: 'patch', action: 'Freeze', start: new Date(start).toISOString(), durationSeconds: 300 },
];

let network: SilentNetwork;
let world: EngineWorld;

/** Starts a leader whose backends are frozen from 00:05 to 00:10, and that publishes all addresses. */
beforeEach(async () => {
  network = new SilentNetwork();
  const isolation = { sharePercent: 50, minHosts: 3, canaries: [], probe: network.probe };
  world = new EngineWorld({ clock: network.clock, probe: network.probe, isolation });
  for (const name of names)
    world.store(
      {
        targets: hostsOf(name).map((host) => ({ host })),
        probe: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3 },
        maintenance: windows,
      },
      { name },
    );
  world.engine.onStartedLeading();
  await network.clock.advance(25_000);
  expect(missing()).toEqual([]);
});

/** Returns the addresses that are not published as ready. */
function missing(): readonly string[] {
  const ready = new Set(names.flatMap((name) => world.published(name).split(' ')));
  return ips.filter((ip) => !ready.has(`+${ip}`));
}

/** Lets time pass until an instant, and returns each address that was not published as ready at some time. */
async function everMissing(instant: number): Promise<readonly string[]> {
  const found = new Set<string>();
  while (world.clock.wall() < instant) {
    await network.clock.advance(200);
    for (const ip of missing()) found.add(ip);
  }
  return [...found];
}

const cutOff = () => {
  for (const ip of ips) network.silent.add(ip);
};

describe('a Freeze while the operator is cut off', () => {
  it.each([
    ['begins before the Freeze and ends after it', start - minute, end + minute],
    ['begins in the Freeze and ends after it', start + minute, end + minute],
    ['begins and ends in the Freeze', start + minute, end - minute],
    ['begins before the Freeze and ends in it', start - minute, end - minute],
  ])('removes no address if the isolation %s', async (_, from, until) => {
    expect(await everMissing(from)).toEqual([]);
    cutOff();
    expect(await everMissing(until)).toEqual([]);
    expect(world.engine.isIsolated).toBe(true);
    network.silent.clear();
    expect(await everMissing(Math.max(until, end) + minute)).toEqual([]);
    expect(world.engine.isIsolated).toBe(false);
  });

  it('keeps an address that is still silent after the isolation until the Freeze ends', async () => {
    await everMissing(start + minute);
    cutOff();
    await everMissing(start + 2 * minute);
    for (const ip of ips) if (ip !== dead) network.silent.delete(ip);
    expect(await everMissing(end)).toEqual([]);
    await everMissing(end + minute);
    expect(missing()).toEqual([dead]);
  });

  it('keeps an address that is still silent after the Freeze until the isolation ends', async () => {
    await everMissing(start + minute);
    cutOff();
    expect(await everMissing(end + minute)).toEqual([]);
    for (const ip of ips) if (ip !== dead) network.silent.delete(ip);
    await everMissing(end + 2 * minute);
    expect(missing()).toEqual([dead]);
  });

  it('keeps an address that failed in the Freeze, if the Freeze ends while the operator is cut off', async () => {
    await everMissing(start + minute);
    network.silent.add(dead);
    await everMissing(start + 2 * minute);
    cutOff();
    expect(await everMissing(end + minute)).toEqual([]);
  });
});
