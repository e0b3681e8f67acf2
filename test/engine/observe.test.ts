import { describe, expect, it } from '@jest/globals';
import { aService, aSlice, namespace, someEndpoints, twoTargets } from '../support/builders/builders.ts';
import { down, up } from '../support/builders/verdicts.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';

const [A, B] = ['10.20.0.11', '10.20.0.12'] as const;
const probe = { periodSeconds: 1, failureThreshold: 1 };

/** An engine that leads, and a cluster with the Service, slices and Endpoints that a person wrote. */
async function nextToByHand(spec: object = {}): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.cluster.put(aService());
  world.cluster.put(someEndpoints([A]));
  world.cluster.put(aSlice([A], 'someone', { name: 'by-hand' }));
  return begun(world, { observe: true, ...spec });
}

async function begun(world: EngineWorld, spec: object = {}): Promise<EngineWorld> {
  world.store({ probe, ...spec });
  world.engine.onStartedLeading();
  await world.clock.advance(5_000);
  return world;
}

async function say(world: EngineWorld, verdict: typeof up, ...ips: readonly string[]): Promise<void> {
  for (const ip of ips) world.verdicts.set(ip, verdict);
  await world.clock.advance(5_000);
}

async function edit(world: EngineWorld, spec: object, generation: number): Promise<void> {
  world.store({ probe, ...spec }, { generation });
  await world.clock.advance(5_000);
}

const condition = (world: EngineWorld, type: string) => {
  const { status, reason, message } = world.status().conditions?.find((each) => each.type === type) ?? {};
  return { text: `${status} ${reason}`, message };
};

const conditions = (world: EngineWorld): readonly string[] =>
  (world.status().conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);

const operations = (world: EngineWorld): readonly string[] => [
  ...new Set(world.cluster.writes.map(({ op }) => op)),
];

const services = (world: EngineWorld) => world.status().services;

/** Services, slices and Endpoints as they are stored. */
const objects = (world: EngineWorld): string =>
  JSON.stringify(['Service', 'EndpointSlice', 'Endpoints'].map((kind) => world.cluster.all(kind)));

describe('a backend that observes next to a Service of another client', () => {
  it('writes nothing except its status, which reports what would be published', async () => {
    const world = await nextToByHand();
    expect(operations(world)).toEqual(['status']);
    expect(conditions(world)).toEqual([
      'Ready True Observing',
      'Available True Observing',
      'Degraded False AllHealthy',
    ]);
    expect(world.status()).toMatchObject({ summary: '2/2', readyAddresses: 2, totalAddresses: 2 });
    expect(services(world)).toEqual([
      { name: 'orders-db', ready: 2, total: 2, difference: `would add ${B}:5432` },
    ]);
  });

  it('reports in Ready what would prevent it from writing, without an Event', async () => {
    const world = await nextToByHand();
    expect(condition(world, 'Ready').message).toMatch(
      /^spec.observe is true: nothing is written; without spec.observe: Conflict: Service orders-db already exists .*adopt: true/,
    );
    expect(world.events).toEqual([]);
  });

  it('reports a failure in status, conditions and one Event that names no Service', async () => {
    const world = await nextToByHand();
    await say(world, down, A, B);
    expect(operations(world)).toEqual(['status']);
    expect(condition(world, 'Available').text).toBe('False Observing');
    expect(condition(world, 'Available').message).toContain('NoReadyAddress: 0 of 2 addresses are ready');
    expect(condition(world, 'Degraded').text).toBe('True AddressesUnhealthy');
    expect(services(world)?.[0]?.difference).toBe(`would remove ${A}:5432`);
    expect(world.events.map(({ type, note }) => `${type} ${note}`)).toEqual(
      [A, B].map(
        (ip) => `Warning spec.observe is true, so nothing is written: ${ip}:5432 is unhealthy: Refused`,
      ),
    );
  });

  it('takes the Service over without a gap when observe is removed and adopt is set', async () => {
    const world = await nextToByHand();
    world.cluster.onWrite = () => expect(world.published()).toContain(`+${A}`);
    await edit(world, { services: [{ name: 'orders-db', adopt: true }] }, 2);
    expect(world.published()).toBe(`+${A} +${B}`);
    expect(condition(world, 'Ready').text).toBe('True Published');
    expect(services(world)).toEqual([{ name: 'orders-db', ready: 2, total: 2 }]);
  });

  it('is a Conflict when observe is removed and adopt is not set', async () => {
    const world = await nextToByHand();
    const before = objects(world);
    await edit(world, {}, 2);
    expect(condition(world, 'Ready').text).toBe('False Conflict');
    expect(objects(world)).toBe(before);
  });

  it('leaves everything as it is when it is deleted', async () => {
    const world = await nextToByHand();
    const before = objects(world);
    world.cluster.remove('ExternalBackend', namespace, 'orders-db');
    world.hear();
    await world.clock.advance(5_000);
    expect(objects(world)).toBe(before);
    expect(world.series.size).toBe(0);
  });
});

describe('a backend that observes a free name', () => {
  it('reports that the Service would be created', async () => {
    const world = await begun(new EngineWorld(), { observe: true });
    expect(objects(world)).toBe('[[],[],[]]');
    expect(services(world)?.[0]?.difference).toBe('the Service would be created with 2 ready addresses');
    expect(condition(world, 'Ready').message).toBe('spec.observe is true: nothing is written');
    await edit(world, {}, 2);
    expect(world.published()).toBe(`+${A} +${B}`);
  });

  it('does not keep another backend from publishing the name, however old it is', async () => {
    const world = await begun(new EngineWorld(), { observe: true });
    world.store(
      { probe, services: [{ name: 'orders-db' }] },
      { name: 'other', creationTimestamp: '2026-02-01T00:00:00Z' },
    );
    await world.clock.advance(5_000);
    expect(world.published()).toBe(`+${A} +${B}`);
    world.engine.enqueue([`${namespace}/orders-db`]);
    await world.clock.advance(5_000);
    expect(condition(world, 'Ready').message).toContain('NameClaimed: Service orders-db already belongs');
    expect(services(world)?.[0]?.difference).toBe('none: the same 2 addresses are ready');
    await edit(world, {}, 2);
    expect(condition(world, 'Ready').text).toBe('False NameClaimed');
  });

  it('releases the name of another backend that waits for it when it begins to observe', async () => {
    const world = new EngineWorld();
    world.cluster.put(aService());
    await begun(world);
    world.store(
      { probe, services: [{ name: 'orders-db', adopt: true }] },
      { name: 'other', creationTimestamp: '2026-02-01T00:00:00Z' },
    );
    await world.clock.advance(5_000);
    expect(world.published()).toBe('');
    await edit(world, { observe: true }, 2);
    expect(world.published()).toBe(`+${A} +${B}`);
  });

  it('counts IPv6 addresses as not served in a cluster with IPv4 only', async () => {
    const world = new EngineWorld();
    world.cluster.put(aService({ ipFamilies: ['IPv4'] }, { namespace: 'default', name: 'kubernetes' }));
    await begun(world, { observe: true, targets: [...twoTargets, { host: 'fd00::11' }] });
    expect(world.status().summary).toBe('2/2');
  });

  it.each([
    ['KeepLast', 'KeepLast', 1],
    ['All', 'All', 2],
  ])('reports the fallback %s that it would use', async (whenNoneReady, fallback) => {
    const world = await begun(new EngineWorld(), {
      observe: true,
      services: [{ name: 'orders-db', whenNoneReady }],
    });
    await say(world, down, A);
    await say(world, down, B);
    expect(services(world)?.[0]).toMatchObject({ fallback, ready: 0 });
    expect(condition(world, 'Available').message).toContain('without spec.observe this would be NoneReady');
    expect(operations(world)).toEqual(['status']);
    expect(world.events.every(({ note }) => note.startsWith('spec.observe is true'))).toBe(true);
  });

  it('reports the tier that it would use', async () => {
    const world = await begun(new EngineWorld(), {
      observe: true,
      targets: [{ host: A }, { host: B, priority: 1 }],
    });
    expect(services(world)?.[0]).toMatchObject({ tier: 0, ready: 1 });
    await say(world, down, A);
    expect(services(world)?.[0]).toMatchObject({ tier: 1, ready: 1 });
    expect(objects(world)).toBe('[[],[],[]]');
  });

  it('keeps an alias on the host that it would point to, until that one fails', async () => {
    const world = new EngineWorld();
    world.resolver.addresses('one.example.com', A);
    world.resolver.addresses('two.example.com', B);
    const targets = [{ host: 'one.example.com' }, { host: 'two.example.com' }];
    await begun(world, { observe: true, mode: 'ExternalName', targets, failbackSeconds: 600 });
    await say(world, down, A);
    await say(world, up, A);
    expect(world.status().targets?.map(({ current }) => current === true)).toEqual([false, true]);
    expect(operations(world)).toEqual(['status']);
  });
});

describe('a backend that publishes and begins to observe', () => {
  const observing = async (spec: object = {}): Promise<EngineWorld> => {
    const world = await begun(new EngineWorld(), spec);
    world.cluster.writes.splice(0);
    await edit(world, { ...spec, observe: true }, 2);
    return world;
  };

  it('leaves what is published as it is, whatever fails and whatever the spec no longer has', async () => {
    const world = await observing();
    const before = objects(world);
    await say(world, down, A);
    await edit(world, { observe: true, targets: [{ host: B }], services: [{ name: 'another' }] }, 3);
    expect(objects(world)).toBe(before);
    expect(operations(world)).toEqual(['status']);
    expect(condition(world, 'Ready').message).toContain(
      'Service orders-db is removed, because spec.services does not contain it',
    );
  });

  it('publishes what it knows when observe is removed, without an empty Service in between', async () => {
    const world = await observing();
    await say(world, down, A);
    expect(world.published()).toBe(`+${A} +${B}`);
    world.cluster.onWrite = () => expect(world.published()).toContain(`+${B}`);
    await edit(world, {}, 3);
    expect(world.published()).toBe(`+${B} -${A}`);
  });

  it('removes addresses that the address policy forbids', async () => {
    let isForbidden = false;
    const world = new EngineWorld({
      policy: ({ text }) => (isForbidden && text === A ? `${A} is in --address-deny` : undefined),
    });
    await begun(world);
    await edit(world, { observe: true }, 2);
    isForbidden = true;
    world.engine.networksChanged();
    await world.clock.advance(5_000);
    expect(world.published()).toBe(`+${B}`);
    expect(world.events).toMatchObject([{ reason: 'TargetsRefused', action: 'Withdraw' }]);
  });

  it('begins a term without the health of what is published, and removes none of it', async () => {
    const world = await observing();
    await say(world, down, A);
    const before = objects(world);
    world.engine.onStoppedLeading();
    world.leads = false;
    const next = world.successor();
    next.engine.onStartedLeading();
    await next.clock.advance(5_000);
    expect(next.status().summary).toBe('1/2');
    expect(objects(next)).toBe(before);
    expect(next.cluster.writes.filter(({ op }) => op !== 'status')).toEqual([]);
  });

  it('keeps its Service from another backend', async () => {
    const world = await observing();
    world.store(
      { probe, services: [{ name: 'orders-db' }] },
      { name: 'other', creationTimestamp: '2026-02-01T00:00:00Z' },
    );
    const before = objects(world);
    await world.clock.advance(5_000);
    expect(objects(world)).toBe(before);
  });
});

it('observes nothing while it is suspended', async () => {
  const world = await begun(new EngineWorld(), { observe: true, suspend: true });
  expect(world.probed).toEqual([]);
  expect(condition(world, 'Ready').text).toBe('True Suspended');
});
