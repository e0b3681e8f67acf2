import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Question } from '../../../src/core/resolution/name-state.ts';
import type { ServiceRecord } from '../../../src/core/resolution/srv-records.ts';
import type { EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import { namespace, type SpecInput } from '../../support/builders/builders.ts';
import { denies, gives, leadsTo, service } from '../../support/builders/lookups.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { down, up } from '../../support/fakes/scripted-probe.ts';

const name = 'db.example.com';
const one: SpecInput = { targets: [{ host: name }] };
const literalToo: SpecInput = { targets: [{ host: name }, { host: '10.0.9.9' }] };
const record = '_postgres._tcp.example.com';
const srv: Question = { name: record, type: 'SRV' };

/** Stores the spec, answers the name with these addresses, probes all with success, and writes. */
async function standing(spec: SpecInput, ...ips: readonly string[]): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store(spec);
  await world.run();
  world.resolver.addresses(name, ...ips);
  await probed(world);
  return world;
}

async function probed(world: ReconcileWorld): Promise<void> {
  await world.run();
  world.say(up);
  await world.run();
}

const targetsOf = (world: ReconcileWorld) => world.status().targets ?? [];
const ruleOf = (world: ReconcileWorld, i = 0) => targetsOf(world)[i]?.resolution?.state;
const reasonOf = (world: ReconcileWorld, type: string) =>
  world.status().conditions?.find((condition) => condition.type === type)?.reason;
const slicesOf = (world: ReconcileWorld, of = 'orders-db'): readonly EndpointSlice[] =>
  world.cluster.slices(namespace, of);
const said = (world: ReconcileWorld) =>
  slicesOf(world)
    .map(({ metadata }) => metadata.annotations?.['externalbackend.io/names'])
    .toSorted();
const quiet = async (world: ReconcileWorld): Promise<void> => {
  expect((await world.run()).writes).toEqual([]);
};

describe('a new backend with a name', () => {
  it('waits for the first answer and the first verdicts, and is written once', async () => {
    const world = new ReconcileWorld();
    world.store(one);
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 1_000 }, writes: [] });
    expect(world.resolver.followed).toEqual([`A ${name}`, `AAAA ${name}`]);
    await world.clock.advance(100);
    world.resolver.addresses(name, '10.0.0.1');
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 900 }, writes: [] });
    world.say(up);
    expect((await world.run()).writes).toHaveLength(4);
    expect(world.published()).toEqual(['+10.0.0.1']);
    expect(said(world)).toEqual([`{"${name}":["10.0.0.1"]}`]);
    expect(targetsOf(world)[0]?.resolution).toEqual({
      state: 'Answered',
      resolvedAt: '2026-01-01T00:00:00Z',
    });
    await quiet(world);
  });

  it('waits at most a second for an answer, and publishes other targets at once', async () => {
    const world = new ReconcileWorld();
    world.store(literalToo);
    await world.run();
    world.say(up);
    await world.clock.advance(999);
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 1 }, writes: [] });
    await world.clock.advance(1);
    await world.run();
    expect(world.published()).toEqual(['+10.0.9.9']);
    expect(ruleOf(world)).toBe('Pending');
  });

  it('reports that nothing is resolved yet', async () => {
    const world = new ReconcileWorld();
    world.store(one);
    await world.run();
    await world.clock.advance(1_000);
    await world.run();
    expect([world.published(), reasonOf(world, 'Available')]).toEqual([[], 'NotResolvedYet']);
    expect(world.ready()).toBe('True Published');
    await quiet(world);
  });
});

describe('an answer', () => {
  it('with another address removes the old one at once, and the new one is ready after its first verdict', async () => {
    const world = await standing(one, '10.0.0.1', '10.0.0.2');
    world.resolver.addresses(name, '10.0.0.2', '10.0.0.3');
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2', '-10.0.0.3']);
    world.say(up, '10.0.0.3');
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2', '+10.0.0.3']);
    expect(said(world)).toEqual([`{"${name}":["10.0.0.2","10.0.0.3"]}`]);
    await quiet(world);
  });

  it('in another order is no change', async () => {
    const world = await standing(one, '10.0.0.1', '10.0.0.2');
    world.resolver.addresses(name, '10.0.0.2', '10.0.0.1');
    await quiet(world);
  });

  it('of SRV records in another order is no change', async () => {
    const world = new ReconcileWorld();
    world.store({ targets: [{ host: record }] });
    await world.run();
    const records = [service('db0.'), service('db1.'), service('db0.', { port: 1 })];
    world.resolver.answer(srv, leadsTo(...records));
    await world.run();
    world.resolver.addresses('db0.', '10.0.0.1');
    world.resolver.addresses('db1.', '10.0.0.2');
    await probed(world);
    expect(world.published()).toHaveLength(3);
    world.resolver.answer(srv, leadsTo(...records.toReversed()));
    await quiet(world);
  });

  it('with a forbidden address publishes the others, and the status names the rule', async () => {
    const world = await standing(one, '10.0.0.1', '169.254.169.254');
    expect(world.published()).toEqual(['+10.0.0.1']);
    expect(targetsOf(world)[0]?.message).toMatch(/^169\.254\.169\.254 is refused: /);
    expect([...world.scheduled.values()].flat().map(({ ip }) => ip)).toEqual(['10.0.0.1']);
    await quiet(world);
  });

  it('of both families creates a slice for each', async () => {
    const world = await standing(
      { ...one, services: [{ name: 'orders-db', headless: true }] },
      '10.0.0.1',
      'fd00::1',
    );
    expect(slicesOf(world).map(({ addressType }) => addressType)).toEqual(['IPv4', 'IPv6']);
    await quiet(world);
  });

  it('with a family that the Service does not have is reported, and not published', async () => {
    const world = await standing(one, '10.0.0.1', 'fd00::1');
    await probed(world);
    expect(slicesOf(world).map(({ addressType }) => addressType)).toEqual(['IPv4']);
    const six = targetsOf(world)[0]?.addresses.find(({ ip }) => ip === 'fd00::1');
    expect(six?.excluded).toEqual([{ service: 'orders-db', reason: 'FamilyNotServed' }]);
    await quiet(world);
  });

  it('of another family alone never recreates a headless Service', async () => {
    const world = await standing({ ...one, services: [{ name: 'orders-db', headless: true }] }, '10.0.0.1');
    const { uid } = world.cluster.service(namespace, 'orders-db')?.metadata ?? {};
    world.resolver.addresses(name, 'fd00::1');
    world.resolver.denies(name);
    world.resolver.answer({ name, type: 'AAAA' }, gives('fd00::1'));
    await probed(world);
    expect(world.published()).toEqual(['+fd00::1']);
    const after = world.cluster.service(namespace, 'orders-db');
    expect([after?.metadata.uid, after?.spec.ipFamilies]).toEqual([uid, ['IPv6']]);
    await quiet(world);
  });

  it('shared by several targets is published once, and remains until the last of them loses it', async () => {
    const other = 'other.example.com';
    const world = new ReconcileWorld();
    world.store({ targets: [{ host: name }, { host: other }] });
    await world.run();
    world.resolver.addresses(name, '10.0.0.1');
    world.resolver.addresses(other, '10.0.0.1');
    await probed(world);
    expect(world.published()).toEqual(['+10.0.0.1']);
    world.resolver.addresses(name, '10.0.0.2');
    await world.clock.advance(1_000);
    world.cluster.onWrite = () => expect(world.published()).toContain('+10.0.0.1');
    await world.run();
    expect(said(world)).toEqual([`{"${name}":["10.0.0.2"],"${other}":["10.0.0.1"]}`]);
  });
});

describe('name servers that fail', () => {
  it('change nothing that is published, however long they fail', async () => {
    const world = await standing(literalToo, '10.0.0.1');
    const writes = world.cluster.writes.length;
    for (let i = 0; i < 10; i++) {
      await world.clock.advance(60_000);
      world.resolver.fails(name);
      const { outcome } = await world.run();
      expect(outcome).toEqual({ ok: true });
      expect(world.published()).toEqual(['+10.0.0.1', '+10.0.9.9']);
    }
    expect(world.cluster.writes.slice(writes).map(({ op }) => op)).toEqual(['status']);
    expect(ruleOf(world)).toBe('Stale');
    expect(reasonOf(world, 'Degraded')).toBe('NamesFailing');
    expect([...world.scheduled.values()].flat()).toHaveLength(2);
  });

  it('do not prevent probes of the last answer', async () => {
    const world = await standing(one, '10.0.0.1', '10.0.0.2');
    world.resolver.fails(name);
    world.fail('10.0.0.1');
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2', '-10.0.0.1']);
  });

  it('remove the addresses exactly when staleSeconds have passed', async () => {
    const world = await standing(
      { ...literalToo, dns: { staleSeconds: 60, families: ['IPv4'] } },
      '10.0.0.1',
    );
    await world.clock.advance(10_000);
    world.resolver.fails(name);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 60_000 });
    await world.clock.advance(59_999);
    world.resolver.fails(name);
    expect(await world.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 1 }, writes: [] });
    await world.clock.advance(1);
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect([world.published(), ruleOf(world)]).toEqual([['+10.0.9.9'], 'Expired']);
    world.resolver.addresses(name, '10.0.0.2');
    await probed(world);
    expect([world.published(), ruleOf(world)]).toEqual([['+10.0.0.2', '+10.0.9.9'], 'Answered']);
  });
});

describe('a period that ends without another trigger', () => {
  it.each([
    ['staleSeconds', { staleSeconds: 60 }, 60_000],
    ['keepSeconds', { keepSeconds: 30 }, 30_000],
  ] as const)('ends also when the server refused a write before: %s', async (_, dns, afterMs) => {
    const error = new OperatorError('refused', { kind: 'terminal', reason: 'Invalid' });
    const spec = { ...literalToo, dns: { ...dns, families: ['IPv4'] } };
    const world = await standing(spec, '10.0.0.1', '10.0.0.2');
    if ('staleSeconds' in dns) world.resolver.fails(name);
    else world.resolver.answer({ name, type: 'A' }, gives('10.0.0.2'));
    world.cluster.refuse = (action) => (action.op === 'status' ? error : undefined);
    expect((await world.run()).outcome).toEqual({ ok: false, error, requeueAfterMs: afterMs });
    await world.clock.advance(afterMs);
    await world.run();
    expect(world.published()).not.toContain('+10.0.0.1');
  });
});

describe('name servers that deny the name', () => {
  it('are believed the third time, and do not affect another target', async () => {
    const world = await standing(literalToo, '10.0.0.1');
    const deny = () => {
      world.resolver.answer({ name, type: 'A' }, denies());
      world.resolver.answer({ name, type: 'AAAA' }, denies());
    };
    for (const rule of ['Answered', 'Unconfirmed']) {
      deny();
      await world.run();
      expect([world.published(), ruleOf(world)]).toEqual([['+10.0.0.1', '+10.0.9.9'], rule]);
    }
    deny();
    await world.run();
    expect([world.published(), ruleOf(world)]).toEqual([['+10.0.9.9'], 'NoSuchName']);
    expect(said(world)).toEqual([undefined]);
    await quiet(world);
  });
});

describe('keepSeconds', () => {
  const keeping: SpecInput = { ...one, dns: { keepSeconds: 30 } };
  const left = async () => {
    const world = await standing(keeping, '10.0.0.1', '10.0.0.2');
    world.resolver.addresses(name, '10.0.0.2');
    return world;
  };

  it('keep a healthy address that was removed from the answer, and report it', async () => {
    const world = await left();
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    expect(world.published()).toEqual(['+10.0.0.1', '+10.0.0.2']);
    expect(targetsOf(world)[0]?.addresses.map(({ ip, kept }) => `${ip} ${kept}`)).toEqual([
      '10.0.0.2 undefined',
      '10.0.0.1 true',
    ]);
    await quiet(world);
  });

  it('write nothing while a name rotates its answer and all its addresses are published', async () => {
    const world = await standing(keeping, '10.0.0.1', '10.0.0.2');
    for (const ips of [
      ['10.0.0.2', '10.0.0.3'],
      ['10.0.0.3', '10.0.0.1'],
    ]) {
      world.resolver.addresses(name, ...ips);
      await probed(world);
    }
    expect(world.published()).toEqual(['+10.0.0.1', '+10.0.0.2', '+10.0.0.3']);
    for (const ips of [
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.2', '10.0.0.3'],
      ['10.0.0.3', '10.0.0.1'],
    ]) {
      await world.clock.advance(5_000);
      world.resolver.addresses(name, ...ips);
      await quiet(world);
    }
  });

  it('end when the address is unhealthy', async () => {
    const world = await left();
    await world.run();
    world.fail('10.0.0.1');
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2']);
    world.resolver.addresses(name, '10.0.0.2');
    await quiet(world);
    expect(world.published()).toEqual(['+10.0.0.2']);
  });

  it('remove the address when they have passed', async () => {
    const world = await left();
    await world.run();
    await world.clock.advance(29_999);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 1 });
    await world.clock.advance(1);
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect(world.published()).toEqual(['+10.0.0.2']);
  });

  it('do not keep an address that was never healthy', async () => {
    const world = await standing(keeping, '10.0.0.1');
    world.resolver.addresses(name, '10.0.0.2');
    await world.run();
    world.resolver.addresses(name, '10.0.0.3');
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1', '-10.0.0.3']);
  });
});

describe('a start while the name servers fail', () => {
  const restart = async (spec: SpecInput, ...ips: readonly string[]) => {
    const before = await standing(spec, ...ips);
    await before.clock.advance(60_000);
    const after = before.restarted();
    after.hear();
    return after;
  };

  it('keeps what is published, probes it within its period, and reports its names', async () => {
    const world = await restart(literalToo, '10.0.0.1', '10.0.0.2');
    world.cluster.onWrite = () => expect(world.published()).toEqual(['+10.0.0.1', '+10.0.0.2', '+10.0.9.9']);
    await world.run();
    world.resolver.fails(name);
    await world.clock.advance(1_000);
    expect((await world.run()).writes).toEqual(['status']);
    expect([...world.known].toSorted()).toEqual([
      '10.0.0.1|5432|all',
      '10.0.0.2|5432|all',
      '10.0.9.9|5432|all',
    ]);
    expect(targetsOf(world)[0]).toMatchObject({
      resolution: { state: 'Stale', error: 'A: no answer; AAAA: no answer' },
      addresses: [
        { ip: '10.0.0.1', health: 'healthy' },
        { ip: '10.0.0.2', health: 'healthy' },
      ],
    });
    await quiet(world);
    world.fail('10.0.0.1');
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2', '+10.0.9.9', '-10.0.0.1']);
  });

  it('publishes the new address when the servers answer again', async () => {
    const world = await restart(one, '10.0.0.1');
    await world.run();
    world.resolver.fails(name);
    await world.run();
    world.resolver.addresses(name, '10.0.0.7');
    await world.clock.advance(1_000);
    await probed(world);
    expect(world.published()).toEqual(['+10.0.0.7']);
  });

  it('begins again from what is published when another replica has been the leader meanwhile', async () => {
    const world = await standing(one, '10.0.0.1');
    world.reconciler.reset();
    expect(world.resolver.followed).toEqual([]);
    await world.run();
    world.resolver.fails(name);
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1']);
  });

  it('writes nothing when the first answer is the same as before', async () => {
    const world = await restart(one, '10.0.0.1');
    const first = await world.run();
    world.resolver.addresses(name, '10.0.0.1');
    const second = await world.run();
    expect(first).toEqual({ outcome: { ok: true, requeueAfterMs: 100 }, writes: [] });
    expect(second).toEqual({ outcome: { ok: true }, writes: [] });
    await quiet(world);
  });
});

describe('an SRV record', () => {
  const hosts = ['db0.example.com', 'db1.example.com'] as const;
  const both: readonly ServiceRecord[] = [
    service(hosts[0], { port: 5433, weight: 3 }),
    service(hosts[1], { port: 5432, priority: 1 }),
  ];
  const answered = async (records = both): Promise<ReconcileWorld> => {
    const world = new ReconcileWorld();
    world.store({ targets: [{ host: record }] });
    await world.run();
    world.resolver.answer(srv, leadsTo(...records));
    await world.run();
    hosts.forEach((host, i) => world.resolver.addresses(host, `10.0.0.${i + 1}`));
    await probed(world);
    return world;
  };
  const portsOf = (world: ReconcileWorld) =>
    slicesOf(world)
      .map(({ ports, endpoints }) => `${ports?.[0]?.port} ${endpoints?.map((e) => e.addresses).join()}`)
      .toSorted();

  it('gives addresses their own ports and slices, and the status contains its records', async () => {
    const world = await answered();
    expect(portsOf(world)).toEqual(['5432 10.0.0.2', '5433 10.0.0.1']);
    expect(targetsOf(world)[0]?.addresses).toMatchObject([
      { ip: '10.0.0.1', host: hosts[0], port: 5433, priority: 0, weight: 3 },
      { ip: '10.0.0.2', host: hosts[1], port: 5432, priority: 1, weight: 0 },
    ]);
    await quiet(world);
  });

  it('that changes resolves to its new hosts, and the old ones are no longer queried', async () => {
    const world = await answered();
    world.resolver.answer(srv, leadsTo(service('db2.example.com')));
    await world.clock.advance(1_000);
    await world.run();
    expect(world.resolver.followed).toEqual(['A db2.example.com', 'AAAA db2.example.com', `SRV ${record}`]);
    world.resolver.addresses('db2.example.com', '10.0.0.3');
    await probed(world);
    expect(portsOf(world)).toEqual(['5432 10.0.0.3']);
  });

  it('remains in use over a restart while the name servers fail', async () => {
    const before = await answered();
    await before.clock.advance(60_000);
    const world = before.restarted();
    world.hear();
    await world.run();
    for (let i = 0; i < 2; i++) world.resolver.answer(srv, { kind: 'failed', message: 'no answer' });
    for (const host of hosts) world.resolver.fails(host);
    await world.clock.advance(1_000);
    await world.run();
    expect(portsOf(world)).toEqual(['5432 10.0.0.2', '5433 10.0.0.1']);
    expect(world.published()).toEqual(['+10.0.0.1', '+10.0.0.2']);
    expect(ruleOf(world)).toBe('Stale');
    await quiet(world);
  });

  it('with one address at two ports keeps the health of each over a restart', async () => {
    const before = await answered([service(hosts[0], { port: 5433 }), service(hosts[0], { port: 5434 })]);
    const [bad] = [...before.scheduled.values()].flat().filter(({ port }) => port === 5433);
    for (let i = 0; i < 3; i++) if (bad) before.judge(bad, down);
    await before.run();
    expect(before.published()).toEqual(['+10.0.0.1', '-10.0.0.1']);
    const world = before.restarted();
    world.hear();
    await world.clock.advance(1_000);
    world.cluster.onWrite = () => expect(world.published()).toEqual(['+10.0.0.1', '-10.0.0.1']);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1', '-10.0.0.1']);
  });
});

describe('names that are no longer queried', () => {
  it.each([
    ['the backend is gone', (world: ReconcileWorld) => world.remove()],
    ['it is suspended', (world: ReconcileWorld) => world.store({ ...one, suspend: true }, { generation: 2 })],
    ['it is not understood', (world: ReconcileWorld) => world.store({ mode: 'Odd' }, { generation: 2 })],
    ['another replica leads', (world: ReconcileWorld) => world.reconciler.reset()],
  ])('are those of a backend when %s', async (what, happens) => {
    const world = await standing(one, '10.0.0.1');
    happens(world);
    if (what !== 'another replica leads') await world.run();
    expect(world.resolver.followed).toEqual([]);
  });

  it('are restored from what is published when the backend continues', async () => {
    const world = await standing(one, '10.0.0.1');
    world.store({ ...one, suspend: true }, { generation: 2 });
    await world.run();
    world.store(one, { generation: 3 });
    world.cluster.onWrite = () => expect(world.published()).toEqual(['+10.0.0.1']);
    await world.run();
    world.resolver.fails(name);
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1']);
  });
});
