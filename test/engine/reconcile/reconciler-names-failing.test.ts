import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { denies, gives } from '../../support/builders/lookups.ts';
import {
  literalToo,
  name,
  one,
  probed,
  quiet,
  reasonOf,
  ruleOf,
  said,
  standing,
} from '../support/names-world.ts';

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
