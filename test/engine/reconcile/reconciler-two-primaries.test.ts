import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import {
  A,
  B,
  C,
  addressOf,
  degraded,
  primary,
  ready,
  replica,
  stands,
  told,
} from '../support/roles-world.ts';

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
