import { describe, expect, it } from '@jest/globals';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { A, B, C, addressOf, primary, ready, replica, spec, stands, told } from '../support/roles-world.ts';
import { responded } from '../../support/builders/verdicts.ts';

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
    world.say(responded);
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
      { ...responded, reason: 'AuthFailed', message: '28P01 no' },
      'no ready primary, no ready replica: 10.20.0.11 RoleUnknown (login refused: 28P01 no)',
    ],
    [
      'a login is wanted',
      { ...responded, reason: 'AuthRequired' },
      'no ready primary, no ready replica: 10.20.0.11 RoleUnknown (the server requires a login)',
    ],
    [
      'the probe reports why it has no role',
      { ...responded, message: 'INFO replication is refused' },
      'no ready primary, no ready replica: 10.20.0.11 RoleUnknown (INFO replication is refused)',
    ],
    [
      'the probe reports no role',
      responded,
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
