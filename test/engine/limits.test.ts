import { describe, expect, it } from '@jest/globals';
import { ReconcileWorld } from '../support/fakes/reconcile-world.ts';
import { OperatorError } from '../../src/core/errors.ts';
import { up } from '../support/builders/verdicts.ts';
import { bringUpWorst, worst } from '../support/builders/worst.ts';

const targets = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ host: `10.21.${i >> 8}.${i & 255}` }));

const services = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `s${i}` }));

describe('a resource that is older than a limit', () => {
  it('is published and probed up to the limit, and the status names the other targets', async () => {
    const world = new ReconcileWorld();
    const ports = [1, 2].map((port) => ({ name: `p${port}`, port, probe: { tcpSocket: {} } }));
    world.store({ targets: targets(300), services: services(16), ports });
    await world.run();
    world.say(up);
    await world.run();
    const { targets: told = [], conditions, summary } = world.status();
    const checks = [...world.scheduled.values()].flat();
    expect(new Set(checks.map(({ ip }) => ip)).size).toBe(250);
    expect(summary).toBe('250/250');
    expect(conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    expect(told[249]?.message).toBeUndefined();
    expect(told[250]?.message).toContain('only the first 250 addresses are published');
    expect(conditions?.find(({ type }) => type === 'Degraded')?.reason).toBe('TargetsRefused');
  });

  it('loses an address of a cloud metadata service and keeps the others', async () => {
    const world = new ReconcileWorld();
    world.store({ targets: [{ host: 'fd00:ec2::254' }, { host: '10.20.0.11' }] });
    await world.run();
    world.say(up);
    await world.run();
    const checks = [...world.scheduled.values()].flat();
    expect(checks.map(({ ip }) => ip)).toEqual(['10.20.0.11']);
    expect(world.status().summary).toBe('1/1');
    expect(world.status().targets?.[0]?.message).toContain(
      'fd00:ec2::254 is refused: a cloud metadata address',
    );
  });
});

describe('the worst resource', () => {
  it.each(worst)('of $name has a status that can be stored, and settles', async (resource) => {
    const world = new ReconcileWorld();
    await bringUpWorst(world, resource);
    expect(JSON.stringify(world.status()).length).toBeLessThanOrEqual(800_000);
    expect((await world.run()).writes).toEqual([]);
  });
});

describe('a status that the API server refuses because it is too large', () => {
  it.each([
    ['413', 413, 'RequestEntityTooLarge'],
    ['500 of etcd', 500, 'etcdserver: request is too large'],
  ])('is written without targets after a %s, and an Event reports it once', async (_, status, message) => {
    const world = new ReconcileWorld();
    const perform = world.cluster.perform.bind(world.cluster);
    world.cluster.perform = (action) =>
      action.op === 'status' && action.status.targets !== undefined
        ? Promise.reject(new OperatorError(message, { kind: 'transient', reason: 'InternalError', status }))
        : perform(action);
    await world.bringUp();
    await world.run();
    expect(world.status().targets).toBeUndefined();
    expect(world.status().summary).toBe('2/2');
    expect(world.status().conditions?.[0]?.message).toContain('left out: targets');
    const told = world.events.filter(({ reason }) => reason === 'StatusTooLarge');
    expect(told.map(({ note }) => note.includes('status.targets is left out'))).toEqual([true]);
  });
});
