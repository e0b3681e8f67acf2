import { describe, expect, it } from '@jest/globals';
import { EngineWorld } from '../support/engine-world.ts';
import { down } from '../support/scripted-probe.ts';

const A = '10.20.0.11';

/** A leader that has published both addresses of `orders-db` ready. */
async function leader(): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.store({ probe: { periodSeconds: 10, failureThreshold: 3 } });
  world.engine.work();
  await world.clock.advance(5_000);
  return world;
}

/** Lets time pass in steps and returns the milliseconds in which the address is published ready. */
async function readyFor(world: EngineWorld, ip: string, ms: number): Promise<number> {
  let ready = 0;
  for (let passed = 0; passed < ms; passed += 100) {
    await world.clock.advance(100);
    if (world.published().includes(`+${ip}`)) ready += 100;
  }
  return ready;
}

describe('a process that ends between the write of a slice and that of the status', () => {
  it('leaves no dead address that its successor publishes ready', async () => {
    const first = await leader();
    first.verdicts.set(A, down);
    while (!first.published().includes(`-${A}`)) await first.clock.advance(10);
    await first.stop();
    expect(first.status().summary).toBe('2/2');
    const next = first.successor();
    next.engine.work();
    expect(await readyFor(next, A, 60_000)).toBe(0);
  });
});
