import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type { EndpointSlice, Endpoints } from '../../../src/core/kubernetes/objects.ts';
import { namespace, type SpecInput } from '../../support/builders/builders.ts';
import { addressesIn } from '../../../src/engine/reconcile/refused-search.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/fakes/scripted-probe.ts';

const refusal = (reason: 'Invalid' | 'Forbidden' = 'Invalid', status = 422): OperatorError =>
  new OperatorError(`denied by policy ${reason}`, { kind: 'terminal', reason, status });

const isSlice = (
  action: Action,
): action is Extract<Action, { op: 'create' | 'update' }> & { object: EndpointSlice } =>
  'object' in action && action.object.kind === 'EndpointSlice';
const isEndpoints = (action: Action): boolean => 'object' in action && action.object.kind === 'Endpoints';

/** Returns the addresses of the Endpoints object, with a `+` if ready. */
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

describe('a refused write prevents only the writes that need it', () => {
  it('a new slice: a failed address is removed from the existing slice', async () => {
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

  it('slices of another port name: the old ones and the name in the Service remain, without failed or removed addresses', async () => {
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

  it('the Service with another port name: slices of the old name remain together with the new ones', async () => {
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

  it('a new Service is created without the refused slice, and a slice without the refused Service', async () => {
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

const conditionText = (world: ReconcileWorld, type: string): string => {
  const { status = '-', reason = '-' } = world.status().conditions?.find((each) => each.type === type) ?? {};
  return `${status} ${reason}`;
};
const conditionsOf = (world: ReconcileWorld) =>
  ['Ready', 'Available', 'Degraded'].map((type) => conditionText(world, type));

describe('the status reports what is written', () => {
  it.each([
    ['Invalid', 422],
    ['Forbidden', 403],
  ] as const)(
    'a failed address that cannot be removed is reported as published at once: %s',
    async (reason, code) => {
      const world = new ReconcileWorld();
      await world.bringUp();
      world.cluster.refuse = (action) => (isSlice(action) ? refusal(reason, code) : undefined);
      world.fail(A);
      await world.run();
      expect(conditionsOf(world)).toEqual([
        `False ${reason}`,
        'True AddressesReady',
        'True AddressesUnhealthy',
      ]);
      expect(world.status()).toMatchObject({
        services: [{ ready: 2, total: 2 }],
        targets: [
          {
            addresses: [
              {
                ip: A,
                ready: true,
                health: 'unhealthy',
                message: expect.stringContaining('could not be removed'),
              },
            ],
          },
          { addresses: [{ ip: B, ready: true, health: 'healthy' }] },
        ],
      });
      await world.run();
      world.cluster.refuse = () => undefined;
      await world.run();
      expect(conditionsOf(world)[0]).toBe('True Published');
      expect(world.status()).toMatchObject({ services: [{ ready: 1, total: 2 }], summary: '1/2' });
    },
  );

  it('a Service is not available when its last server failed, although it cannot be removed', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    world.cluster.refuse = (action) => (isSlice(action) ? refusal() : undefined);
    world.fail();
    await world.run();
    expect(conditionsOf(world).slice(0, 2)).toEqual(['False Invalid', 'False NoReadyAddress']);
  });

  it('a backend is not available without a Service, nor without slices', async () => {
    for (const [refuses, reason] of [
      [isSlice, 'NoReadyAddress'],
      [(action: Action) => action.op === 'applyService', 'NotPublished'],
    ] as const) {
      const world = new ReconcileWorld();
      world.cluster.refuse = (action) => (refuses(action) ? refusal('Forbidden', 403) : undefined);
      await world.bringUp();
      expect(conditionsOf(world).slice(0, 2)).toEqual(['False Forbidden', `False ${reason}`]);
      world.cluster.refuse = () => undefined;
      await world.run();
      expect(conditionsOf(world)).toEqual(['True Published', 'True AddressesReady', 'False AllHealthy']);
    }
  });

  it('an address without a slice is not ready, and has the message of the API server', async () => {
    const world = new ReconcileWorld({ maxEndpointsPerSlice: 2 });
    await world.bringUp();
    world.cluster.refuse = (action) => (isSlice(action) && action.op === 'create' ? refusal() : undefined);
    world.store({ targets: hosts(A, B, C) }, { generation: 2 });
    await world.run();
    world.say(up, C);
    await world.run();
    const [, , third] = world.status().targets ?? [];
    expect(third?.addresses).toMatchObject([
      { ip: C, ready: false, health: 'healthy', reason: 'PublishRefused' },
    ]);
    expect(third?.addresses[0]?.message).toContain('denied by policy');
    expect(world.status()).toMatchObject({ summary: '2/3', services: [{ ready: 2, total: 2 }] });
    expect(world.counts.get('shop/orders-db')).toBe('2/3');
    expect(conditionsOf(world)).toEqual(['False Invalid', 'True AddressesReady', 'True PublishRefused']);
  });

  it('a Service that is being deleted is neither published nor available', async () => {
    const world = new ReconcileWorld();
    await world.bringUp();
    const service = world.cluster.service(namespace, 'orders-db');
    if (service === undefined) throw new Error('no Service');
    world.cluster.put({
      ...service,
      metadata: { ...service.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    await world.run();
    expect(conditionsOf(world).slice(0, 2)).toEqual(['False Terminating', 'False NotPublished']);
  });

  it('a switch of an alias is reported when one of its Services is refused', async () => {
    const world = new ReconcileWorld();
    const services = [{ name: 'a' }, { name: 'b' }];
    const alias = (first: string): SpecInput => ({
      ...{ mode: 'ExternalName', ports: undefined, probe: { disabled: {} }, services },
      targets: hosts(first),
    });
    await world.bringUp(alias('one.example.com'));
    await world.clock.advance(2_000);
    await world.run();
    world.cluster.refuse = (action) =>
      action.op === 'applyService' && action.service.metadata.name === 'a' ? refusal() : undefined;
    world.store(alias('two.example.com'), { generation: 2 });
    for (let i = 0; i < 3; i++) {
      await world.run();
      await world.clock.advance(2_000);
    }
    const switches = world.events.filter(({ reason }) => reason === 'AliasSwitched');
    expect(switches).toHaveLength(1);
    expect(conditionsOf(world).slice(0, 2)).toEqual(['False Invalid', 'False NotPublished']);
  });
});

describe('an address that the API server refuses', () => {
  const D = '10.20.7.3';
  type Denies = (ips: readonly string[]) => boolean;

  /** Refuses slices (or Endpoints) with such addresses, as an admission policy does. */
  function deny(
    world: ReconcileWorld,
    denies: Denies,
    {
      text = 'denied by policy',
      kinds = ['EndpointSlice', 'Endpoints'],
    }: { text?: string; kinds?: readonly string[] } = {},
  ): { asked: number } {
    const count = { asked: 0 };
    world.cluster.refuse = (action) => {
      if (!('object' in action) || !kinds.includes(action.object.kind)) return undefined;
      count.asked += 1;
      if (!denies(addressesIn(action.object))) return undefined;
      return new OperatorError(text, { kind: 'terminal', reason: 'Forbidden', status: 403 });
    };
    return count;
  }
  const denyOne: Denies = (ips) => ips.includes(D);

  it.each([
    ['that names it', { text: `slices with ${D} are denied` }],
    ['that names none', {}],
    ['that the Endpoints object does not show', { kinds: ['EndpointSlice'] }],
  ])('is left out and reported, whatever the message: a refusal %s', async (_, how) => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: hosts(A, B) });
    deny(world, denyOne, how);
    world.store({ targets: hosts(A, B, D, C) }, { generation: 2 });
    await world.run();
    world.say(up);
    await world.run();
    expect(world.published()).toEqual([`+${A}`, `+${B}`, `+${C}`]);
    expect(legacy(world)).toEqual([`+${A}`, `+${B}`, `+${C}`]);
    expect(conditionsOf(world)).toEqual(['False Forbidden', 'True AddressesReady', 'True PublishRefused']);
    expect(world.status().targets?.[2]?.addresses).toMatchObject([
      { ip: D, ready: false, health: 'healthy', reason: 'PublishRefused' },
    ]);
    world.fail(B);
    await world.run();
    expect(world.published()).toEqual([`+${A}`, `+${C}`, `-${B}`]);
  });

  it('does not prevent other addresses of a new backend', async () => {
    const world = new ReconcileWorld();
    deny(world, denyOne);
    await world.bringUp({ targets: hosts(A, D) });
    expect([world.published(), conditionsOf(world)]).toEqual([
      [`+${A}`],
      ['False Forbidden', 'True AddressesReady', 'True PublishRefused'],
    ]);
  });

  it('is removed, so that a failed one can be, when the policy is created later', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: hosts(A, B, D) });
    deny(world, denyOne);
    world.fail(A);
    await world.run();
    expect(world.published()).toEqual([`+${B}`, `-${A}`]);
  });

  it.each([
    ['every fifth of 100', 5, 100],
    ['every second of 100', 2, 100],
    ['every second of 250 in one slice', 2, 250],
  ])('does not affect accepted ones of many that are published: %s', async (_, nth, count) => {
    const world = new ReconcileWorld({ maxEndpointsPerSlice: Math.max(100, count) });
    const all = Array.from({ length: count }, (_host, i) => `10.20.0.${i}`);
    const refused = new Set(all.filter((_ip, i) => i % nth === 1));
    await world.bringUp({ targets: hosts(...all) });
    deny(world, (ips) => ips.some((ip) => refused.has(ip)));
    world.fail(all[0]);
    await world.run();
    const accepted = all.slice(1).filter((ip) => !refused.has(ip));
    expect(world.published()).toEqual([...accepted.map((ip) => `+${ip}`), `-${all[0]}`].toSorted());
  });

  it('alone leaves the Service empty, and the status reports it', async () => {
    const world = new ReconcileWorld();
    deny(world, denyOne);
    await world.bringUp({ targets: hosts(D) });
    expect([world.published(), conditionsOf(world).slice(0, 2)]).toEqual([
      [],
      ['False Forbidden', 'False NoReadyAddress'],
    ]);
  });

  it('is added within a minute after the policy is deleted, and at once when the spec changes', async () => {
    for (const edit of [false, true]) {
      const world = new ReconcileWorld();
      deny(world, denyOne);
      await world.bringUp({ targets: hosts(A, D) });
      const { outcome } = await world.run();
      expect(outcome).toMatchObject({ ok: true });
      const afterMs = outcome instanceof OperatorError ? NaN : (outcome.requeueAfterMs ?? NaN);
      expect(afterMs).toBeLessThanOrEqual(60_000);
      world.cluster.refuse = () => undefined;
      if (edit) world.store({ targets: hosts(A, D), probe: { periodSeconds: 7 } }, { generation: 2 });
      else await world.clock.advance(afterMs);
      await world.run();
      world.say(up);
      await world.run();
      expect([world.published(), conditionsOf(world)]).toEqual([
        [`+${A}`, `+${D}`],
        ['True Published', 'True AddressesReady', 'False AllHealthy'],
      ]);
    }
  });

  it('is found among a hundred with few requests, and none is singled out when all are refused', async () => {
    const many = Array.from({ length: 100 }, (_, i) => `10.30.0.${i + 1}`);
    const world = new ReconcileWorld();
    const count = deny(world, (ips) => ips.includes('10.30.0.77'));
    await world.bringUp({ targets: hosts(...many) });
    expect(world.published()).toHaveLength(99);
    expect(count.asked).toBeLessThan(60);
    const other = new ReconcileWorld();
    const asked = deny(other, () => true, { text: 'exceeded quota' });
    await other.bringUp({ targets: hosts(...many) });
    expect(asked.asked).toBeLessThan(12);
    expect(other.cluster.service(namespace, 'orders-db')).toBeDefined();
    expect(conditionsOf(other).slice(0, 2)).toEqual(['False Forbidden', 'False NoReadyAddress']);
  });

  it('does not affect the others, and is published when the refusal ends, for any set of addresses', async () => {
    const ips = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(ips, ips, ips, async (before, after, bad) => {
        const ip = (n: number) => `10.30.0.${n}`;
        const world = new ReconcileWorld({ maxEndpointsPerSlice: 7 });
        await world.bringUp({ targets: hosts(...before.map(ip)) });
        deny(world, (all) => bad.some((n) => all.includes(ip(n))));
        world.store({ targets: hosts(...after.map(ip)) }, { generation: 2 });
        await world.run();
        world.say(up);
        for (let i = 0; i < 3; i++) await world.run();
        const good = after.filter((n) => !bad.includes(n)).map((n) => `+${ip(n)}`);
        expect(world.published()).toEqual(expect.arrayContaining(good));
        world.cluster.refuse = () => undefined;
        await world.clock.advance(60_000);
        world.say(up);
        await world.run();
        expect(world.published()).toEqual(after.map((n) => `+${ip(n)}`).toSorted());
        expect(conditionText(world, 'Ready')).toBe('True Published');
      }),
      { numRuns: 60 },
    );
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
