import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { Witnesses } from '../../src/engine/ports.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import { SilentNetwork } from '../support/fakes/silent-network.ts';

const ips = Array.from({ length: 12 }, (_, n) => `10.20.0.${n + 1}`);
const names = ['db-0', 'db-1', 'db-2', 'db-3'];
const hostsOf = (n: number): readonly string[] => ips.slice(3 * n, 3 * n + 3);

interface Scene {
  readonly network: SilentNetwork;
  readonly world: EngineWorld;
}

/** Starts a leader that publishes all hosts, with witnesses in the same network. Backends are probed at different times. */
async function start(failureThreshold = 3, count = 1): Promise<Scene> {
  const network = new SilentNetwork();
  const consult: Witnesses['consult'] = async (checks, withinMs) => {
    const opinions = checks.map(({ ip }) => (network.silent.has(ip) ? 'unreached' : 'reached'));
    await new Promise<void>((done) =>
      network.clock.after(opinions.includes('unreached') ? withinMs : 5, done),
    );
    return opinions;
  };
  const world = new EngineWorld({
    ...{ clock: network.clock, probe: network.probe, witnesses: { count, consult } },
    isolation: { sharePercent: 50, minHosts: 3, canaries: [], probe: network.probe },
  });
  world.engine.onStartedLeading();
  const probe = { periodSeconds: 1, timeoutSeconds: 1, failureThreshold };
  for (const [n, name] of names.entries()) {
    world.store({ targets: hostsOf(n).map((host) => ({ host })), probe }, { name });
    await network.clock.advance(230);
  }
  await network.clock.advance(15_000);
  return { network, world };
}

/** Lets time pass, and returns each address that was not published as ready at some instant. */
async function everMissing({ network, world }: Scene, ms: number): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let passed = 0; passed < ms; passed += 50) {
    await network.clock.advance(50);
    const ready = new Set(names.flatMap((name) => world.published(name).split(' ')));
    for (const ip of ips) if (!ready.has(`+${ip}`)) found.add(ip);
  }
  return [...found];
}

describe('the switch that all targets are behind', () => {
  it('removes no address however it flaps, with a second replica and a failureThreshold of 3', async () => {
    const times = fc.array(fc.tuple(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 80 })), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(times, async (flaps) => {
        const scene = await start();
        for (const [cut, open] of flaps) {
          for (const ip of ips) scene.network.silent.add(ip);
          expect(await everMissing(scene, 50 * cut)).toEqual([]);
          scene.network.silent.clear();
          expect(await everMissing(scene, 50 * open)).toEqual([]);
        }
        expect(await everMissing(scene, 10_000)).toEqual([]);
        const [dead = ''] = ips;
        scene.network.silent.add(dead);
        expect(await everMissing(scene, 6_000)).toEqual([dead]);
      }),
      { numRuns: 12, seed: 1 },
    );
  });

  it('removes the addresses whose only probe was lost until the next success, with one replica and a failureThreshold of 1', async () => {
    const scene = await start(1, 0);
    const before = scene.network.probes;
    for (const ip of ips) scene.network.silent.add(ip);
    while (scene.network.probes === before) await scene.network.clock.advance(5);
    scene.network.silent.clear();
    const lost = await everMissing(scene, 3_000);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(ips.length / 2);
    expect(await everMissing(scene, 5_000)).toEqual([]);
  });
});
