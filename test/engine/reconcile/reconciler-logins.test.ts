import { describe, expect, it } from '@jest/globals';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { A, addressOf, degraded, primary, ready, replica, spec, stands } from '../support/roles-world.ts';
import { responded } from '../../support/builders/verdicts.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';

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
    world.say(responded);
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
  const refused: Verdict = {
    ...responded,
    reason: 'AuthFailed',
    message: '28P01 password authentication failed',
  };

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
