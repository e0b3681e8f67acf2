import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Action } from '../../src/core/action.ts';
import { OperatorError } from '../../src/core/errors.ts';
import type { EndpointSlice, Endpoints } from '../../src/core/objects.ts';
import { namespace, type SpecInput } from '../support/builders.ts';
import { ReconcileWorld } from '../support/reconcile-world.ts';
import { up } from '../support/scripted-probe.ts';

const refusal = (reason: 'Invalid' | 'Forbidden' = 'Invalid', status = 422): OperatorError =>
  new OperatorError(`denied by policy ${reason}`, { kind: 'terminal', reason, status });

const isSlice = (
  action: Action,
): action is Extract<Action, { op: 'create' | 'update' }> & { object: EndpointSlice } =>
  'object' in action && action.object.kind === 'EndpointSlice';
const isEndpoints = (action: Action): boolean => 'object' in action && action.object.kind === 'Endpoints';

/** Addresses of the Endpoints object, those that are ready with a `+`. */
function legacy(world: ReconcileWorld, service = 'orders-db'): readonly string[] {
  const { subsets = [] } = world.cluster.endpoints(namespace, service) as Endpoints;
  const texts = subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) => [
    ...addresses.map(({ ip }) => `+${ip}`),
    ...notReadyAddresses.map(({ ip }) => `-${ip}`),
  ]);
  return texts.toSorted();
}

const portNames = (world: ReconcileWorld): readonly (string | undefined)[] =>
  (world.cluster.service(namespace, 'orders-db')?.spec.ports ?? []).map(({ name }) => name);

const [A, B, C] = ['10.20.0.11', '10.20.0.12', '10.20.0.13'];
const hosts = (...all: readonly string[]) => all.map((host) => ({ host }));

describe('a write that is refused holds back only what needs it', () => {
  it('a further slice: a dead address leaves the slice that stands', async () => {
    const world = new ReconcileWorld({ maxEndpointsPerSlice: 2 });
    await world.bringUp();
    world.cluster.refuse = (action) => (isSlice(action) && action.op === 'create' ? refusal() : undefined);
    world.store({ targets: hosts(A, B, C) }, { generation: 2 });
    await world.run();
    world.say(up, C);
    world.fail(A);
    await world.run();
    expect(world.published()).toEqual([`+${B}`, `-${A}`]);
    expect(legacy(world)).toContain(`-${A}`);
  });

  it('the Service: slices and Endpoints follow health and targets', async () => {
    const world = new ReconcileWorld();
    const targets = [...hosts(A, B), { host: C, port: 6000 }];
    await world.bringUp({ targets });
    world.cluster.refuse = (action) => (action.op === 'applyService' ? refusal() : undefined);
    const services = [{ name: 'orders-db', type: 'NodePort' }];
    world.store({ targets, services }, { generation: 2 });
    world.fail(A);
    await world.run();
    expect([world.published(), legacy(world)]).toEqual([
      [`+${B}`, `+${C}`, `-${A}`],
      [`+${B}`, `+${C}`, `-${A}`],
    ]);
    world.store({ services }, { generation: 3 });
    await world.run();
    expect([world.published(), legacy(world)]).toEqual([
      [`+${B}`, `-${A}`],
      [`+${B}`, `-${A}`],
    ]);
  });

  it.each([
    ['Endpoints: slices go on', isEndpoints, [`+${B}`, `-${A}`], [`+${A}`, `+${B}`]],
    ['slices: Endpoints go on', isSlice, [`+${A}`, `+${B}`], [`+${B}`, `-${A}`]],
  ])('%s', async (_, refuses, slices, endpoints) => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.refuse = (action) => (refuses(action) ? refusal() : undefined);
    world.fail(A);
    await world.run();
    expect([world.published(), legacy(world)]).toEqual([slices, endpoints]);
  });

  it('slices of another port name: the old ones and the name in the Service stay, without what is dead or left', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: hosts(A, B, C) });
    world.cluster.refuse = (action) => (isSlice(action) && action.op === 'create' ? refusal() : undefined);
    const ports = [{ port: 5432, name: 'pg' }];
    world.store({ targets: hosts(A, B), ports }, { generation: 2 });
    await world.run();
    world.say(up);
    world.fail(A);
    await world.run();
    expect(world.published()).toEqual([`+${B}`, `-${A}`]);
    expect(portNames(world)).toEqual([undefined]);
    world.cluster.refuse = () => undefined;
    await world.run();
    expect([world.published(), portNames(world)]).toEqual([[`+${B}`, `-${A}`], ['pg']]);
  });

  it('the Service with another port name: slices of the old name stay beside the new ones', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.refuse = (action) => (action.op === 'applyService' ? refusal() : undefined);
    world.store({ ports: [{ port: 5432, name: 'pg' }] }, { generation: 2 });
    await world.run();
    world.say(up);
    await world.run();
    const names = world.cluster.slices(namespace, 'orders-db').map(({ ports }) => ports?.[0]?.name);
    expect(names.toSorted()).toEqual(['', 'pg']);
  });

  it('a new Service is made without the slice that is refused, and a slice without the Service', async () => {
    for (const refuses of [isSlice, (action: Action) => action.op === 'applyService']) {
      const world = new ReconcileWorld();
      world.cluster.refuse = (action) => (refuses(action) ? refusal() : undefined);
      await world.bringUp();
      const made = [
        world.cluster.service(namespace, 'orders-db') !== undefined,
        world.published().length > 0,
      ];
      expect(made).toEqual(refuses === isSlice ? [true, false] : [false, true]);
    }
  });
});

describe('a Service of role Primary, whose server stays the same', () => {
  const spec = (port: object): SpecInput => ({
    targets: hosts(A, B),
    ports: [{ port: 6379, ...port }],
    probe: { redis: {} },
    services: [{ name: 'rw', role: 'Primary' }],
  });

  async function withPrimary(): Promise<ReconcileWorld> {
    const world = new ReconcileWorld();
    world.store(spec({}));
    await world.run();
    world.say({ kind: 'up', reason: 'Responded', message: '', role: 'Replica', lagSeconds: 0 });
    for (let i = 0; i < 2; i++)
      world.say({ kind: 'up', reason: 'Responded', message: '', role: 'Primary' }, A);
    await world.run();
    expect(world.published('rw')).toEqual([`+${A}`]);
    return world;
  }

  const error = (kind: 'transient' | 'terminal') =>
    new OperatorError('not now', { kind, reason: 'InternalError', status: 500 });

  it.each([
    ['an appProtocol', { appProtocol: 'redis' }],
    ['a port name', { name: 'redis' }],
    ['a target port', { targetPort: 6379, appProtocol: 'redis' }],
  ])('leads to it at every moment while it gets %s, whichever write is the last', async (_, change) => {
    for (let cut = 0; cut < 6; cut++) {
      const world = await withPrimary();
      let writes = 0;
      world.cluster.refuse = () => (writes++ >= cut ? error('transient') : undefined);
      world.cluster.onWrite = () => expect(world.published('rw')).toContain(`+${A}`);
      world.store(spec(change), { generation: 2 });
      await world.run();
      expect(new Set(world.published('rw'))).toEqual(new Set([`+${A}`]));
      const names = (world.cluster.service(namespace, 'rw')?.spec.ports ?? []).map(({ name = '' }) => name);
      const carried = world.cluster.slices(namespace, 'rw').flatMap(({ ports }) => ports?.[0]?.name ?? []);
      expect(carried).toEqual(expect.arrayContaining(names));
      world.cluster.refuse = () => undefined;
      await world.run();
      expect(world.published('rw')).toEqual([`+${A}`]);
    }
  });
});

describe('whatever the API server refuses for a while', () => {
  const targets = fc.uniqueArray(fc.integer({ min: 11, max: 18 }), { minLength: 1, maxLength: 6 });
  const moment = fc.record({
    targets,
    dead: fc.subarray([11, 12, 13, 14, 15, 16, 17, 18]),
    port: fc.constantFrom({}, { name: 'pg' }, { appProtocol: 'postgresql' }, { targetPort: 6432 }),
    own: fc.constantFrom(0, 6000),
    type: fc.constantFrom('ClusterIP', 'NodePort'),
    max: fc.constantFrom(2, 3),
    refuses: fc.subarray([
      'create EndpointSlice',
      'applyService',
      'setService',
      'create Endpoints',
      'update Endpoints',
      'delete EndpointSlice',
      'gain',
    ]),
  });
  const ip = (n: number) => `10.20.0.${n}`;
  const ready = (world: ReconcileWorld) =>
    new Set(world.published().flatMap((text) => (text.startsWith('+') ? text.slice(1) : [])));

  const names = (action: Action): string =>
    'object' in action
      ? `${action.op} ${action.object.kind}`
      : action.op === 'delete'
        ? `delete ${action.ref.kind}`
        : action.op;

  function gainsOf(world: ReconcileWorld, action: Action): boolean {
    if (!isSlice(action)) return false;
    const before = world.cluster
      .slices(namespace, 'orders-db')
      .find(({ metadata }) => metadata.name === action.object.metadata.name);
    const had = new Set((before?.endpoints ?? []).map(({ addresses }) => addresses[0]));
    return (action.object.endpoints ?? []).some(({ addresses }) => !had.has(addresses[0]));
  }

  it('dead addresses leave, healthy ones stay, and when it is over all is as made afresh', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { minLength: 2, maxLength: 5 }), async (moments) => {
        const world = new ReconcileWorld({ maxEndpointsPerSlice: 3 });
        let generation = 0;
        const specOf = ({ targets: all, port, own, type }: (typeof moments)[number]): SpecInput => ({
          targets: all.map((n) => ({ host: ip(n), ...(own !== 0 && n % 2 === 0 && { port: own }) })),
          ports: [{ port: 5432, ...port }],
          services: [{ name: 'orders-db', type }],
        });
        const settle = async (target: ReconcileWorld, at: (typeof moments)[number]) => {
          await target.run();
          await target.clock.advance(1_000);
          target.say(up);
          for (const n of at.dead) target.fail(ip(n));
          await target.run();
        };
        for (const at of moments) {
          const before = ready(world);
          world.cluster.refuse = (action) => {
            const refused =
              at.refuses.includes(names(action)) || (at.refuses.includes('gain') && gainsOf(world, action));
            return generation > 1 && refused ? refusal() : undefined;
          };
          generation += 1;
          world.store(specOf(at), { generation });
          await settle(world, at);
          const now = ready(world);
          for (const n of at.dead)
            if (!at.refuses.includes('delete EndpointSlice')) expect(now).not.toContain(ip(n));
          for (const n of at.targets)
            if (!at.dead.includes(n) && before.has(ip(n))) expect(now).toContain(ip(n));
        }
        world.cluster.refuse = () => undefined;
        const last = moments.at(-1);
        if (last === undefined) return;
        await world.clock.advance(700_000);
        await settle(world, last);
        await world.run();
        const fresh = new ReconcileWorld({ maxEndpointsPerSlice: 3 });
        fresh.store(specOf(last), { generation: 1 });
        await settle(fresh, last);
        expect(world.published()).toEqual(fresh.published());
        expect(legacy(world)).toEqual(legacy(fresh));
        expect(portNames(world)).toEqual(portNames(fresh));
        expect((await world.run()).writes).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
