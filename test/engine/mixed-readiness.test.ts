import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../src/core/errors.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import { down } from '../support/builders/verdicts.ts';

const A = '10.20.0.11';
const inconclusive = { kind: 'inconclusive', reason: 'ProberFault', message: '' } as const;

/**
 * Returns a leader with the Services `a` and `b`. The address recovered in `a`; the updates of `b` are
 * refused.
 */
async function divided(): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.store({
    services: [{ name: 'a' }, { name: 'b' }],
    probe: { periodSeconds: 10, failureThreshold: 3 },
  });
  world.engine.onStartedLeading();
  await world.clock.advance(10_000);
  world.verdicts.set(A, down);
  await world.clock.advance(60_000);
  world.cluster.refuse = (action) =>
    action.op === 'update' && action.object.metadata.name.startsWith('b-')
      ? new OperatorError('denied', { kind: 'terminal', reason: 'Forbidden', status: 403 })
      : undefined;
  world.verdicts.delete(A);
  await world.clock.advance(60_000);
  return world;
}

const isReadyIn = (world: EngineWorld, service: string): boolean =>
  world.published(service).includes(`+${A}`);

/** Begins the next term. Later writes are accepted again. */
function nextTerm(world: EngineWorld): EngineWorld {
  world.engine.onStoppedLeading();
  world.leads = false;
  world.cluster.refuse = () => undefined;
  const next = world.successor();
  next.engine.onStartedLeading();
  return next;
}

describe('an address that one Service has as ready and another one has not, when a term begins', () => {
  it('stays as it is in both Services while no probe is conclusive', async () => {
    const world = await divided();
    expect([isReadyIn(world, 'a'), isReadyIn(world, 'b')]).toEqual([true, false]);
    world.verdicts.set(A, inconclusive);
    const next = nextTerm(world);
    for (let passed = 0; passed < 3_600_000; passed += 10_000) {
      await next.clock.advance(10_000);
      expect([isReadyIn(next, 'a'), isReadyIn(next, 'b')]).toEqual([true, false]);
    }
  });

  it('is ready in both Services after the first success, and is never removed from the first', async () => {
    const next = nextTerm(await divided());
    for (let passed = 0; passed < 2_000; passed += 20) {
      await next.clock.advance(20);
      expect(isReadyIn(next, 'a')).toBe(true);
    }
    expect(isReadyIn(next, 'b')).toBe(true);
  });

  it('never becomes ready in the second Service while it fails, and is removed from the first after its threshold', async () => {
    const world = await divided();
    world.verdicts.set(A, down);
    const next = nextTerm(world);
    for (let passed = 0; passed < 60_000; passed += 100) {
      await next.clock.advance(100);
      expect(isReadyIn(next, 'b')).toBe(false);
      if (passed < 15_000) expect(isReadyIn(next, 'a')).toBe(true);
    }
    expect(isReadyIn(next, 'a')).toBe(false);
  });
});
