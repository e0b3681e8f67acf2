import { beforeEach, describe, expect, it } from '@jest/globals';
import { EngineWorld } from '../support/fakes/engine-world.ts';

// initialDelaySeconds is the time between the first appearance of an address and its first probe.

const delayed = { targets: [{ host: '10.20.0.1' }], probe: { initialDelaySeconds: 30 } };

describe('An address with initialDelaySeconds 30', () => {
  let world: EngineWorld;

  beforeEach(() => {
    world = new EngineWorld();
    world.store(delayed);
    world.engine.onStartedLeading();
  });

  it('is published as not ready, and probed after its delay', async () => {
    await world.clock.advance(29_000);
    expect([world.published(), world.probed]).toEqual(['-10.20.0.1', []]);
    await world.clock.advance(2_000);
    expect([world.published(), world.probed]).toEqual(['+10.20.0.1', ['10.20.0.1']]);
  });

  it('is probed after its delay also when the backend is reconciled and edited meanwhile', async () => {
    await world.clock.advance(5_000);
    world.hear();
    await world.clock.advance(5_000);
    world.store({ ...delayed, failbackSeconds: 60 }, { generation: 2 });
    await world.clock.advance(19_000);
    expect(world.probed).toEqual([]);
    await world.clock.advance(2_000);
    expect(world.published()).toBe('+10.20.0.1');
  });

  it('that a former leader has published and not probed is probed at once', async () => {
    await world.clock.advance(5_000);
    world.engine.onStoppedLeading();
    const next = world.successor();
    next.engine.onStartedLeading();
    await world.clock.advance(2_000);
    expect(next.published()).toBe('+10.20.0.1');
  });
});
