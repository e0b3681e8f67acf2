import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OperatorError } from '../../../src/core/errors.ts';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import { A, B, hosts, isSlice, legacy, portNames, refusal } from '../support/refusals.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

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
  ])('always publishes its server while it gets %s, whichever write is the last', async (_, change) => {
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

  it('failed addresses are removed, healthy ones remain, and in the end all is like a new backend', async () => {
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
