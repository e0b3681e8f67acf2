import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { aStoredBackend, namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

const A = '10.20.0.11';
const B = '10.20.0.12';
const C = '10.20.0.13';

const up: Verdict = { kind: 'up', reason: 'Responded', message: '' };
const primary = (over: Partial<Verdict> = {}): Verdict => ({ ...up, role: 'Primary', ...over });
const replica = (lagSeconds = 0): Verdict => ({ ...up, role: 'Replica', lagSeconds });

const spec = {
  targets: [{ host: A }, { host: B }, { host: C }],
  ports: [{ port: 6379 }],
  probe: { redis: {} },
  services: [
    { name: 'rw', role: 'Primary' },
    { name: 'ro', role: 'Replica', maxLagSeconds: 10 },
  ],
};

/**
 * A is the primary, B and C are replicas; everything is written. Records the addresses of rw after every
 * write.
 */
async function stands(over: object = {}) {
  const world = new ReconcileWorld();
  const history: (readonly string[])[] = [];
  world.cluster.onWrite = () => void history.push(ready(world, 'rw'));
  world.store({ ...spec, ...over });
  await world.run();
  world.say(replica());
  for (let said = 0; said < 2; said += 1) world.say(primary(), A);
  await world.run();
  world.events.splice(0);
  return { world, history };
}

const ready = (world: ReconcileWorld, service: string) =>
  world
    .published(service)
    .filter((each) => each.startsWith('+'))
    .map((each) => each.slice(1));

const told = (world: ReconcileWorld) =>
  world.events.splice(0).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);

const addressOf = (world: ReconcileWorld, ip: string) =>
  world
    .status()
    .targets?.flatMap(({ addresses }) => addresses)
    .find((address) => address.ip === ip);

const degraded = (world: ReconcileWorld) => {
  const { status, reason } = world.status().conditions?.find(({ type }) => type === 'Degraded') ?? {};
  return `${status} ${reason}`;
};

describe('a role that a probe reported', () => {
  it('is replaced by the role of the target once the probe reports none', async () => {
    const targets = [
      { host: A, role: 'Primary' },
      { host: B, role: 'Replica' },
    ];
    const { world } = await stands({ targets, services: [{ name: 'rw', role: 'Primary' }] });
    world.say(replica());
    await world.run();
    expect(ready(world, 'rw')).toEqual([]);
    world.store({ ...spec, targets, services: [{ name: 'rw', role: 'Primary' }], probe: { grpc: {} } });
    await world.run();
    world.say(up);
    await world.run();
    expect(ready(world, 'rw')).toEqual([A]);
  });
});

describe('a backend with a primary and replicas', () => {
  it('publishes the primary in rw and the replicas in ro, and reports it', async () => {
    const { world } = await stands();
    expect(ready(world, 'rw')).toEqual([A]);
    expect(ready(world, 'ro')).toEqual([B, C]);
    expect(world.status()).toMatchObject({ primary: A, summary: '3/3' });
    expect(addressOf(world, A)).toMatchObject({
      role: 'Primary',
      excluded: [{ service: 'ro', reason: 'NotReplica' }],
    });
    expect(addressOf(world, B)).toMatchObject({
      role: 'Replica',
      excluded: [{ service: 'rw', reason: 'NotPrimary' }],
    });
  });

  it('records one Event about its first primary', async () => {
    const world = new ReconcileWorld();
    world.store(spec);
    await world.run();
    world.say(replica());
    world.say(primary(), A);
    await world.run();
    await world.run();
    expect(told(world)).toEqual([`Normal PrimaryChanged: ${A} is the primary`]);
  });

  it('is not written while each verdict reports another lag', async () => {
    const { world } = await stands();
    for (let i = 1; i < 20; i++) {
      await world.clock.advance(10_000);
      world.say(replica((i * 7) % 10), B);
      expect(await world.run()).toEqual({ outcome: { ok: true }, writes: [] });
    }
  });
});

describe('a failover', () => {
  it('of a failed primary leaves rw empty until a replica reports that it is the primary', async () => {
    const { world, history } = await stands();
    world.fail(A);
    await world.run();
    expect(ready(world, 'rw')).toEqual([]);
    world.say(primary(), B);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    expect(ready(world, 'ro')).toEqual([C]);
    world.say(replica(), A);
    await world.run();
    expect(ready(world, 'ro')).toEqual([A, C]);
    expect(history.filter((each) => each.length > 1)).toEqual([]);
    expect(told(world)).toEqual([
      `Warning PrimaryLost: no ready address reports role Primary (previous primary: ${A})`,
      `Normal PrimaryChanged: ${B} is the primary`,
    ]);
  });

  it('by a switch-over is published with the first verdict that reports it, and one Event', async () => {
    const { world, history } = await stands();
    world.say(replica(), A);
    world.say(primary(), B);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    expect(ready(world, 'ro')).toEqual([A, C]);
    await world.run();
    expect(told(world)).toEqual([`Normal PrimaryChanged: ${B} is the primary now (previous primary: ${A})`]);
    expect(history.filter((each) => each.length > 1)).toEqual([]);
  });

  it('to a server at another port never publishes both, whichever slice is written', async () => {
    const targets = [{ host: A }, { host: B, port: 6380 }];
    const { world, history } = await stands({ targets });
    for (const [from, to] of [
      [A, B],
      [B, A],
    ] as const) {
      world.say(replica(), from);
      world.say(primary(), to);
      await world.run();
      expect(ready(world, 'rw')).toEqual([to]);
    }
    expect(history.filter((each) => each.length > 1)).toEqual([]);
  });

  it('removes a primary that reports Replica before another one reports Primary', async () => {
    const { world } = await stands();
    world.say(replica(), A);
    await world.run();
    expect(ready(world, 'rw')).toEqual([]);
    expect(ready(world, 'ro')).toEqual([A, B, C]);
  });

  it('is not caused by one failed probe', async () => {
    const { world } = await stands();
    world.say({ kind: 'down', reason: 'Timeout', message: '' }, A);
    expect((await world.run()).writes).toEqual([]);
    expect(ready(world, 'rw')).toEqual([A]);
  });
});

describe('two servers that report role Primary', () => {
  it('are reported once, the published one remains, and the other takes over when it reports another role', async () => {
    const { world, history } = await stands();
    for (let said = 0; said < 2; said += 1) world.say(primary(), B);
    await world.run();
    await world.run();
    expect(ready(world, 'rw')).toEqual([A]);
    expect(ready(world, 'ro')).toEqual([C]);
    expect(degraded(world)).toBe('True TwoPrimaries');
    expect(addressOf(world, B)?.excluded).toContainEqual({ service: 'rw', reason: 'SecondPrimary' });
    expect(told(world)).toEqual([
      `Warning TwoPrimaries: more than one server reports role Primary; used: ${A}; excluded from Services of role Primary: ${B}; stop or demote the wrong server`,
    ]);
    world.say(replica(), A);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    expect(degraded(world)).toBe('False AllHealthy');
    expect(told(world)).toEqual([`Normal PrimaryChanged: ${B} is the primary now (previous primary: ${A})`]);
    expect(history.filter((each) => each.length > 1)).toEqual([]);
  });

  it('with epochs are decided by the higher epoch at once', async () => {
    const { world } = await stands();
    world.say(primary({ epoch: 1 }), A);
    world.say(primary({ epoch: 2 }), B);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    world.say(primary({ epoch: 1 }), A);
    world.say(primary({ epoch: 2 }), B);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    expect(degraded(world)).toBe('True TwoPrimaries');
  });

  it.each([
    ['died', { kind: 'down', reason: 'Refused', message: '' }],
    ['follows', replica()],
  ] as const)(
    'are not reported for an old primary that %s and was probed before the promotion',
    async (_, verdict) => {
      const { world } = await stands();
      world.say(primary({ epoch: 1 }), A);
      await world.run();
      told(world);
      world.say(primary({ epoch: 2 }), B);
      await world.run();
      expect(ready(world, 'rw')).toEqual([B]);
      expect(degraded(world)).toBe('False AllHealthy');
      world.say(verdict, A);
      world.say(primary({ epoch: 2 }), B);
      await world.run();
      expect(ready(world, 'rw')).toEqual([B]);
      expect(degraded(world)).toBe('False AllHealthy');
      expect(told(world)).toEqual([
        `Normal PrimaryChanged: ${B} is the primary now (previous primary: ${A})`,
      ]);
    },
  );

  it('stay as they are over a restart that writes nothing', async () => {
    const { world } = await stands();
    for (let said = 0; said < 2; said += 1) world.say(primary(), B);
    await world.run();
    const next = world.restarted();
    next.hear();
    expect((await next.run()).writes).toEqual([]);
  });
});

describe('two Services of role Primary, between whose slices a switch from A to B was cut', () => {
  const services = ['rw', 'rw2'].map((name) => ({ name, role: 'Primary' }));

  it.each([
    ['A is first in the spec', [A, B]],
    ['B is first in the spec', [B, A]],
  ])('keep their servers after a restart until a verdict reports a role: %s', async (_, order) => {
    const targets = order.map((host) => ({ host }));
    const { world } = await stands({ targets, services: [...services, { name: 'ro', role: 'Replica' }] });
    world.cluster.refuse = (action) =>
      action.op === 'update' && action.object.metadata.name.startsWith('rw-')
        ? undefined
        : new OperatorError('cut', { kind: 'transient', reason: 'ConnectionLost' });
    world.say(replica(), A);
    for (let said = 0; said < 2; said += 1) world.say(primary(), B);
    await world.run();
    world.cluster.refuse = () => undefined;
    const next = world.restarted();
    const both = () => [ready(next, 'rw'), ready(next, 'rw2')];
    next.hear();
    await next.run();
    expect(both()).toEqual([[B], [A]]);
    expect(next.known.size).toBe(0);
    next.say(primary(), B);
    await next.run();
    expect(both()).toEqual([[B], [B]]);
    next.say(replica(), A);
    await next.run();
    expect([...both(), ready(next, 'ro'), degraded(next)]).toEqual([[B], [B], [A], 'False AllHealthy']);
  });
});

describe('a replica that is behind', () => {
  it('is removed from ro with the third such verdict, added with the first other one, and rw is not affected', async () => {
    const { world } = await stands();
    await world.clock.advance(3_600_000);
    for (const [n, behind] of [
      [1, [B, C]],
      [2, [B, C]],
      [3, [C]],
    ] as const) {
      world.say(replica(20 + n), B);
      await world.run();
      expect(ready(world, 'ro')).toEqual(behind);
    }
    expect(addressOf(world, B)).toMatchObject({
      ready: true,
      role: 'Replica',
      lagOverSeconds: 10,
      excluded: [
        { service: 'rw', reason: 'NotPrimary' },
        { service: 'ro', reason: 'LagTooHigh' },
      ],
    });
    world.say(replica(500), B);
    expect((await world.run()).writes).toEqual([]);
    world.say(replica(10), B);
    await world.run();
    expect(ready(world, 'ro')).toEqual([B, C]);
    expect(addressOf(world, B)?.lagOverSeconds).toBeUndefined();
    expect(told(world)).toEqual([]);
  });

  it('is published in rw as soon as it is promoted', async () => {
    const { world } = await stands();
    await world.clock.advance(3_600_000);
    for (let i = 0; i < 3; i++) world.say(replica(100), B);
    world.fail(A);
    world.say(primary(), B);
    await world.run();
    expect(ready(world, 'rw')).toEqual([B]);
    expect(addressOf(world, B)?.lagOverSeconds).toBeUndefined();
  });
});

describe('a restart', () => {
  it('changes no Service of any address, whatever the roles and lags', async () => {
    const { world } = await stands();
    await world.clock.advance(3_600_000);
    for (let i = 0; i < 3; i++) world.say(replica(100), C);
    await world.run();
    const next = world.restarted();
    next.hear();
    expect(await next.run()).toEqual({ outcome: { ok: true, requeueAfterMs: 100 }, writes: [] });
    next.say(replica(100), C);
    next.say(replica(100), B);
    next.say(primary(), A);
    // The time since which C, which is in neither Service, has been healthy.
    expect((await next.run()).writes).toEqual(['status']);
    expect((await next.run()).writes).toEqual([]);
  });

  it('keeps the primary in rw also when the status has no roles', async () => {
    const { world } = await stands();
    const { targets: _, primary: _p, ...rest } = world.status();
    world.cluster.put(aStoredBackend(spec, { status: rest }));
    const next = world.restarted();
    next.hear();
    await next.run();
    expect(ready(next, 'rw')).toEqual([A]);
    expect(ready(next, 'ro')).toEqual([B, C]);
  });

  it('between the slices and the status of a failover continues from the slices', async () => {
    const { world } = await stands();
    world.say(replica(), A);
    world.say(primary(), B);
    const stored = world.cluster.backend(namespace, 'orders-db');
    await world.run();
    if (stored !== undefined) world.cluster.put(stored);
    const next = world.restarted();
    next.hear();
    await next.run();
    expect(ready(next, 'rw')).toEqual([B]);
    expect(ready(next, 'ro')).toEqual([A, C]);
  });

  it('does not publish a former primary whose last report was Replica', async () => {
    const { world } = await stands();
    world.say(replica(), A);
    const stored = world.cluster.backend(namespace, 'orders-db');
    await world.run();
    if (stored !== undefined) world.cluster.put(stored);
    const next = world.restarted();
    next.hear();
    await next.run();
    expect(ready(next, 'rw')).toEqual([]);
  });

  it('drops a role of the spec that was removed meanwhile', async () => {
    const fixed = (role?: string) => ({
      ...spec,
      probe: { tcpSocket: {} },
      targets: [
        { host: A, ...(role && { role }) },
        { host: B, role: 'Replica' },
      ],
      services: [{ name: 'rw', role: 'Primary' }],
    });
    const { world } = await stands(fixed('Primary'));
    expect(ready(world, 'rw')).toEqual([A]);
    world.store(fixed('Replica'), { generation: 2 });
    const next = world.restarted();
    next.hear();
    await next.run();
    next.say(up);
    await next.run();
    expect(ready(next, 'rw')).toEqual([]);
  });
});

describe('Secrets', () => {
  const password = 'open-sesame-4711';
  const secured = { ...spec, credentials: { secretName: 'login' } };
  const login = { data: { username: 'probe', password } };

  it('that are not read yet delay all probes and reports', async () => {
    const world = new ReconcileWorld();
    world.store(secured);
    expect((await world.run()).writes).toEqual([]);
    expect([...world.scheduled.values()].flat().map(({ handler }) => handler.kind)).toEqual([
      'unready',
      'unready',
      'unready',
    ]);
    world.secrets.set('login', login);
    await world.run();
    expect([...world.scheduled.values()].flat().map(({ handler }) => handler.kind)).toEqual([
      'redis',
      'redis',
      'redis',
    ]);
  });

  it('that cannot be read are reported, and servers are probed as far as possible without them', async () => {
    const world = new ReconcileWorld();
    world.secrets.set('login', { error: 'there is no such Secret' });
    world.store(secured);
    await world.run();
    world.say(up);
    await world.run();
    expect(degraded(world)).toBe('True SecretsMissing');
    expect([...world.scheduled.values()].flat().map(({ handler }) => handler.kind)).toEqual([
      'redis',
      'redis',
      'redis',
    ]);
    const next = world.restarted();
    next.hear();
    expect((await next.run()).writes).toEqual([]);
    next.secrets.set('login', { error: 'there is no such Secret' });
    expect((await next.run()).writes).toEqual([]);
  });

  it('never appear in a status, Event or id', async () => {
    const world = new ReconcileWorld();
    world.secrets.set('login', login);
    world.store(secured);
    await world.run();
    world.say(replica());
    world.say(primary(), A);
    await world.run();
    world.fail(A);
    await world.run();
    const checks = [...world.scheduled.values()].flat();
    expect(JSON.stringify(checks)).toContain(password);
    const shown = [world.status(), world.events, checks.map(({ id }) => id), world.cluster.writes];
    expect(JSON.stringify(shown)).not.toContain(password);
  });
});

describe('a login that is refused', () => {
  const refused: Verdict = { ...up, reason: 'AuthFailed', message: '28P01 password authentication failed' };

  it('is in the status while it lasts, with two writes in all, and removes no address', async () => {
    const { world, history } = await stands();
    const written: (readonly string[])[] = [];
    const after = async (verdict: Verdict) => {
      world.say(verdict, A);
      written.push((await world.run()).writes);
    };
    for (let i = 0; i < 3; i += 1) await after(refused);
    expect(addressOf(world, A)).toMatchObject({
      ready: true,
      health: 'healthy',
      reason: 'AuthFailed',
      message: refused.message,
      role: 'Primary',
    });
    expect(degraded(world)).toBe('True LoginsRefused');
    for (let i = 0; i < 5; i += 1) await after({ ...refused, message: `28P01, at ${i}` });
    await after(primary());
    await after(primary());
    expect(written.filter((writes) => writes.length > 0)).toEqual([['status'], ['status']]);
    expect(addressOf(world, A)).toMatchObject({ reason: 'Responded' });
    expect(addressOf(world, A)?.message).toBeUndefined();
    expect(degraded(world)).toBe('False AllHealthy');
    expect(ready(world, 'rw')).toEqual([A]);
    expect(history.flat().filter((ip) => ip !== A)).toEqual([]);
  });

  it('now and then causes no write', async () => {
    const { world } = await stands();
    for (let i = 0; i < 8; i += 1) {
      world.say(i % 3 === 2 ? primary() : refused, A);
      expect((await world.run()).writes).toEqual([]);
    }
  });

  it('remains in the status over a restart that writes nothing', async () => {
    const { world } = await stands();
    for (let i = 0; i < 3; i += 1) world.say(refused);
    await world.run();
    const next = world.restarted();
    next.hear();
    await next.run();
    next.say(refused);
    expect((await next.run()).writes).toEqual([]);
    expect(degraded(next)).toBe('True LoginsRefused');
    expect(ready(next, 'rw')).toEqual([A]);
  });

  it('of one of two ports is reported for that port, also over a restart', async () => {
    const ports = [
      { name: 'db', port: 6379 },
      { name: 'web', port: 80, probe: {} },
    ];
    const { world } = await stands({ ports });
    const db = [...world.scheduled.values()].flat().find(({ ip, port }) => ip === A && port === 6379);
    if (db === undefined) throw new Error('it is asked');
    for (let i = 0; i < 3; i += 1) world.judge(db, refused);
    await world.run();
    expect(addressOf(world, A)).toMatchObject({
      reason: 'AuthFailed',
      message: `port db: ${refused.message}`,
    });
    const next = world.restarted();
    next.hear();
    expect((await next.run()).writes).toEqual([]);
    next.judge(db, primary());
    await next.run();
    expect(addressOf(next, A)?.reason).not.toBe('AuthFailed');
    expect(degraded(next)).toBe('False AllHealthy');
  });
});

describe('a Service by role that has no address', () => {
  const only = {
    ...spec,
    targets: [{ host: A }],
    services: [
      { name: 'rw', role: 'Primary' },
      { name: 'ro', role: 'Replica' },
    ],
  };

  it.each([
    [
      'the login is refused',
      { ...up, reason: 'AuthFailed', message: '28P01 no' },
      'no ready primary, no ready replica: 10.20.0.11 RoleUnknown (login refused: 28P01 no)',
    ],
    [
      'a login is wanted',
      { ...up, reason: 'AuthRequired' },
      'no ready primary, no ready replica: 10.20.0.11 RoleUnknown (the server requires a login)',
    ],
    [
      'the probe reports why it has no role',
      { ...up, message: 'INFO replication is refused' },
      'no ready primary, no ready replica: 10.20.0.11 RoleUnknown (INFO replication is refused)',
    ],
    [
      'the probe reports no role',
      up,
      'no ready primary, no ready replica: 10.20.0.11 RoleUnknown (the probe reports no role)',
    ],
    ['there is a primary alone', primary(), 'no ready replica: 10.20.0.11 NotReplica'],
    ['there is a replica alone', replica(), 'no ready primary: 10.20.0.11 NotPrimary'],
  ] as const)('is reported with the reason: %s', async (_, verdict, why) => {
    const world = new ReconcileWorld();
    world.store(only);
    await world.run();
    world.say(verdict);
    await world.run();
    expect(world.status().conditions?.find(({ type }) => type === 'Available')).toMatchObject({
      status: 'False',
      reason: 'NoReadyAddress',
      message: `1 of 1 addresses are ready; ${why}`,
    });
  });
});
