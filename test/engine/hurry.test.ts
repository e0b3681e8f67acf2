import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../src/core/errors.ts';
import type { Writer } from '../../src/engine/ports.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';
import { FakeCluster } from '../support/fakes/fake-cluster.ts';
import { down } from '../support/builders/verdicts.ts';

const superseded = new OperatorError('superseded', { kind: 'waiting', reason: 'Superseded', afterMs: 0 });

/**
 * An operator whose API server does not respond to status writes from `hang` on, and to everything else at
 * once.
 */
class World {
  hang = false;
  readonly cluster = new FakeCluster();
  readonly #writer: Writer = {
    perform: (action, patience) =>
      this.hang && action.op === 'status'
        ? new Promise((_, reject) => patience?.addEventListener('abort', () => reject(superseded)))
        : this.cluster.perform(action),
  };
  readonly operator = new EngineWorld({ cluster: this.cluster, writer: this.#writer });
}

async function published(): Promise<World> {
  const world = new World();
  const { operator } = world;
  operator.store({ probe: { periodSeconds: 5, failureThreshold: 1 } });
  operator.engine.onStartedLeading();
  await operator.clock.advance(10_000);
  expect(operator.published()).toBe('+10.20.0.11 +10.20.0.12');
  world.hang = true;
  operator.verdicts.set('10.20.0.11', down);
  await operator.clock.advance(6_000);
  expect(operator.published()).toBe('+10.20.0.12 -10.20.0.11');
  return world;
}

describe('a backend whose status write does not end', () => {
  it('writes the slice of an address that fails meanwhile', async () => {
    const { operator } = await published();
    operator.verdicts.set('10.20.0.12', down);
    await operator.clock.advance(5_100);
    expect(operator.published()).toBe('-10.20.0.11 -10.20.0.12');
  });

  it('follows an edit of its resource at once', async () => {
    const { operator } = await published();
    const probe = { periodSeconds: 5, failureThreshold: 1 };
    operator.store({ targets: [{ host: '10.20.0.12' }], probe }, { generation: 2 });
    await operator.clock.advance(100);
    expect(operator.published()).toBe('+10.20.0.12');
  });
});
