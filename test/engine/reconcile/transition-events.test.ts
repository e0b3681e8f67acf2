import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { EngineWorld } from '../../support/fakes/engine-world.ts';
import { down, up } from '../../support/builders/verdicts.ts';

const probe = { periodSeconds: 5, failureThreshold: 1 };

async function published(spec: Readonly<Record<string, unknown>> = {}): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.store({ probe, ...spec });
  world.engine.onStartedLeading();
  await world.clock.advance(6_000);
  return world;
}

async function notesAfter(world: EngineWorld, ms = 6_000): Promise<string[]> {
  const from = world.events.length;
  await world.clock.advance(ms);
  return world.events
    .slice(from)
    .filter(({ action }) => action !== 'Reconcile')
    .map(({ note }) => note);
}

describe('the Event of a health transition', () => {
  it('reports the content of the slices after the transition', async () => {
    const world = await published({
      services: [{ name: 'a' }, { name: 'b', publishNotReadyAddresses: true }],
    });
    world.verdicts.set('10.20.0.11', down);
    expect(await notesAfter(world)).toEqual([
      '10.20.0.11:5432 is unhealthy: Refused; Service a sends it no new connections; Service b still sends it connections (publishNotReadyAddresses)',
    ]);
    world.verdicts.set('10.20.0.11', up);
    expect(await notesAfter(world)).toEqual([
      '10.20.0.11:5432 is healthy again: Connected; Service a sends it connections',
    ]);
  });

  it('reports no connections for an alias', async () => {
    const world = new EngineWorld();
    world.store({
      mode: 'ExternalName',
      targets: [{ host: '10.20.0.11' }],
      probe,
    });
    world.engine.onStartedLeading();
    world.verdicts.set('10.20.0.11', down);
    for (const note of await notesAfter(world, 20_000)) expect(note).not.toContain('connections');
  });

  it('reports that the slice still has the address when the server refuses the change', async () => {
    const world = await published();
    const refused = new OperatorError('a policy', { kind: 'terminal', reason: 'Invalid', status: 422 });
    world.cluster.refuse = (action) =>
      action.op === 'update' && action.object.kind === 'EndpointSlice' ? refused : undefined;
    world.verdicts.set('10.20.0.11', down);
    expect(await notesAfter(world)).toEqual([
      '10.20.0.11:5432 is unhealthy: Refused; Service orders-db still lists it as ready, because the change could not be written',
    ]);
  });

  it('waits while the API server does not answer, and then reports the current state', async () => {
    const world = await published();
    const away = new OperatorError('no', { kind: 'transient', reason: 'Unreachable' });
    world.cluster.refuse = () => away;
    world.verdicts.set('10.20.0.11', down);
    expect(await notesAfter(world)).toEqual([]);
    world.cluster.refuse = () => undefined;
    expect(await notesAfter(world, 60_000)).toEqual([
      '10.20.0.11:5432 is unhealthy: Refused; Service orders-db sends it no new connections',
    ]);
  });

  it('is not written when the address is healthy again before a write was possible', async () => {
    const world = await published();
    const away = new OperatorError('no', { kind: 'transient', reason: 'Unreachable' });
    world.cluster.refuse = () => away;
    world.verdicts.set('10.20.0.11', down);
    await world.clock.advance(6_000);
    world.verdicts.set('10.20.0.11', up);
    await world.clock.advance(6_000);
    world.cluster.refuse = () => undefined;
    expect(await notesAfter(world, 60_000)).toEqual([]);
    expect(world.published()).toBe('+10.20.0.11 +10.20.0.12');
  });
});
